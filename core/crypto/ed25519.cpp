#include "core/crypto/ed25519.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "core/crypto/internal/openssl.h"

namespace plakar::crypto {

namespace {

constexpr const char* algorithm = "ED25519";

using PublicHandle = std::unique_ptr<EVP_PKEY, openssl::Free<EVP_PKEY_free>>;
using Context = std::unique_ptr<EVP_MD_CTX, openssl::Free<EVP_MD_CTX_free>>;

const unsigned char* raw(BytesView bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

}  // namespace

void Ed25519Key::FreeKey::operator()(evp_pkey_st* key) const noexcept { EVP_PKEY_free(key); }

Result<Ed25519Key> Ed25519Key::generate(Random& random) {
  Secret seed(std::size_t{32});
  random.fill(seed.writable());
  return from_seed(seed.reveal().first<32>());
}

Result<Ed25519Key> Ed25519Key::from_seed(KeyView32 seed) {
  Handle handle(
      EVP_PKEY_new_raw_private_key_ex(nullptr, algorithm, nullptr, raw(seed), seed.size()));
  Ed25519PublicKey public_key;
  std::size_t size = public_key.bytes.size();
  if (handle == nullptr ||
      EVP_PKEY_get_raw_public_key(
          handle.get(), reinterpret_cast<unsigned char*>(public_key.bytes.data()), &size) != 1 ||
      size != public_key.bytes.size()) {
    return openssl::error("make an Ed25519 key");
  }
  return Ed25519Key(Secret(BytesView(seed)), public_key, std::move(handle));
}

Result<Ed25519Signature> Ed25519Key::sign(BytesView message) const {
  const Context context(EVP_MD_CTX_new());
  Ed25519Signature signature;
  std::size_t size = signature.bytes.size();
  if (context == nullptr ||
      EVP_DigestSignInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr, handle_.get(),
                            nullptr) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.bytes.data()), &size,
                     raw(message), message.size()) != 1 ||
      size != signature.bytes.size()) {
    return openssl::error("sign");
  }
  return signature;
}

Status ed25519_verify(const Ed25519PublicKey& key, BytesView message,
                      const Ed25519Signature& signature) {
  const PublicHandle handle(EVP_PKEY_new_raw_public_key_ex(nullptr, algorithm, nullptr,
                                                           raw(key.bytes), key.bytes.size()));
  const Context context(EVP_MD_CTX_new());
  if (handle == nullptr || context == nullptr ||
      EVP_DigestVerifyInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr, handle.get(),
                              nullptr) != 1) {
    return openssl::error("check a signature");
  }
  const int verdict = EVP_DigestVerify(context.get(), raw(signature.bytes), signature.bytes.size(),
                                       raw(message), message.size());
  if (verdict == 1) return {};
  // Also a key or signature that encodes no point of the curve ends here, with its own reason
  // in the queue. The caller's conclusion is the same.
  ERR_clear_error();
  return Error(Errc::corrupt, "the signature does not match");
}

}  // namespace plakar::crypto
