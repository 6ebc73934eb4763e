// Signatures of minisign: what is read survives being written, holds no control characters,
// and none but the seed's own verifies.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "core/base/assert.h"
#include "core/crypto/minisign.h"

namespace {

using namespace plakar;
using namespace plakar::crypto;

// That of the seeds `prehashed` and `legacy`, over "hello\n".
constexpr std::string_view seed_key = "RWT1/48hXz2Cob+GfkXyrSPS49EhsTUXjge6GCPr2rG0j0hqpSVNtq+E";
constexpr std::string_view seed_comment = "timestamp:1795507959\tfile:f";

bool printable(std::string_view text) {
  return std::ranges::none_of(
      text, [](char c) { return (c >= 0 && c < 0x20 && c != '\t') || c == 0x7f; });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto signature = MinisignSignature::parse(text);
  if (!signature) {
    PLK_ASSERT(signature.error().code() == Errc::invalid_argument);
    return 0;
  }
  PLK_ASSERT(printable(signature->trusted_comment) && printable(signature->untrusted_comment));
  const auto again = MinisignSignature::parse(signature->file());
  PLK_ASSERT(again && again->file() == signature->file());
  PLK_ASSERT(again->signature == signature->signature && again->key_id == signature->key_id);

  static const MinisignPublicKey key = MinisignPublicKey::parse(seed_key).value();
  if (minisign_verify(key, *signature, as_bytes("hello\n"))) {
    PLK_ASSERT(signature->trusted_comment.starts_with(seed_comment));
  }
  return 0;
}
