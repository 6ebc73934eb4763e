#include "core/net/http_get.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <csignal>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/fd.h"
#include "tests/support/temp_dir.h"

namespace plakar::net {
namespace {

using testing::TempDir;

template <auto function>
struct Free {
  template <class T>
  void operator()(T* value) const {
    function(value);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Tls = std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>>;
using Session = std::unique_ptr<SSL, Free<SSL_free>>;

// A certificate for `host`, signed by itself, that a file of authorities may name.
struct Identity {
  explicit Identity(const char* host) : key(EVP_EC_gen("P-256")), certificate(X509_new()) {
    X509* x = certificate.get();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, key.get());
    X509_NAME* name = X509_get_subject_name(x);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
    X509_set_issuer_name(x, name);
    const std::string names = std::string("DNS:") + host;
    X509_EXTENSION* extension =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str());
    X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
    REQUIRE(X509_sign(x, key.get(), EVP_sha256()) > 0);
  }

  std::string write_to(const TempDir& directory) const {
    const std::string path = directory / "authorities.pem";
    std::FILE* file = std::fopen(path.c_str(), "w");
    REQUIRE(file != nullptr);
    REQUIRE(PEM_write_X509(file, certificate.get()) == 1);
    std::fclose(file);
    return path;
  }

  Key key;
  Certificate certificate;
};

// Answers each connection with the next of some texts, and remembers what was asked. An empty
// text is no answer: it waits for the other side to go away.
class Server {
 public:
  explicit Server(std::vector<std::string> answers, const Identity* identity = nullptr)
      : answers_(std::move(answers)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    std::signal(SIGPIPE, SIG_IGN);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(listener_.get(), raw, size) == 0);
    REQUIRE(::listen(listener_.get(), 8) == 0);
    REQUIRE(::getsockname(listener_.get(), raw, &size) == 0);
    port_ = ntohs(address.sin_port);
    if (identity != nullptr) {
      tls_.reset(SSL_CTX_new(TLS_server_method()));
      REQUIRE(SSL_CTX_use_certificate(tls_.get(), identity->certificate.get()) == 1);
      REQUIRE(SSL_CTX_use_PrivateKey(tls_.get(), identity->key.get()) == 1);
    }
    thread_ = std::jthread([this] { serve(); });
  }
  ~Server() { ::shutdown(listener_.get(), SHUT_RDWR); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::string url(const std::string& path) const {
    return (tls_ ? "https://localhost:" : "http://127.0.0.1:") + std::to_string(port_) + path;
  }
  std::string authority() const { return "127.0.0.1:" + std::to_string(port_); }

  // When all answers are given. The server serves no more afterwards.
  const std::vector<std::string>& requests() {
    if (thread_.joinable()) thread_.join();
    return requests_;
  }

 private:
  void serve() {
    for (const std::string& answer : answers_) {
      const Fd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!connection) return;
      if (tls_) {
        const Session session(SSL_new(tls_.get()));
        SSL_set_fd(session.get(), connection.get());
        if (SSL_accept(session.get()) != 1) continue;
        talk(
            answer, [&](char* to, int size) { return SSL_read(session.get(), to, size); },
            [&](const char* from, int size) { return SSL_write(session.get(), from, size); });
        SSL_shutdown(session.get());
      } else {
        talk(
            answer,
            [&](char* to, int size) {
              return static_cast<int>(
                  ::recv(connection.get(), to, static_cast<std::size_t>(size), 0));
            },
            [&](const char* from, int size) {
              return static_cast<int>(
                  ::send(connection.get(), from, static_cast<std::size_t>(size), MSG_NOSIGNAL));
            });
      }
    }
  }

  template <class Read, class Write>
  void talk(const std::string& answer, const Read& read, const Write& write) {
    std::string request;
    char buffer[4096];
    const auto more = [&] {
      const int got = read(buffer, sizeof buffer);
      if (got > 0) request.append(buffer, static_cast<std::size_t>(got));
      return got > 0;
    };
    while (request.find("\r\n\r\n") == std::string::npos && more()) continue;
    requests_.push_back(request);
    if (answer.empty()) {
      while (more()) continue;
      return;
    }
    static_cast<void>(write(answer.data(), static_cast<int>(answer.size())));
  }

  const std::vector<std::string> answers_;
  const Fd listener_;
  int port_ = 0;
  Tls tls_;
  std::vector<std::string> requests_;
  std::jthread thread_;
};

std::string ok(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string redirect(const std::string& location) {
  return "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location + "\r\n\r\n";
}

// No test waits for ever.
flow::CancelToken patience() { return flow::CancelToken().with_timeout(std::chrono::seconds(20)); }

Result<std::string> get(const std::string& url, const HttpGetOptions& options = {}) {
  return http_get(url, options, patience());
}

}  // namespace

TEST_SUITE("http get") {
  TEST_CASE("the body of an answer is returned, however it is framed") {
    Server server(
        {ok("hello"),
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
         "HTTP/1.0 200 OK\r\n\r\nto the end"});
    CHECK(get(server.url("/a?b=c#d"), {.user_agent = "plakar/v9"}) == "hello");
    CHECK(get(server.url("")) == "abcde");
    CHECK(get(server.url("?q")) == "to the end");
    const auto& requests = server.requests();
    REQUIRE(requests.size() == 3);
    CHECK(requests[0].starts_with("GET /a?b=c HTTP/1.1\r\n"));
    CHECK(requests[0].find("Host: " + server.authority() + "\r\n") != std::string::npos);
    CHECK(requests[0].find("User-Agent: plakar/v9\r\n") != std::string::npos);
    CHECK(requests[0].find("Authorization") == std::string::npos);
    CHECK(requests[1].starts_with("GET / HTTP/1.1\r\n"));
    CHECK(requests[2].starts_with("GET /?q HTTP/1.1\r\n"));
  }

  TEST_CASE("redirects are followed, relative ones too, but not without end") {
    Server server({redirect("/elsewhere"), redirect("next?x"), ok("there")});
    CHECK(get(server.url("/here/a")) == "there");
    CHECK(server.requests()[1].starts_with("GET /elsewhere "));
    CHECK(server.requests()[2].starts_with("GET /next?x "));
    Server circle(std::vector<std::string>(10, redirect("/")));
    CHECK(get(circle.url("/")).error().message() == "too many redirects");
    Server away({redirect("ftp://host/x")});
    CHECK(get(away.url("/")).error().code() == Errc::invalid_argument);
  }

  TEST_CASE("user and password are sent to their own host only") {
    Server other({ok("other")});
    Server server({redirect("/same"), redirect(other.url("/"))});
    std::string url = server.url("/");
    url.insert(url.find("//") + 2, "me:p%40ss@");
    CHECK(get(url) == "other");
    // "me:p@ss"
    for (const std::string& request : server.requests()) {
      CHECK(request.find("Authorization: Basic bWU6cEBzcw==\r\n") != std::string::npos);
    }
    CHECK(other.requests().at(0).find("Authorization") == std::string::npos);
  }

  TEST_CASE("an answer that is none is an error that says so") {
    Server server({"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
                   "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
                   "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", "SSH-2.0-x\r\n\r\n",
                   "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"});
    const auto missing = get(server.url("/"));
    CHECK(missing.error().code() == Errc::not_found);
    CHECK(missing.error().message() == "404 Not Found");
    CHECK(get(server.url("/")).error().code() == Errc::permission_denied);
    CHECK(get(server.url("/")).error().message() == "500 Oh");
    const auto message = [&] { return get(server.url("/")).error().message(); };
    CHECK(message().find(" answers is no HTTP: ") != std::string::npos);
    CHECK(message().find(" closed the connection in the middle") != std::string::npos);
  }

  TEST_CASE("a body or a header beyond its limit is an error") {
    Server server({ok(std::string(1001, 'x')), ok(std::string(1000, 'x')),
                   "HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n"});
    CHECK_FALSE(get(server.url("/"), {.body_bytes_max = 1000}));
    CHECK(get(server.url("/"), {.body_bytes_max = 1000}));
    CHECK_FALSE(get(server.url("/")));
  }

  TEST_CASE("a server that says nothing is left at the deadline, or when that is asked") {
    Server server({"", ""});
    const auto late = http_get(server.url("/"), {},
                               flow::CancelToken().with_timeout(std::chrono::milliseconds(50)));
    CHECK(late.error().code() == Errc::unavailable);
    const flow::CancelSource source;
    std::jthread other([&] { source.cancel("enough"); });
    const auto cancelled = http_get(server.url("/"), {}, source.token());
    CHECK(cancelled.error().code() == Errc::cancelled);
  }

  TEST_CASE("who does not listen is named as such, and what is no URL is refused") {
    std::string url;
    {
      Server gone({});
      url = gone.url("/");
    }
    CHECK(get(url).error().message().starts_with("connect to "));
    CHECK(get(url).error().message().ends_with(": Connection refused"));
    for (const char* text : {"", "ftp://h/", "http:/h", "http://", "http://h:x/", "http://[::1/",
                             "http://a b/", "http://h/\n", "file:///etc/passwd"}) {
      CAPTURE(text);
      CHECK(get(text).error().message() == "not an http or https URL");
    }
  }

  TEST_CASE("over TLS the certificate has to verify, and to be that of the host") {
    const TempDir directory;
    const Identity identity("localhost");
    const std::string authorities = identity.write_to(directory);
    Server server({ok("secret")}, &identity);
    CHECK(get(server.url("/"), {.authorities_file = authorities}) == "secret");

    Server unknown({ok("secret")}, &identity);
    CHECK(get(unknown.url("/")).error().message().find(" is not trusted: ") != std::string::npos);

    const Identity stranger("example.org");
    Server wrong({ok("secret")}, &stranger);
    const auto refused = get(wrong.url("/"), {.authorities_file = stranger.write_to(directory)});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message().find(" is not trusted: ") != std::string::npos);
  }

  TEST_CASE("nothing leads from https to http") {
    const TempDir directory;
    const Identity identity("localhost");
    Server server({redirect("http://127.0.0.1:1/")}, &identity);
    const auto got = get(server.url("/"), {.authorities_file = identity.write_to(directory)});
    CHECK(got.error().message() == "the server redirects from https to http");
  }
}

}  // namespace plakar::net
