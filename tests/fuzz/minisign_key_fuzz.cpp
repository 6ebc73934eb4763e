// Secret keys of minisign: encrypted ones are refused without a passphrase before any work,
// the others survive being written.
#include <cstdint>
#include <string_view>

#include "core/base/assert.h"
#include "core/crypto/minisign_key.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plakar;
  using namespace plakar::crypto;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto encrypted = MinisignKey::is_encrypted(text);
  const auto key = MinisignKey::parse(text, {});
  if (!encrypted) {
    PLK_ASSERT(encrypted.error().code() == Errc::invalid_argument && !key);
    return 0;
  }
  if (*encrypted) {
    PLK_ASSERT(!key && key.error().code() == Errc::permission_denied);
    return 0;
  }
  if (!key) {
    PLK_ASSERT(key.error().code() == Errc::invalid_argument);
    return 0;
  }
  const auto file = key->file();
  PLK_ASSERT(file);
  const auto again = MinisignKey::parse(file->reveal_text(), {});
  PLK_ASSERT(again && again->public_key() == key->public_key());
  return 0;
}
