#include "core/crypto/sha256.h"

#include "core/crypto/internal/openssl.h"

namespace plakar::crypto {

Sha256::Sha256() noexcept : hash_(openssl::sha256()) {}

Digest32 Sha256::finish() noexcept {
  Digest32 out;
  hash_.finish(out);
  return out;
}

Digest32 sha256(BytesView data) noexcept {
  Sha256 hasher;
  hasher.update(data);
  return hasher.finish();
}

}  // namespace plakar::crypto
