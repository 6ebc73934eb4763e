#include "core/crypto/hmac.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <array>
#include <string>
#include <utility>

#include "core/base/assert.h"
#include "core/crypto/internal/openssl.h"

namespace plakar::crypto {

void HmacSha256::FreeContext::operator()(evp_mac_ctx_st* context) const noexcept {
  EVP_MAC_CTX_free(context);
}

HmacSha256::HmacSha256(BytesView key) noexcept {
  PLK_ASSERT(openssl::hmac() != nullptr);
  context_.reset(EVP_MAC_CTX_new(openssl::hmac()));
  PLK_ASSERT(context_ != nullptr);
  std::array<char, 9> digest{"SHA2-256"};
  const std::array parameters{
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_end()};
  // A null key would mean "keep the one you have": an empty key needs an address too.
  const unsigned char nothing = 0;
  const auto* bytes = key.empty() ? &nothing : reinterpret_cast<const unsigned char*>(key.data());
  PLK_ASSERT(EVP_MAC_init(context_.get(), bytes, key.size(), parameters.data()) == 1);
}

HmacSha256::HmacSha256(Context context) noexcept : context_(std::move(context)) {
  PLK_ASSERT(context_ != nullptr);
}

HmacSha256 HmacSha256::fork() const noexcept {
  return HmacSha256(Context(EVP_MAC_CTX_dup(context_.get())));
}

void HmacSha256::update(BytesView data) noexcept {
  PLK_ASSERT(EVP_MAC_update(context_.get(), reinterpret_cast<const unsigned char*>(data.data()),
                            data.size()) == 1);
}

Digest32 HmacSha256::finish() && noexcept {
  Digest32 out;
  std::size_t size = 0;
  PLK_ASSERT(EVP_MAC_final(context_.get(), reinterpret_cast<unsigned char*>(out.data()), &size,
                           out.size()) == 1);
  PLK_ASSERT(size == out.size());
  return out;
}

Digest32 HmacSha256::finish() & noexcept {
  const Digest32 out = std::move(*this).finish();
  reset();
  return out;
}

void HmacSha256::reset() noexcept {
  PLK_ASSERT(EVP_MAC_init(context_.get(), nullptr, 0, nullptr) == 1);
}

Digest32 hmac_sha256(BytesView key, BytesView data) noexcept {
  HmacSha256 mac(key);
  mac.update(data);
  return std::move(mac).finish();
}

}  // namespace plakar::crypto
