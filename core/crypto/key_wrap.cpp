#include "core/crypto/key_wrap.h"

#include <gcrypt.h>

#include "core/base/assert.h"
#include "core/base/secret.h"
#include "core/crypto/internal/gcrypt.h"

namespace plakar::crypto {

namespace {

bool can_be_wrapped(std::size_t key_size) {
  return key_size % 8 == 0 && key_size >= KeyWrap::key_size_min &&
         key_size <= KeyWrap::key_size_max;
}

}  // namespace

Result<KeyWrap> KeyWrap::create(KeyView32 wrapping_key) {
  GcryptCipher cipher =
      PLK_TRY(GcryptCipher::open_aes256(GCRY_CIPHER_MODE_AESWRAP, "AES-256 key wrap"));
  PLK_TRY(cipher.set_key(wrapping_key));
  return KeyWrap(std::move(cipher));
}

Status KeyWrap::wrap(BytesView key, std::span<std::byte> wrapped) {
  PLK_ASSERT(can_be_wrapped(key.size()) && wrapped.size() == key.size() + overhead);
  return gcrypt::check(
      gcry_cipher_encrypt(cipher_.get(), wrapped.data(), wrapped.size(), key.data(), key.size()),
      cipher_.what());
}

Status KeyWrap::unwrap(BytesView wrapped, std::span<std::byte> key) {
  PLK_ASSERT(can_be_wrapped(key.size()) && wrapped.size() == key.size() + overhead);
  const gcry_error_t verdict =
      gcry_cipher_decrypt(cipher_.get(), key.data(), key.size(), wrapped.data(), wrapped.size());
  if (verdict == 0) return {};
  wipe(key);
  if (gcry_err_code(verdict) != GPG_ERR_CHECKSUM) return gcrypt::error(verdict, cipher_.what());
  return Error(Errc::corrupt,
               "the wrapped key does not open: it is damaged, or the store key is another");
}

}  // namespace plakar::crypto
