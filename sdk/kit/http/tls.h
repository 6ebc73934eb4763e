// How a TLS connection is made. What it needs of OpenSSL is made once and shared.
#pragma once

#include <memory>
#include <string>

namespace plk::kit {

struct tls_settings {
  // False: whoever answers is believed, which protects from nobody who wants to listen.
  bool verify = true;
  // Certificates to trust beside the system's: a file of PEM, or PEM. With `only_these` not the
  // system's.
  std::string ca_file{};
  std::string ca_pem{};
  bool only_these = false;
  // Of the client, if the server asks for them: PEM.
  std::string certificate_pem{};
  std::string key_pem{};
};

class tls_context {
 public:
  // Throws PLK_E_CONFIG for what is no certificate or no key.
  explicit tls_context(const tls_settings& settings);
  ~tls_context();
  tls_context(const tls_context&) = delete;
  tls_context& operator=(const tls_context&) = delete;

  void* native() const noexcept { return native_; }  // an SSL_CTX*

 private:
  void* native_;
};

}  // namespace plk::kit
