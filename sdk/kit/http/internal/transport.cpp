#include "sdk/kit/http/internal/transport.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

namespace plk::kit {
namespace {

failure broken(int code, const std::string& peer, const std::string& what) {
  failure made = system_failure(code, what + " " + peer);
  made.retryable();
  return made;
}

struct free_addresses {
  void operator()(addrinfo* list) const noexcept { ::freeaddrinfo(list); }
};

std::unique_ptr<addrinfo, free_addresses> resolve(const std::string& host, std::uint16_t port) {
  const char* name = host.c_str();
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
  // This machine, also where nothing says so: without a name, loopback is what is meant.
  if (host == "localhost" || host.ends_with(".localhost")) {
    hints.ai_flags = AI_NUMERICSERV;
    name = nullptr;
  }
  addrinfo* list = nullptr;
  int error = ::getaddrinfo(name, std::to_string(port).c_str(), &hints, &list);
  if (error == EAI_NONAME || error == EAI_ADDRFAMILY) {
    // Loopback addresses of a family of which the machine has no other.
    hints.ai_flags = AI_NUMERICSERV;
    error = ::getaddrinfo(name, std::to_string(port).c_str(), &hints, &list);
  }
  if (error == 0) return std::unique_ptr<addrinfo, free_addresses>(list);
  failure made(error == EAI_NONAME ? PLK_E_NOT_FOUND : PLK_E_IO,
               "the host " + host + " is not known: " + ::gai_strerror(error));
  if (error == EAI_AGAIN) made.retryable();
  throw made;
}

bool is_numeric(const std::string& host) noexcept {
  in6_addr address{};
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

// 0 or an error number.
int connect_to(int fd, const addrinfo& address, const patience& patience,
               const std::string& doing) {
  if (::connect(fd, address.ai_addr, address.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS && errno != EINTR) return errno;
  patience.wait_writable(fd, doing);
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

}  // namespace

// TLS between two buffers in memory: sockets are read and written in one place.
class transport::tls {
 public:
  tls(const tls_context& context, const std::string& host, bool verify)
      : ssl_(SSL_new(static_cast<SSL_CTX*>(context.native()))),
        in_(BIO_new(BIO_s_mem())),
        out_(BIO_new(BIO_s_mem())) {
    if (ssl_ == nullptr || in_ == nullptr || out_ == nullptr) throw std::bad_alloc();
    BIO_set_mem_eof_return(in_, -1);
    BIO_set_mem_eof_return(out_, -1);
    SSL_set_bio(ssl_, in_, out_);
    SSL_set_connect_state(ssl_);
    const bool is_address = is_numeric(host);
    if (!is_address) SSL_set_tlsext_host_name(ssl_, host.c_str());
    if (!verify) return;
    X509_VERIFY_PARAM* const wanted = SSL_get0_param(ssl_);
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    const int set = is_address ? X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str())
                               : X509_VERIFY_PARAM_set1_host(wanted, host.c_str(), host.size());
    if (set != 1) throw failure(PLK_E_CONFIG, "no certificate can be for the host " + host);
  }
  ~tls() { SSL_free(ssl_); }

  SSL* ssl() const noexcept { return ssl_; }

  // Does `step`, which returns what SSL_read() and its like do, and feeds it until it is done.
  template <class Step>
  int run(transport& socket, const patience& patience, Step step) {
    while (true) {
      ERR_clear_error();
      const int result = step(ssl_);
      const int error = result > 0 ? SSL_ERROR_NONE : SSL_get_error(ssl_, result);
      flush(socket, patience);
      if (error == SSL_ERROR_NONE) return result;
      if (error == SSL_ERROR_ZERO_RETURN) return 0;
      if (error != SSL_ERROR_WANT_READ) throw describe(socket);
      std::array<std::uint8_t, 16 * 1024> chunk;
      const std::size_t got = socket.receive(buffer(chunk.data(), chunk.size()), patience);
      if (got == 0) {
        throw failure(PLK_E_IO, socket.peer_ + " closed the connection in the middle").retryable();
      }
      BIO_write(in_, chunk.data(), static_cast<int>(got));
    }
  }

 private:
  void flush(transport& socket, const patience& patience) {
    std::array<char, 16 * 1024> chunk;
    for (int size; (size = BIO_read(out_, chunk.data(), static_cast<int>(chunk.size()))) > 0;) {
      octets rest(chunk.data(), static_cast<std::size_t>(size));
      while (!rest.empty()) {
        const std::size_t sent = socket.send(rest, patience);
        rest = octets(rest.data() + sent, rest.size() - sent);
      }
    }
  }

  failure describe(const transport& socket) const {
    const long verdict = SSL_get_verify_result(ssl_);
    const unsigned long code = ERR_get_error();
    ERR_clear_error();
    if (verdict != X509_V_OK) {
      return failure(PLK_E_CONFIG, "the certificate of " + socket.peer_ + " is not trusted: " +
                                       X509_verify_cert_error_string(verdict));
    }
    const char* const reason = ERR_reason_error_string(code);
    return failure(PLK_E_IO, "TLS with " + socket.peer_ +
                                 " failed: " + (reason == nullptr ? "no reason given" : reason));
  }

  SSL* ssl_;
  BIO* in_;  // these two belong to ssl_
  BIO* out_;
};

std::unique_ptr<transport> transport::connect(const std::string& host, std::uint16_t port,
                                              const patience& patience) {
  const std::string peer = host + ":" + std::to_string(port);
  const std::string doing = "connecting to " + peer;
  const auto addresses = resolve(host, port);
  int error = EADDRNOTAVAIL;
  for (const addrinfo* at = addresses.get(); at != nullptr; at = at->ai_next) {
    patience.check(doing);
    const int fd =
        ::socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, at->ai_protocol);
    if (fd < 0) {
      error = errno;
      continue;
    }
    std::unique_ptr<transport> made(new transport(fd, peer));
    error = connect_to(fd, *at, patience, doing);
    if (error != 0) continue;
    const int on = 1;
    // What cannot be set costs time, and nothing else.
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    return made;
  }
  throw broken(error, peer, "connect to");
}

transport::transport(int fd, std::string peer) noexcept : fd_(fd), peer_(std::move(peer)) {}

transport::~transport() {
  tls_.reset();
  ::close(fd_);
}

void transport::start_tls(const tls_context& context, const std::string& host, bool verify,
                          const patience& patience) {
  tls_ = std::make_unique<tls>(context, host, verify);
  if (tls_->run(*this, patience, [](SSL* ssl) { return SSL_connect(ssl); }) != 1) {
    throw failure(PLK_E_IO, peer_ + " ended TLS before it began").retryable();
  }
}

std::size_t transport::read_some(buffer out, const patience& patience) {
  if (tls_ == nullptr) return receive(out, patience);
  const int wanted = static_cast<int>(std::min<std::size_t>(out.size(), 1u << 30));
  return static_cast<std::size_t>(
      tls_->run(*this, patience, [&](SSL* ssl) { return SSL_read(ssl, out.data(), wanted); }));
}

std::size_t transport::write_some(octets bytes, const patience& patience) {
  if (bytes.empty()) return 0;
  if (tls_ == nullptr) return send(bytes, patience);
  const int wanted = static_cast<int>(std::min<std::size_t>(bytes.size(), 1u << 18));
  const int sent =
      tls_->run(*this, patience, [&](SSL* ssl) { return SSL_write(ssl, bytes.data(), wanted); });
  if (sent > 0) return static_cast<std::size_t>(sent);
  throw broken(EPIPE, peer_, "write to");
}

void transport::write(octets bytes, const patience& patience) {
  while (!bytes.empty()) {
    const std::size_t sent = write_some(bytes, patience);
    bytes = octets(bytes.data() + sent, bytes.size() - sent);
  }
}

bool transport::is_idle() const noexcept {
  pollfd watched{fd_, POLLIN, 0};
  if (::poll(&watched, 1, 0) != 0) return false;
  return tls_ == nullptr || SSL_pending(tls_->ssl()) == 0;
}

std::size_t transport::receive(buffer out, const patience& patience) {
  while (true) {
    const ssize_t got = ::recv(fd_, out.data(), out.size(), 0);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno == EAGAIN) {
      patience.wait_readable(fd_, "waiting for " + peer_);
    } else if (errno != EINTR) {
      throw broken(errno, peer_, "read from");
    }
  }
}

std::size_t transport::send(octets bytes, const patience& patience) {
  while (true) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (errno == EAGAIN) {
      patience.wait_writable(fd_, "sending to " + peer_);
    } else if (errno != EINTR) {
      throw broken(errno, peer_, "write to");
    }
  }
}

}  // namespace plk::kit
