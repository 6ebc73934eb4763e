#include "core/crypto/internal/evp_hash.h"

#include <openssl/evp.h>

#include "core/base/assert.h"

namespace plakar::crypto {

void EvpHash::FreeContext::operator()(evp_md_ctx_st* context) const noexcept {
  EVP_MD_CTX_free(context);
}

EvpHash::EvpHash(const evp_md_st* md) noexcept : context_(EVP_MD_CTX_new()) {
  PLK_ASSERT(md != nullptr && context_ != nullptr);
  PLK_ASSERT(EVP_DigestInit_ex2(context_.get(), md, nullptr) == 1);
}

void EvpHash::update(BytesView data) noexcept {
  PLK_ASSERT(EVP_DigestUpdate(context_.get(), data.data(), data.size()) == 1);
}

void EvpHash::finish(std::span<std::byte> out) noexcept {
  unsigned size = 0;
  PLK_ASSERT(EVP_MD_CTX_get_size(context_.get()) == static_cast<int>(out.size()));
  PLK_ASSERT(
      EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(out.data()), &size) == 1);
  reset();
}

void EvpHash::reset() noexcept {
  PLK_ASSERT(EVP_DigestInit_ex2(context_.get(), nullptr, nullptr) == 1);
}

}  // namespace plakar::crypto
