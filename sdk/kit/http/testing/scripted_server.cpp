#include "sdk/kit/http/testing/scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <stdexcept>

namespace plk::kit::testing {
namespace {

// A test that hangs is worse than one that fails.
constexpr int patience_ms = 20'000;

bool wait_for(int fd, short events) {
  pollfd watched{fd, events, 0};
  return ::poll(&watched, 1, patience_ms) == 1;
}

class plain_peer final : public peer {
 public:
  explicit plain_peer(int fd) : fd_(fd) {}
  std::string read(std::size_t size) override {
    std::string text(size, '\0');
    if (!wait_for(fd_, POLLIN)) return {};
    const ssize_t got = ::recv(fd_, text.data(), size, 0);
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text;
  }
  bool write(std::string_view text) override {
    while (!text.empty()) {
      const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void end() override { ::shutdown(fd_, SHUT_RDWR); }
  void cut() override {
    const linger at_once{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }

 private:
  int fd_;
};

class tls_peer final : public peer {
 public:
  tls_peer(SSL_CTX* context, int fd) : ssl_(SSL_new(context)) {
    SSL_set_fd(ssl_, fd);
    is_open_ = SSL_accept(ssl_) == 1;
  }
  ~tls_peer() override {
    if (is_open_ && !is_cut_) SSL_shutdown(ssl_);
    SSL_free(ssl_);
    ERR_clear_error();
  }
  bool is_open() const noexcept { return is_open_; }
  std::string read(std::size_t size) override {
    std::string text(size, '\0');
    const int got = SSL_read(ssl_, text.data(), static_cast<int>(size));
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text;
  }
  bool write(std::string_view text) override {
    return text.empty() || SSL_write(ssl_, text.data(), static_cast<int>(text.size())) > 0;
  }
  void end() override { SSL_shutdown(ssl_); }
  void cut() override { is_cut_ = true; }

 private:
  SSL* ssl_;
  bool is_open_ = false;
  bool is_cut_ = false;
};

std::string read_bio(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

}  // namespace

std::string peer::read_header() {
  std::size_t end;
  while ((end = pending_.find("\r\n\r\n")) == std::string::npos) {
    const std::string more = read(4096);
    if (more.empty()) return {};
    pending_ += more;
  }
  std::string header = pending_.substr(0, end + 4);
  pending_.erase(0, end + 4);
  return header;
}

std::string peer::read_request() {
  std::string request = read_header();
  std::string lower = request;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const std::string_view name = "content-length: ";
  const std::size_t at = lower.find(name);
  if (at == std::string::npos) return request;
  std::size_t size = 0;
  std::from_chars(lower.data() + at + name.size(), lower.data() + lower.size(), size);
  while (pending_.size() < size) {
    const std::string more = read(64 * 1024);
    if (more.empty()) break;
    pending_ += more;
  }
  request += pending_.substr(0, size);
  pending_.erase(0, size);
  return request;
}

certificate certificate::make(const std::string& name) {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const x509 = X509_new();
  X509_set_version(x509, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
  X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
  X509_set_pubkey(x509, key);
  X509_NAME* const subject = X509_get_subject_name(x509);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
  X509_set_issuer_name(x509, subject);
  in_addr address{};
  const bool is_address = ::inet_pton(AF_INET, name.c_str(), &address) == 1;
  const std::string for_whom = (is_address ? "IP:" : "DNS:") + name;
  X509_EXTENSION* const names =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, for_whom.c_str());
  X509_add_ext(x509, names, -1);
  X509_EXTENSION_free(names);
  if (X509_sign(x509, key, EVP_sha256()) == 0) throw std::runtime_error("no certificate");
  BIO* const certificate_bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(certificate_bio, x509);
  BIO* const key_bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(key_bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  X509_free(x509);
  EVP_PKEY_free(key);
  return {.certificate_pem = read_bio(certificate_bio), .key_pem = read_bio(key_bio)};
}

scripted_server::scripted_server(serve_fn serve, const certificate* tls) {
  if (tls != nullptr) {
    SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
    BIO* const certificate_bio = BIO_new_mem_buf(tls->certificate_pem.data(), -1);
    X509* const x509 = PEM_read_bio_X509(certificate_bio, nullptr, nullptr, nullptr);
    SSL_CTX_use_certificate(context, x509);
    X509_free(x509);
    BIO_free(certificate_bio);
    BIO* const key_bio = BIO_new_mem_buf(tls->key_pem.data(), -1);
    EVP_PKEY* const key = PEM_read_bio_PrivateKey(key_bio, nullptr, nullptr, nullptr);
    SSL_CTX_use_PrivateKey(context, key);
    EVP_PKEY_free(key);
    BIO_free(key_bio);
    tls_ = context;
  }
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 16) != 0 ||
      ::getsockname(listener_, generic, &size) != 0) {
    throw std::runtime_error("no port on loopback");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::jthread(
      [this, serve = std::move(serve)](const std::stop_token& stop) { run(serve, stop); });
}

scripted_server::~scripted_server() {
  thread_.request_stop();
  // Wakes accept().
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
  SSL_CTX_free(static_cast<SSL_CTX*>(tls_));
}

void scripted_server::run(const serve_fn& serve, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    const int number = connections_++;
    if (tls_ == nullptr) {
      plain_peer client(fd);
      serve(client, number);
    } else {
      tls_peer client(static_cast<SSL_CTX*>(tls_), fd);
      if (client.is_open()) serve(client, number);
    }
    ::close(fd);
  }
}

void relay(peer& client, std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    plain_peer server(fd);
    const auto pass_on = [fd](peer& from, peer& to) {
      for (std::string text; !(text = from.read(64 * 1024)).empty();) {
        if (!to.write(text)) break;
      }
      ::shutdown(fd, SHUT_RDWR);
    };
    std::jthread back([&] {
      pass_on(server, client);
      client.end();
    });
    pass_on(client, server);
  }
  ::close(fd);
}

}  // namespace plk::kit::testing
