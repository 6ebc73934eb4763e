#include "core/net/http_get.h"

#include <unistd.h>

#include <algorithm>
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <optional>
#include <utility>

#include "core/base/base64.h"
#include "core/base/bytes.h"

namespace plakar::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr int redirects_max = 5;
constexpr std::uint32_t header_bytes_max = 64 * 1024;
constexpr std::size_t url_bytes_max = 8 * 1024;

struct Url {
  bool secure = false;
  std::string user_info;  // as written
  std::string host;
  std::string port;
  std::string target;  // path and query

  std::string authority() const {
    const bool usual = port == (secure ? "443" : "80");
    const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
    return usual ? name : name + ":" + port;
  }
};

// Takes `%41` for `A` where user and password are written so.
std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto digit = [&](std::size_t at) {
      const std::size_t value =
          std::string_view("0123456789abcdef").find(static_cast<char>(text[at] | 0x20));
      return value == std::string_view::npos ? -1 : static_cast<int>(value);
    };
    if (text[i] == '%' && i + 2 < text.size() && digit(i + 1) >= 0 && digit(i + 2) >= 0) {
      out += static_cast<char>(digit(i + 1) * 16 + digit(i + 2));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

Result<Url> parse_url(std::string_view text) {
  const Error wrong(Errc::invalid_argument, "not an http or https URL");
  const auto is_visible = [](char c) { return c > ' ' && c < 0x7f; };
  if (text.size() > url_bytes_max || !std::ranges::all_of(text, is_visible)) return wrong;
  Url url;
  if (text.starts_with("https://")) {
    url.secure = true;
    text.remove_prefix(8);
  } else if (text.starts_with("http://")) {
    text.remove_prefix(7);
  } else {
    return wrong;
  }
  text = text.substr(0, text.find('#'));
  std::string_view authority = text.substr(0, text.find_first_of("/?"));
  url.target = text.substr(authority.size());
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    url.user_info = authority.substr(0, at);
    authority.remove_prefix(at + 1);
  }
  std::string_view port;
  if (authority.starts_with('[')) {  // an IPv6 address
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return wrong;
    url.host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
  } else {
    url.host = authority.substr(0, authority.find(':'));
    port = authority.substr(url.host.size());
  }
  if (url.host.empty() || (!port.empty() && port[0] != ':')) return wrong;
  if (!port.empty()) port.remove_prefix(1);
  if (!std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; })) return wrong;
  url.port = port.empty() ? (url.secure ? "443" : "80") : std::string(port);
  return url;
}

// Where an answer to `from` leads with this Location.
Result<Url> follow(const Url& from, std::string_view location) {
  const std::string base = (from.secure ? "https://" : "http://") + from.authority();
  std::string text(location);
  if (text.starts_with("//")) {
    text.insert(0, from.secure ? "https:" : "http:");
  } else if (text.starts_with('/')) {
    text.insert(0, base);
  } else if (text.find("://") == std::string::npos) {
    const std::string_view path = std::string_view(from.target).substr(0, from.target.find('?'));
    text.insert(0, base + std::string(path.substr(0, path.rfind('/') + 1)));
  }
  Url to = PLK_TRY_CONTEXT(parse_url(text), "the redirect of the server");
  if (from.secure && !to.secure) {
    return Error(Errc::invalid_argument, "the server redirects from https to http");
  }
  const bool same_host = to.host == from.host && to.port == from.port;
  if (to.user_info.empty() && same_host) to.user_info = from.user_info;
  return to;
}

// Runs one operation after the other, each to its end, to the cancel, or to the deadline.
class Loop {
 public:
  explicit Loop(flow::CancelToken cancel) : cancel_(std::move(cancel)), watch_(io_), timer_(io_) {}

  Status start() {
    const int fd = PLK_TRY(cancel_.fd());
    if (fd >= 0) {
      const int own = ::dup(fd);  // closed by its owner here, and not by that of the token
      if (own < 0) return Error(Errc::io, "out of descriptors");
      watch_.assign(own);
      watch_.async_wait(asio::posix::stream_descriptor::wait_read,
                        [this](const error_code&) { io_.stop(); });
    }
    if (cancel_.deadline() != MonotonicTime::max()) {
      timer_.expires_after(cancel_.remaining());
      timer_.async_wait([this](const error_code&) { io_.stop(); });
    }
    return cancel_.check();
  }

  asio::io_context& io() noexcept { return io_; }

  // `begin` starts an operation with the handler that it gets.
  template <class Begin>
  Status run(std::string_view what, const Begin& begin) {
    std::optional<error_code> done;
    begin([&done](const error_code& code, const auto&...) { done = code; });
    // A handler of what is given up is destroyed with the loop, and never called.
    while (!done && !io_.stopped()) io_.run_one();
    if (!done) {
      PLK_TRY_CONTEXT(cancel_.check(), what);
      return Error(Errc::unavailable, std::string(what) + ": no answer");
    }
    if (*done) return Error(Errc::unavailable, std::string(what) + ": " + done->message());
    return {};
  }

 private:
  flow::CancelToken cancel_;
  asio::io_context io_;
  asio::posix::stream_descriptor watch_;
  asio::steady_timer timer_;
};

using Parser = http::response_parser<http::string_body>;
using Request = http::request<http::empty_body>;

Request make_request(const Url& url, const HttpGetOptions& options) {
  Request request(http::verb::get, url.target, 11);
  request.set(http::field::host, url.authority());
  request.set(http::field::user_agent, options.user_agent);
  request.set(http::field::accept, "*/*");
  request.set(http::field::connection, "close");
  if (!url.user_info.empty()) {
    request.set(http::field::authorization,
                "Basic " + to_base64(as_bytes(unescape(url.user_info))));
  }
  return request;
}

template <class Stream>
Status exchange(Loop& loop, Stream& stream, const Request& request, Parser& parser) {
  PLK_TRY(loop.run("sending the request",
                   [&](auto handler) { http::async_write(stream, request, std::move(handler)); }));
  beast::flat_buffer buffer;
  return loop.run("reading the answer", [&](auto handler) {
    http::async_read(stream, buffer, parser, std::move(handler));
  });
}

Status exchange_securely(Loop& loop, tcp::socket socket, const Url& url,
                         const HttpGetOptions& options, const Request& request, Parser& parser) {
  asio::ssl::context tls(asio::ssl::context::tls_client);
  tls.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                  asio::ssl::context::no_tlsv1_1);
  error_code code;
  if (options.authorities_file.empty()) {
    tls.set_default_verify_paths(code);
  } else {
    tls.load_verify_file(options.authorities_file, code);
  }
  if (code) return Error(Errc::unavailable, "certificates of authorities: " + code.message());
  asio::ssl::stream<tcp::socket> stream(std::move(socket), tls);
  stream.set_verify_mode(asio::ssl::verify_peer);
  stream.set_verify_callback(asio::ssl::host_name_verification(url.host));
  if (SSL_set_tlsext_host_name(stream.native_handle(), url.host.c_str()) != 1) {
    return Error(Errc::invalid_argument, "not a host name");
  }
  PLK_TRY(loop.run("TLS handshake", [&](auto handler) {
    stream.async_handshake(asio::ssl::stream_base::client, std::move(handler));
  }));
  return exchange(loop, stream, request, parser);
}

// The answer, whatever its status.
Result<Parser::value_type> request(const Url& url, const HttpGetOptions& options,
                                   const flow::CancelToken& cancel) {
  Loop loop(cancel);
  PLK_TRY(loop.start());
  tcp::resolver resolver(loop.io());
  tcp::resolver::results_type addresses;
  PLK_TRY(loop.run("looking up the host", [&](auto handler) {
    resolver.async_resolve(
        url.host, url.port,
        [&addresses, handler](const error_code& found, const tcp::resolver::results_type& results) {
          addresses = results;
          handler(found);
        });
  }));
  tcp::socket socket(loop.io());
  PLK_TRY(loop.run("connecting", [&](auto handler) {
    asio::async_connect(socket, addresses, std::move(handler));
  }));
  const Request get = make_request(url, options);
  Parser parser;
  parser.header_limit(header_bytes_max);
  parser.body_limit(options.body_bytes_max);
  PLK_TRY(url.secure ? exchange_securely(loop, std::move(socket), url, options, get, parser)
                     : exchange(loop, socket, get, parser));
  return parser.release();
}

Error refusal(unsigned status, std::string_view reason) {
  std::string message = std::to_string(status);
  if (!reason.empty()) message.append(" ").append(reason);
  switch (status) {
    case 404:
    case 410:
      return Error(Errc::not_found, message);
    case 401:
    case 403:
      return Error(Errc::permission_denied, message);
    default:
      return Error(Errc::unavailable, message);
  }
}

Result<std::string> get(std::string_view text, const HttpGetOptions& options,
                        const flow::CancelToken& cancel) {
  Url url = PLK_TRY(parse_url(text));
  for (int redirects = 0;; ++redirects) {
    auto answer = PLK_TRY(request(url, options, cancel));
    const unsigned status = answer.result_int();
    if (status == 200) return std::move(answer.body());
    const bool is_redirect =
        status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    const std::string location(answer[http::field::location]);
    if (!is_redirect || location.empty()) return refusal(status, answer.reason());
    if (redirects == redirects_max) return Error(Errc::unavailable, "too many redirects");
    url = PLK_TRY(follow(url, location));
  }
}

}  // namespace

Result<std::string> http_get(std::string_view url, const HttpGetOptions& options,
                             const flow::CancelToken& cancel) {
  try {
    return get(url, options, cancel);
  } catch (const boost::system::system_error& error) {
    return Error(Errc::io, error.what());
  }
}

}  // namespace plakar::net
