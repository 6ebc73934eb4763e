#include "core/crypto/internal/openssl.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <array>
#include <string>

namespace plakar::crypto::openssl {

// Fetched objects are kept until the process ends: freeing them in a destructor would race
// with threads that still hash.

const evp_md_st* sha256() noexcept {
  static const EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA2-256", nullptr);
  return md;
}

const evp_md_st* blake2b_512() noexcept {
  static const EVP_MD* const md = EVP_MD_fetch(nullptr, "BLAKE2B-512", nullptr);
  return md;
}

const evp_cipher_st* aes_256_gcm() noexcept {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  return cipher;
}

evp_mac_st* hmac() noexcept {
  static EVP_MAC* const mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  return mac;
}

Error error(std::string_view doing) {
  const unsigned long code = ERR_peek_last_error();  // older ones are somebody else's
  std::array<char, 256> reason{};
  ERR_error_string_n(code, reason.data(), reason.size());
  ERR_clear_error();
  std::string message(doing);
  message.append(": ").append(code == 0 ? "OpenSSL gave no reason" : reason.data());
  const bool missing = ERR_GET_REASON(code) == ERR_R_UNSUPPORTED;
  return Error(missing ? Errc::unsupported : Errc::internal, std::move(message));
}

}  // namespace plakar::crypto::openssl
