#include "sdk/kit/http/client.h"

#include <doctest/doctest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <mutex>
#include <thread>

#include "sdk/kit/http/testing/scripted_server.h"

namespace plk::kit {
namespace {

using namespace std::chrono_literals;
using testing::certificate;
using testing::peer;
using testing::scripted_server;

url place(const scripted_server& server, const std::string& target = "/x", bool tls = false) {
  return url::parse((tls ? "https://" : "http://") + server.address() + target);
}

// What is thrown: a status, and words of the message.
plk_status status_of(const std::function<void()>& act, const std::string& words = "") {
  try {
    act();
  } catch (const failure& error) {
    CAPTURE(error.what());
    CHECK(std::string(error.what()).find(words) != std::string::npos);
    return error.status();
  }
  return PLK_OK;
}

std::string text_of(http_client& client, const url& where, const http_request& request = {}) {
  return client.send(where, request, {}).read_text(1 << 20, {});
}

class cancel_event {
 public:
  ~cancel_event() { ::close(fd_); }
  int fd() const noexcept { return fd_; }
  void cancel() const noexcept {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(fd_, &one, sizeof one));
  }

 private:
  int fd_ = ::eventfd(0, EFD_CLOEXEC);
};

}  // namespace

TEST_SUITE("http client") {
  TEST_CASE("bodies of every kind are read to their end") {
    const std::vector<std::pair<std::string, std::string>> answers = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nA: "
         "b\r\n\r\n",
         "hello"},
        {"HTTP/1.0 200 OK\r\n\r\nhello", "hello"},
        {"HTTP/1.1 204 No Content\r\n\r\n", ""},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 "
         "OK\r\nContent-Length: 2\r\n\r\nok",
         "ok"},
    };
    for (const auto& [answer, body] : answers) {
      CAPTURE(answer);
      scripted_server server([&](peer& client, int) {
        client.read_request();
        client.write(answer);
      });
      http_client client;
      CHECK(text_of(client, place(server)) == body);
    }
  }

  TEST_CASE("a request says what it should, and no more") {
    std::string seen;
    scripted_server server([&](peer& client, int) {
      seen = client.read_request();
      client.write("HTTP/1.1 201 Created\r\nX-One: 1\r\nContent-Length: 0\r\n\r\n");
    });
    http_client client({.user_agent = "test/1"});
    http_request request;
    request.method = "PUT";
    request.headers = {{"X-Two", "2"}};
    request.body = octets("abc", 3);
    const http_response response = client.send(place(server, "/a%20b?c"), request, {});
    CHECK(response.status() == 201);
    CHECK(response.reason() == "Created");
    REQUIRE(response.find_header("x-one") != nullptr);
    CHECK(*response.find_header("x-one") == "1");
    CHECK(response.find_header("x-three") == nullptr);
    CHECK(seen == "PUT /a%20b?c HTTP/1.1\r\nHost: " + server.address() +
                      "\r\nUser-Agent: test/1\r\nX-Two: 2\r\nContent-Length: 3\r\n\r\nabc");
  }

  TEST_CASE("the answer to HEAD has a length and no body, and the connection is used again") {
    scripted_server server([&](peer& client, int) {
      while (!client.read_request().empty()) {
        client.write("HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n");
      }
    });
    http_client client;
    http_request head;
    head.method = "HEAD";
    for (int i = 0; i < 3; ++i) {
      http_response response = client.send(place(server), head, {});
      CHECK(response.body_size() == 12345);
      std::uint8_t byte;
      CHECK(response.read(buffer(&byte, 1), {}) == 0);
    }
    CHECK(server.connections() == 1);
  }

  TEST_CASE("a kept connection that was closed is replaced, unless something could happen twice") {
    const auto serve_one = [](peer& client, int) {
      client.read_request();
      client.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      // Says that it stays, and goes at the next request.
      client.read_header();
      client.cut();
    };
    for (const std::string method : {"GET", "PUT", "POST"}) {
      CAPTURE(method);
      scripted_server server(serve_one);
      http_client client;
      http_request request;
      request.method = method;
      CHECK(text_of(client, place(server), request) == "ok");
      if (method != "POST") {
        CHECK(text_of(client, place(server), request) == "ok");
        CHECK(server.connections() == 2);
        continue;
      }
      CHECK(status_of([&] { text_of(client, place(server), request); }) == PLK_E_IO);
      CHECK(server.connections() == 1);
      request.may_repeat = true;
      CHECK(text_of(client, place(server), request) == "ok");
    }
  }

  TEST_CASE("a body comes from a source in pieces, and a source that ends early ends the request") {
    std::string seen;
    scripted_server server([&](peer& client, int) {
      seen = client.read_request();
      client.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
    http_client client;
    http_request request;
    request.method = "PUT";
    request.body = octets("head", 4);
    request.body_size = 3'000'000;
    std::size_t given = 0;
    request.body_source = [&](buffer out) {
      const std::size_t size = std::min<std::size_t>(out.size(), 70'001);
      std::fill_n(out.data(), size, static_cast<std::uint8_t>('b'));
      given += size;
      return size;
    };
    CHECK(client.send(place(server), request, {}).status() == 200);
    CHECK(seen.find("Content-Length: 3000004\r\n") != std::string::npos);
    CHECK(seen.substr(seen.find("\r\n\r\n") + 4) == "head" + std::string(3'000'000, 'b'));
    CHECK(given == 3'000'000);

    request.body_source = [](buffer) -> std::size_t { return 0; };
    CHECK(status_of([&] { client.send(place(server), request, {}); }, "shorter") == PLK_E_CHANGED);
  }

  TEST_CASE("a server that refuses before it has read everything is heard") {
    scripted_server server([&](peer& client, int) {
      client.read_header();
      client.write("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
      // Reads a little more, so that the answer is not lost with the connection.
      for (int i = 0; i < 2000 && !client.read(64 * 1024).empty(); ++i) {
      }
    });
    http_client client;
    http_request request;
    request.method = "PUT";
    const std::string body(64 << 20, 'x');
    request.body = octets(body);
    CHECK(client.send(place(server), request, {}).status() == 413);
  }

  TEST_CASE("what ends early, or is no HTTP, is an error and never a short body") {
    const std::vector<std::pair<std::string, plk_status>> answers = {
        {"", PLK_E_IO},
        {"HTTP/1.1 200 OK\r\nContent-Le", PLK_E_IO},
        {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", PLK_E_IO},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello", PLK_E_IO},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", PLK_E_CORRUPT},
        {"SSH-2.0-OpenSSH_9.2\r\n\r\n", PLK_E_CORRUPT},
        {"HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n", PLK_E_CORRUPT},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", PLK_E_CORRUPT},
    };
    for (const auto& [answer, status] : answers) {
      CAPTURE(answer.substr(0, 60));
      scripted_server server([&](peer& client, int) {
        client.read_request();
        client.write(answer);
      });
      http_client client;
      CHECK(status_of([&] { text_of(client, place(server)); }) == status);
    }
    scripted_server server([&](peer& client, int) {
      client.read_request();
      client.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + std::string(100, 'x'));
    });
    http_client client;
    CHECK(status_of([&] { client.send(place(server), {}, {}).read_text(99, {}); }) ==
          PLK_E_CORRUPT);
  }

  TEST_CASE("a cancel ends every wait, and the deadline does") {
    for (const std::string& said : {std::string(), std::string("HTTP/1.1 200 OK\r\n"),
                                    std::string("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nh")}) {
      CAPTURE(said);
      scripted_server server([&](peer& client, int) {
        client.read_request();
        client.write(said);
        client.read(1);  // until the client goes
      });
      http_client client;
      const cancel_event event;
      const auto begin = std::chrono::steady_clock::now();
      std::jthread canceller([&] {
        std::this_thread::sleep_for(50ms);
        event.cancel();
      });
      const patience waits = patience::until_readable(event.fd());
      CHECK(status_of([&] { client.send(place(server), {}, waits).read_text(100, waits); }) ==
            PLK_E_CANCELLED);
      CHECK(status_of([&] {
              const patience brief = patience().at_most(50ms);
              client.send(place(server), {}, brief).read_text(100, brief);
            }) == PLK_E_TIMEOUT);
      CHECK(std::chrono::steady_clock::now() - begin < 10s);
    }
  }

  TEST_CASE("a server that stops answering is given up on") {
    scripted_server server([&](peer& client, int number) {
      client.read_request();
      if (number > 0) client.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
      client.read(1);
    });
    http_client client({.response_timeout = 60ms, .idle_timeout = 60ms});
    CHECK(status_of([&] { client.send(place(server), {}, {}); }, "took too long") == PLK_E_TIMEOUT);
    CHECK(status_of([&] { text_of(client, place(server)); }, "took too long") == PLK_E_TIMEOUT);
  }

  TEST_CASE("nobody who answers, and nobody of that name, are told apart") {
    std::uint16_t port = 0;
    {
      const scripted_server server([](peer&, int) {});
      port = server.port();
    }
    http_client client;
    const url gone = url::parse("http://127.0.0.1:" + std::to_string(port) + "/");
    CHECK(status_of([&] { client.send(gone, {}, {}); }, "connect to 127.0.0.1") == PLK_E_IO);
    const url unknown = url::parse("http://no-such-host.invalid/");
    const plk_status status = status_of([&] { client.send(unknown, {}, {}); }, "no-such-host");
    CHECK((status == PLK_E_NOT_FOUND || status == PLK_E_IO));
  }

  TEST_CASE("a certificate must be trusted, and for the host") {
    const auto own = certificate::make("127.0.0.1");
    const auto other = certificate::make("example.org");
    const auto serve = [](peer& client, int) {
      while (!client.read_request().empty()) {
        client.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret");
      }
    };
    scripted_server server(serve, &own);
    const auto with = [](const tls_settings& tls) { return http_settings{.tls = tls}; };
    {
      http_client client(with({.ca_pem = own.certificate_pem}));
      CHECK(text_of(client, place(server, "/", true)) == "secret");
      CHECK(text_of(client, place(server, "/", true)) == "secret");
      CHECK(server.connections() == 1);
    }
    {
      http_client client;
      CHECK(status_of([&] { client.send(place(server, "/", true), {}, {}); }, "is not trusted") ==
            PLK_E_CONFIG);
    }
    {
      http_client client(with({.verify = false}));
      CHECK(text_of(client, place(server, "/", true)) == "secret");
    }
    scripted_server stranger(serve, &other);
    http_client client(with({.ca_pem = other.certificate_pem}));
    CHECK(status_of([&] { client.send(place(stranger, "/", true), {}, {}); }, "is not trusted") ==
          PLK_E_CONFIG);
    CHECK(status_of([&] { http_client none(with({.ca_pem = "no certificate"})); }) == PLK_E_CONFIG);
    CHECK(status_of([&] { http_client none(with({.ca_file = "/no/such/file"})); }) == PLK_E_CONFIG);
  }

  TEST_CASE("a TLS connection that is cut is not the end of a body") {
    const auto own = certificate::make("127.0.0.1");
    scripted_server server(
        [](peer& client, int) {
          client.read_request();
          client.write("HTTP/1.0 200 OK\r\n\r\nhalf");
          client.cut();
        },
        &own);
    http_client client({.tls = {.ca_pem = own.certificate_pem}});
    CHECK(status_of([&] { text_of(client, place(server, "/", true)); }) == PLK_E_IO);
  }

  TEST_CASE("a proxy is asked for plain requests, and for a tunnel to others") {
    std::string seen;
    scripted_server proxy([&](peer& client, int) {
      seen = client.read_request();
      client.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
    http_client client(
        {.proxy = {.http = "http://user:p%40ss@" + proxy.address(), .none_for = "direct.test"}});
    CHECK(text_of(client, url::parse("http://example.test/a?b")) == "ok");
    CHECK(seen.starts_with("GET http://example.test/a?b HTTP/1.1\r\nHost: example.test\r\n"));
    CHECK(seen.find("Proxy-Authorization: Basic dXNlcjpwQHNz\r\n") != std::string::npos);

    scripted_server refusing([&](peer& tunnel, int number) {
      seen = tunnel.read_header();
      tunnel.write(number == 0 ? "HTTP/1.1 407 Who?\r\nContent-Length: 0\r\n\r\n"
                               : "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
    });
    http_client tunnelling({.proxy = {.https = refusing.address()}});
    const url secure = url::parse("https://example.test/a");
    CHECK(status_of([&] { tunnelling.send(secure, {}, {}); }, "a user and a password") ==
          PLK_E_UNAUTHENTICATED);
    CHECK(seen == "CONNECT example.test:443 HTTP/1.1\r\nHost: example.test:443\r\n\r\n");
    CHECK(status_of([&] { tunnelling.send(secure, {}, {}); }, "502 Bad Gateway") == PLK_E_IO);
  }

  TEST_CASE("through a tunnel the certificate is that of the place") {
    const auto own = certificate::make("example.test");
    scripted_server server(
        [](peer& client, int) {
          while (!client.read_request().empty()) {
            client.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret");
          }
        },
        &own);
    scripted_server proxy([&](peer& client, int) {
      client.read_header();
      client.write("HTTP/1.1 200 Connected\r\n\r\n");
      testing::relay(client, server.port());
    });
    http_client client(
        {.tls = {.ca_pem = own.certificate_pem}, .proxy = {.https = proxy.address()}});
    for (int i = 0; i < 2; ++i) {
      CHECK(text_of(client, url::parse("https://example.test/")) == "secret");
    }
    CHECK(proxy.connections() == 1);
    CHECK(status_of([&] { text_of(client, url::parse("https://other.test/")); },
                    "is not trusted") == PLK_E_CONFIG);
  }

  TEST_CASE("which proxy is chosen for which place") {
    const proxy_settings settings{.http = "http://p:1",
                                  .https = "http://p:2",
                                  .none_for = "a.test, .b.test,*.c.test,10.0.0.1,d.test:81,[::1]"};
    const auto chosen = [&](const std::string& text) { return settings.choose(url::parse(text)); };
    CHECK(chosen("http://x.test/") == "http://p:1");
    CHECK(chosen("https://x.test/") == "http://p:2");
    for (const std::string text : {"a.test", "A.TEST", "x.a.test", "b.test", "x.b.test", "c.test",
                                   "y.x.c.test", "10.0.0.1", "d.test:81", "[::1]"}) {
      CAPTURE(text);
      CHECK(chosen("http://" + text + "/").empty());
    }
    for (const std::string text : {"xa.test", "a.test.org", "10.0.0.10", "d.test", "d.test:82"}) {
      CAPTURE(text);
      CHECK(chosen("http://" + text + "/") == "http://p:1");
    }
    CHECK(proxy_settings{.http = "p", .none_for = "*"}.choose(url::parse("http://x/")).empty());
  }

  TEST_CASE("a line break in a header is refused") {
    http_client client;
    const url nowhere = url::parse("http://127.0.0.1:9/");
    for (const http_header& header : std::vector<http_header>{
             {"X", "a\r\nEvil: b"}, {"X", "a\nb"}, {"X\r\nY", "a"}, {"", "a"}, {"X:", "a"}}) {
      http_request request;
      request.headers = {header};
      CHECK(status_of([&] { client.send(nowhere, request, {}); }) == PLK_E_INVALID_ARG);
    }
    http_request request;
    request.method = "GET / HTTP/1.1\r\n";
    CHECK(status_of([&] { client.send(nowhere, request, {}); }) == PLK_E_INVALID_ARG);
  }

  TEST_CASE("threads share a client") {
    std::atomic<int> served = 0;
    scripted_server server([&](peer& client, int) {
      client.read_request();
      ++served;
      client.write("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
    });
    http_client client;
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 10; ++n) CHECK(text_of(client, place(server)) == "ok");
      });
    }
    threads.clear();
    CHECK(served == 40);
  }
}

}  // namespace plk::kit
