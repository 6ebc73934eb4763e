#include "core/crypto/aes_gcm.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <memory>

#include "core/base/assert.h"
#include "core/base/secret.h"
#include "core/crypto/internal/openssl.h"

namespace plakar::crypto {

namespace {

constexpr std::string_view what = "AES-256-GCM";

using Context = std::unique_ptr<EVP_CIPHER_CTX, openssl::Free<EVP_CIPHER_CTX_free>>;

unsigned char* raw(std::span<std::byte> bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}
const unsigned char* raw(BytesView bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

enum class Direction : int { open = 0, seal = 1 };

// A context with key and nonce that has taken in the additional data and the text.
Result<Context> run(Direction direction, KeyView32 key, AesGcmNonce nonce, BytesView additional,
                    BytesView in, std::span<std::byte> out) {
  PLK_ASSERT(in.size() == out.size() && in.size() <= aes_gcm_text_size_max);
  PLK_ASSERT(additional.size() <= aes_gcm_text_size_max);
  Context context(EVP_CIPHER_CTX_new());
  int size = 0;
  if (context == nullptr || openssl::aes_256_gcm() == nullptr ||
      EVP_CipherInit_ex2(context.get(), openssl::aes_256_gcm(), raw(key), raw(nonce),
                         static_cast<int>(direction), nullptr) != 1) {
    return openssl::error(what);
  }
  if (!additional.empty() && EVP_CipherUpdate(context.get(), nullptr, &size, raw(additional),
                                              static_cast<int>(additional.size())) != 1) {
    return openssl::error(what);
  }
  if (!in.empty() &&
      EVP_CipherUpdate(context.get(), raw(out), &size, raw(in), static_cast<int>(in.size())) != 1) {
    return openssl::error(what);
  }
  return context;
}

}  // namespace

Status aes_gcm_seal(KeyView32 key, AesGcmNonce nonce, BytesView additional, BytesView plain,
                    std::span<std::byte> sealed, std::span<std::byte, aes_gcm_tag_size> tag) {
  const Context context = PLK_TRY(run(Direction::seal, key, nonce, additional, plain, sealed));
  int size = 0;
  unsigned char nothing = 0;  // The mode has no last block, but the function wants a place.
  if (EVP_CipherFinal_ex(context.get(), &nothing, &size) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag.size()),
                          tag.data()) != 1) {
    return openssl::error(what);
  }
  return {};
}

Status aes_gcm_open(KeyView32 key, AesGcmNonce nonce, BytesView additional, BytesView sealed,
                    std::span<const std::byte, aes_gcm_tag_size> tag, std::span<std::byte> plain) {
  auto context = run(Direction::open, key, nonce, additional, sealed, plain);
  if (!context) {
    wipe(plain);
    return std::move(context).error();
  }
  int size = 0;
  unsigned char nothing = 0;
  // The call takes a pointer to non-const for both directions; it only reads for this one.
  auto* expected = const_cast<std::byte*>(tag.data());
  if (EVP_CIPHER_CTX_ctrl(context->get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag.size()),
                          expected) != 1) {
    wipe(plain);
    return openssl::error(what);
  }
  if (EVP_CipherFinal_ex(context->get(), &nothing, &size) != 1) {
    wipe(plain);
    ERR_clear_error();
    return Error(
        Errc::corrupt,
        "the authentication tag does not match: the data is damaged, or the key is another");
  }
  return {};
}

}  // namespace plakar::crypto
