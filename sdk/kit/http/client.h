// HTTP/1.1, blocking: for connectors, whose calls block by contract.
//
//   http_client client({.user_agent = "my-connector/1.0"});
//   http_request request;
//   request.method = "PUT";
//   request.body = octets(...);
//   http_response response = client.send(url::parse("https://example.org/a"), request,
//   patience(call)); if (response.status() != 200) ... const std::string text =
//   response.read_text(64 * 1024, patience(call));
//
// Connections are kept and used again. Every wait ends when the call is cancelled, at its deadline,
// and when the server does nothing for as long as the settings say. Bodies go both ways in pieces
// and are never held. Redirects and statuses are the caller's business; so are retries, but that a
// kept connection which turns out to be closed is replaced once, where nothing is lost by it.
//
// Errors are plk::failure: PLK_E_TIMEOUT, PLK_E_CANCELLED, PLK_E_IO (mostly retryable),
// PLK_E_NOT_FOUND for a host that does not exist, PLK_E_CONFIG for a certificate or proxy that
// cannot be used, PLK_E_CORRUPT for what is no HTTP.
//
// A client may be used from any thread, a response from one at a time. The client outlives its
// responses.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sdk/kit/http/tls.h"
#include "sdk/kit/http/url.h"
#include "sdk/kit/wait/patience.h"

namespace plk::kit {

// Which proxy to use for what.
struct proxy_settings {
  // http://[user:password@]host:port; empty: none. Of https a tunnel (CONNECT) is asked for.
  std::string http{};
  std::string https{};
  // Hosts, domains with all below them, addresses, or "*", comma-separated, each with or without a
  // port: for these there is no proxy.
  std::string none_for{};

  // http_proxy, https_proxy, no_proxy and their capitals. HTTP_PROXY counts only where there is no
  // REQUEST_METHOD: in CGI, clients choose it.
  static proxy_settings from_environment();
  // The proxy for a place, or empty.
  std::string choose(const url& place) const;
};

struct http_settings {
  std::string user_agent = "plakar";
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(30);
  std::chrono::milliseconds response_timeout = std::chrono::seconds(60);  // for the header
  std::chrono::milliseconds idle_timeout = std::chrono::seconds(60);      // between any two bytes
  std::chrono::milliseconds keep_alive = std::chrono::seconds(60);  // how long to keep a connection
  std::size_t kept_connections_max = 32;
  tls_settings tls{};
  proxy_settings proxy{};
};

struct http_header {
  std::string name;
  std::string value;
};

struct http_request {
  std::string method = "GET";
  // Beside Host, User-Agent, Content-Length and Connection, which the client sets where they are
  // not given. Names and values with a line break are refused.
  std::vector<http_header> headers{};
  octets body{};
  // More of a body: called until it gave `body_size` bytes, and never with an empty buffer. Throws
  // what is wrong. What it gave cannot be sent again.
  std::function<std::size_t(buffer)> body_source{};
  std::uint64_t body_size = 0;
  // Whether a request without idempotent method may be sent once more, if the first went to a
  // connection that was closed.
  bool may_repeat = false;
};

class http_client;
class transport;

class http_response {
 public:
  http_response(http_response&&) noexcept;
  http_response& operator=(http_response&&) noexcept;
  ~http_response();

  int status() const noexcept;
  const std::string& reason() const noexcept;
  // Of any capitalisation; null when there is none.
  const std::string* find_header(std::string_view name) const noexcept;
  const std::vector<http_header>& headers() const noexcept;
  // Nothing when the server did not say.
  std::optional<std::uint64_t> body_size() const noexcept;

  // Some of the body; 0 at its end. A body that ends early is PLK_E_IO.
  std::size_t read(buffer out, const patience& patience);
  // The rest; PLK_E_CORRUPT when that is more than `size_max`.
  std::string read_text(std::size_t size_max, const patience& patience);

 private:
  friend class http_client;
  class state;

  explicit http_response(std::unique_ptr<state> received);

  std::unique_ptr<state> state_;
};

class http_client {
 public:
  explicit http_client(http_settings settings = {});
  ~http_client();
  http_client(const http_client&) = delete;
  http_client& operator=(const http_client&) = delete;

  http_response send(const url& place, const http_request& request, const patience& patience);

  // Closes what is kept.
  void close_idle();

 private:
  friend class http_response;
  class pool;

  std::unique_ptr<transport> open(const url& place, const std::string& proxy,
                                  const patience& patience);
  std::unique_ptr<transport> open_tunnel(std::unique_ptr<transport> socket, const url& place,
                                         const url& proxy, const patience& patience);
  std::string head_of(const url& place, const http_request& request,
                      const std::string& proxy) const;
  void write_body(transport& socket, const http_request& request, const patience& patience) const;
  void exchange(http_response::state& answer, const std::string& head, const http_request& request,
                const patience& patience) const;

  http_settings settings_;
  tls_context tls_;
  std::unique_ptr<pool> pool_;
};

}  // namespace plk::kit
