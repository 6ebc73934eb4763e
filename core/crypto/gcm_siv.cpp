#include "core/crypto/gcm_siv.h"

#include <gcrypt.h>

#include "core/base/assert.h"
#include "core/base/secret.h"
#include "core/crypto/internal/gcrypt.h"

namespace plakar::crypto {

Result<GcmSiv> GcmSiv::create() {
  return GcmSiv(PLK_TRY(GcryptCipher::open_aes256(GCRY_CIPHER_MODE_GCM_SIV, "AES-256-GCM-SIV")));
}

Status GcmSiv::set_key(KeyView32 key) { return cipher_.set_key(key); }

Status GcmSiv::start(Nonce nonce, BytesView additional) {
  gcry_cipher_hd_t handle = cipher_.get();
  // A new nonce does not end the message before it, and a second message is refused.
  PLK_TRY(gcrypt::check(gcry_cipher_reset(handle), cipher_.what()));
  PLK_TRY(gcrypt::check(gcry_cipher_setiv(handle, nonce.data(), nonce.size()), cipher_.what()));
  if (additional.empty()) return {};
  return gcrypt::check(gcry_cipher_authenticate(handle, additional.data(), additional.size()),
                       cipher_.what());
}

Status GcmSiv::seal(Nonce nonce, BytesView additional, BytesView plain, std::span<std::byte> sealed,
                    std::span<std::byte, tag_size> tag) {
  PLK_ASSERT(sealed.size() == plain.size());
  PLK_TRY(start(nonce, additional));
  gcry_cipher_hd_t handle = cipher_.get();
  // One call for the whole message: the mode needs all of it before the first byte.
  PLK_TRY(gcrypt::check(
      gcry_cipher_encrypt(handle, sealed.data(), sealed.size(), plain.data(), plain.size()),
      cipher_.what()));
  return gcrypt::check(gcry_cipher_gettag(handle, tag.data(), tag.size()), cipher_.what());
}

Status GcmSiv::open(Nonce nonce, BytesView additional, BytesView sealed,
                    std::span<const std::byte, tag_size> tag, std::span<std::byte> plain) {
  PLK_ASSERT(plain.size() == sealed.size());
  PLK_TRY(start(nonce, additional));
  gcry_cipher_hd_t handle = cipher_.get();
  PLK_TRY(gcrypt::check(gcry_cipher_set_decryption_tag(handle, tag.data(), tag.size()),
                        cipher_.what()));
  // The answer of decrypt() is the verdict. checktag() must not be asked: after a wrong tag
  // it says success.
  const gcry_error_t verdict =
      gcry_cipher_decrypt(handle, plain.data(), plain.size(), sealed.data(), sealed.size());
  if (verdict == 0) return {};
  wipe(plain);
  if (gcry_err_code(verdict) != GPG_ERR_CHECKSUM) return gcrypt::error(verdict, cipher_.what());
  return Error(Errc::corrupt,
               "the authentication tag does not match: the data is damaged, or the key is another");
}

}  // namespace plakar::crypto
