#include "sdk/kit/http/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <memory>

#include <plakar/connector.hpp>

namespace plk::kit {
namespace {

struct free_openssl {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
template <class T>
using owned = std::unique_ptr<T, free_openssl>;

failure bad_config(const std::string& what) {
  ERR_clear_error();
  return failure(PLK_E_CONFIG, what);
}

owned<BIO> open_text(const std::string& text) {
  owned<BIO> bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (bio == nullptr) throw std::bad_alloc();
  return bio;
}

// No passphrase is asked for: there is nobody to ask.
int no_passphrase(char*, int, int, void*) { return 0; }

void trust(SSL_CTX* context, const std::string& pem) {
  const auto bio = open_text(pem);
  int count = 0;
  while (const owned<X509> certificate{
      PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr)}) {
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate.get()) != 1) {
      throw bad_config("a certificate to trust cannot be used");
    }
    ++count;
  }
  ERR_clear_error();
  if (count == 0) throw bad_config("the certificates to trust are no PEM certificates");
}

void present(SSL_CTX* context, const tls_settings& settings) {
  const auto bio = open_text(settings.certificate_pem);
  const owned<X509> own(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
  if (own == nullptr || SSL_CTX_use_certificate(context, own.get()) != 1) {
    throw bad_config("the client certificate is no PEM certificate");
  }
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr)) {
    if (SSL_CTX_add0_chain_cert(context, next) == 1) continue;
    X509_free(next);
    throw bad_config("a certificate of the client's chain cannot be used");
  }
  ERR_clear_error();
  const auto key_bio = open_text(settings.key_pem);
  const owned<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(key_bio.get(), nullptr, no_passphrase, nullptr));
  if (key == nullptr || SSL_CTX_use_PrivateKey(context, key.get()) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    throw bad_config("the client key is no PEM key, has a passphrase, or is not the certificate's");
  }
}

}  // namespace

tls_context::tls_context(const tls_settings& settings) {
  owned<SSL_CTX> context(SSL_CTX_new(TLS_client_method()));
  if (context == nullptr) throw failure(PLK_E_INTERNAL, "OpenSSL does not work");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_verify(context.get(), settings.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (!settings.only_these) SSL_CTX_set_default_verify_paths(context.get());
  if (!settings.ca_file.empty() &&
      SSL_CTX_load_verify_locations(context.get(), settings.ca_file.c_str(), nullptr) != 1) {
    throw bad_config("no certificates can be read from " + settings.ca_file);
  }
  if (!settings.ca_pem.empty()) trust(context.get(), settings.ca_pem);
  if (!settings.certificate_pem.empty()) present(context.get(), settings);
  native_ = context.release();
}

tls_context::~tls_context() { SSL_CTX_free(static_cast<SSL_CTX*>(native_)); }

}  // namespace plk::kit
