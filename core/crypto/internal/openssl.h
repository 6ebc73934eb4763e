// What we use of OpenSSL's libcrypto: algorithms are fetched by name once a process, not
// once a message, which would cost more than hashing a small blob does.
//
// Thread rule: everything here may be called from any thread.
#pragma once

#include <memory>
#include <string_view>

#include "core/base/result.h"

struct evp_cipher_st;
struct evp_mac_st;
struct evp_md_st;

namespace plakar::crypto::openssl {

// Null where the installation lacks the algorithm. self_check() reports that before anything
// else runs; afterwards it is a broken invariant.
const evp_md_st* sha256() noexcept;
const evp_md_st* blake2b_512() noexcept;
const evp_cipher_st* aes_256_gcm() noexcept;
evp_mac_st* hmac() noexcept;

// Empties the thread's error queue and makes a message of its newest entry: "sign: <reason>".
// Errc::unsupported when OpenSSL says that it lacks something, Errc::internal otherwise.
Error error(std::string_view doing);

// std::unique_ptr<evp_md_ctx_st, Free<EVP_MD_CTX_free>>
template <auto free>
struct Free {
  template <class T>
  void operator()(T* object) const noexcept {
    free(object);
  }
};

}  // namespace plakar::crypto::openssl
