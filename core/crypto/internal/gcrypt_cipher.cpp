#include "core/crypto/internal/gcrypt_cipher.h"

#include <gcrypt.h>

#include "core/crypto/internal/gcrypt.h"

namespace plakar::crypto {

void GcryptCipher::Close::operator()(gcry_cipher_handle* handle) const noexcept {
  gcry_cipher_close(handle);
}

Result<GcryptCipher> GcryptCipher::open_aes256(int mode, std::string_view what) {
  PLK_TRY(gcrypt::ready());
  gcry_cipher_hd_t raw = nullptr;
  PLK_TRY(gcrypt::check(gcry_cipher_open(&raw, GCRY_CIPHER_AES256, mode, 0), what));
  return GcryptCipher(Handle(raw), what);
}

Status GcryptCipher::set_key(KeyView32 key) {
  return gcrypt::check(gcry_cipher_setkey(handle_.get(), key.data(), key.size()), what_);
}

}  // namespace plakar::crypto
