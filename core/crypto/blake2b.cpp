#include "core/crypto/blake2b.h"

#include <gcrypt.h>

#include "core/crypto/internal/gcrypt.h"
#include "core/crypto/internal/openssl.h"

namespace plakar::crypto {

Blake2b::Blake2b() noexcept : hash_(openssl::blake2b_512()) {}

Digest64 Blake2b::finish() noexcept {
  Digest64 out;
  hash_.finish(out);
  return out;
}

Digest64 blake2b(BytesView data) noexcept {
  Blake2b hasher;
  hasher.update(data);
  return hasher.finish();
}

// From libgcrypt: OpenSSL has had other sizes than 64 bytes only since 3.2.
Result<Digest32> blake2b_256(BytesView data) {
  PLK_TRY(gcrypt::ready());
  PLK_TRY(gcrypt::check(gcry_md_test_algo(GCRY_MD_BLAKE2B_256), "look for BLAKE2b-256"));
  Digest32 out;
  gcry_md_hash_buffer(GCRY_MD_BLAKE2B_256, out.data(), data.data(), data.size());
  return out;
}

}  // namespace plakar::crypto
