// Public keys of minisign: what is read survives being written, as a file and as a line.
#include <cstdint>
#include <string_view>

#include "core/base/assert.h"
#include "core/crypto/minisign.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plakar::crypto;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto key = MinisignPublicKey::parse(text);
  if (!key) {
    PLK_ASSERT(key.error().code() == plakar::Errc::invalid_argument);
    return 0;
  }
  PLK_ASSERT(text.find(key->line()) != std::string_view::npos);  // One spelling for each key.
  PLK_ASSERT(MinisignPublicKey::parse(key->line()) == *key);
  PLK_ASSERT(MinisignPublicKey::parse(key->file()) == *key);
  return 0;
}
