#include "sdk/kit/http/client.h"

#include <algorithm>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <limits>
#include <mutex>

#include "sdk/kit/http/internal/transport.h"

namespace plk::kit {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;

constexpr std::uint32_t header_size_max = 64 * 1024;
constexpr std::size_t body_piece_size = 256 * 1024;
// A response that nobody read to its end: so much is read for the connection's sake.
constexpr std::uint64_t discarded_size_max = 64 * 1024;
// Of proxies that refuse, and of bodies that nobody asked for.
constexpr int informational_max = 16;

bool equal_names(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    const auto fold = [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; };
    return fold(x) == fold(y);
  });
}

bool has_header(const http_request& request, std::string_view name) noexcept {
  return std::any_of(request.headers.begin(), request.headers.end(),
                     [&](const http_header& header) { return equal_names(header.name, name); });
}

bool is_idempotent(std::string_view method) noexcept {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
         method == "OPTIONS";
}

bool is_token(std::string_view text) noexcept {
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           others.find(c) != std::string_view::npos;
  });
}

void check(const http_request& request) {
  bool sound = is_token(request.method);
  for (const http_header& header : request.headers) {
    sound = sound && is_token(header.name) &&
            header.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos;
  }
  if (!sound) throw failure(PLK_E_INVALID_ARG, "a header with a line break, or without a name");
}

std::string base64(std::string_view text) {
  constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string made;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    const std::string_view three = text.substr(i, 3);
    std::uint32_t bits = 0;
    for (std::size_t n = 0; n < 3; ++n) {
      bits = bits << 8 | (n < three.size() ? static_cast<unsigned char>(three[n]) : 0u);
    }
    for (std::size_t n = 0; n < 4; ++n) {
      made += n <= three.size() ? digits[bits >> (18 - 6 * n) & 63] : '=';
    }
  }
  return made;
}

std::string proxy_authorization(const url& proxy) {
  if (proxy.user_info.empty()) return {};
  return "Proxy-Authorization: Basic " + base64(percent_decode(proxy.user_info)) + "\r\n";
}

// What Beast reads from. Failures leave it as they are.
class readable {
 public:
  using executor_type = asio::any_io_executor;

  readable(transport& socket, const patience& waits) noexcept : socket_(socket), waits_(waits) {}

  template <class Buffers>
  std::size_t read_some(const Buffers& buffers, error_code& error) {
    const asio::mutable_buffer first = *asio::buffer_sequence_begin(buffers);
    const std::size_t got = socket_.read_some(buffer(first.data(), first.size()), waits_);
    if (got == 0) error = asio::error::eof;
    return got;
  }
  template <class Buffers>
  std::size_t read_some(const Buffers& buffers) {
    error_code error;
    return read_some(buffers, error);
  }

 private:
  transport& socket_;
  const patience& waits_;
};

url parse_proxy(const std::string& text) {
  const bool has_scheme = text.find("://") != std::string::npos;
  try {
    url proxy = url::parse(has_scheme ? text : "http://" + text);
    if (proxy.tls) throw failure(PLK_E_CONFIG, "");
    return proxy;
  } catch (const failure&) {
    throw failure(PLK_E_CONFIG, "a proxy is named http://HOST:PORT");
  }
}

using parser = beast::http::response_parser<beast::http::buffer_body>;

failure wrong(const std::string& peer, const error_code& error) {
  if (error == beast::http::error::end_of_stream || error == beast::http::error::partial_message ||
      error == asio::error::eof) {
    return failure(PLK_E_IO, peer + " closed the connection in the middle").retryable();
  }
  return failure(PLK_E_CORRUPT, "what " + peer + " answers is no HTTP: " + error.message());
}

}  // namespace

// Kept connections, the ones used last in front.
class http_client::pool {
 public:
  struct kept {
    std::string key;
    std::unique_ptr<transport> socket;
    std::chrono::steady_clock::time_point since;
  };

  std::unique_ptr<transport> take(const std::string& key, std::chrono::milliseconds keep_alive) {
    const auto oldest = std::chrono::steady_clock::now() - keep_alive;
    std::vector<kept> closed;  // outside of the lock
    std::unique_ptr<transport> found;
    const std::lock_guard guard(mutex_);
    for (auto at = kept_.begin(); at != kept_.end();) {
      if (at->since < oldest || (at->key == key && !at->socket->is_idle())) {
        closed.push_back(std::move(*at));
        at = kept_.erase(at);
      } else if (at->key == key) {
        found = std::move(at->socket);
        kept_.erase(at);
        break;
      } else {
        ++at;
      }
    }
    return found;
  }

  void give(std::string key, std::unique_ptr<transport> socket, std::size_t count_max) {
    const std::lock_guard guard(mutex_);
    kept_.insert(kept_.begin(), {.key = std::move(key),
                                 .socket = std::move(socket),
                                 .since = std::chrono::steady_clock::now()});
    if (kept_.size() > count_max) kept_.resize(count_max);
  }

  void clear() {
    std::vector<kept> closed;
    const std::lock_guard guard(mutex_);
    closed.swap(kept_);
  }

 private:
  std::mutex mutex_;
  std::vector<kept> kept_;
};

class http_response::state {
 public:
  state(http_client& client, std::string key, std::string peer, std::unique_ptr<transport> socket)
      : client_(client), key_(std::move(key)), peer_(std::move(peer)), socket_(std::move(socket)) {}
  ~state() {
    try {
      discard();
    } catch (...) {
      // Then the connection is of no use, and goes.
    }
  }

  transport& socket() noexcept { return *socket_; }
  bool has_received() const noexcept { return has_received_; }

  void read_header(bool is_head, const patience& waits) {
    for (int i = 0; i < informational_max; ++i) {
      parser_.emplace();
      parser_->header_limit(header_size_max);
      parser_->body_limit(std::numeric_limits<std::uint64_t>::max());
      parser_->skip(is_head);
      readable stream(*socket_, waits);
      error_code error;
      beast::http::read_header(stream, buffer_, *parser_, error);
      has_received_ = has_received_ || parser_->got_some() || buffer_.size() > 0;
      if (error) throw wrong(peer_, error);
      const auto& header = parser_->get();
      // Others come before the one that was asked for; this one ends HTTP.
      if (header.result_int() == 101 || header.result_int() >= 200) break;
    }
    const auto& header = parser_->get();
    status = static_cast<int>(header.result_int());
    if (status < 200) throw failure(PLK_E_CORRUPT, peer_ + " answers, and says nothing");
    reason = std::string(header.reason());
    for (const auto& field : header) {
      headers.push_back({std::string(field.name_string()), std::string(field.value())});
    }
    if (const auto length = parser_->content_length()) body_size = *length;
  }

  // For one on which something went wrong that the answer does not tell.
  void do_not_keep() noexcept { is_kept_ = false; }

  // Nothing may have come behind the header when a tunnel begins.
  std::unique_ptr<transport> take_tunnel() {
    if (buffer_.size() > 0) throw failure(PLK_E_CORRUPT, peer_ + " speaks before it is asked");
    return std::move(socket_);
  }

  std::size_t read(plk::buffer out, const patience& waits) {
    if (out.size() == 0) return 0;
    const patience patient = waits.at_most(client_.settings_.idle_timeout);
    while (socket_ != nullptr && !parser_->is_done()) {
      parser_->get().body().data = out.data();
      parser_->get().body().size = out.size();
      parser_->get().body().more = true;
      readable stream(*socket_, patient);
      error_code error;
      try {
        beast::http::read_some(stream, buffer_, *parser_, error);
      } catch (...) {
        socket_.reset();
        throw;
      }
      if (error && error != beast::http::error::need_buffer) {
        socket_.reset();
        throw wrong(peer_, error);
      }
      const std::size_t got = out.size() - parser_->get().body().size;
      if (got > 0) return got;
    }
    release();
    return 0;
  }

  int status = 0;
  std::string reason;
  std::vector<http_header> headers;
  std::optional<std::uint64_t> body_size;

 private:
  // Gives the connection back when nothing more comes on it.
  void release() {
    if (socket_ == nullptr) return;
    if (is_kept_ && parser_ && parser_->is_done() && parser_->get().keep_alive() &&
        buffer_.size() == 0) {
      client_.pool_->give(key_, std::move(socket_), client_.settings_.kept_connections_max);
    }
    socket_.reset();
  }

  void discard() {
    if (socket_ == nullptr || !parser_ || !parser_->is_header_done()) return;
    if (!parser_->is_done() && (!body_size || *body_size > discarded_size_max)) return;
    std::vector<std::uint8_t> waste(body_piece_size / 16);
    // What has not arrived yet is not waited for.
    const patience waits = patience().at_most(std::chrono::milliseconds(0));
    while (read(plk::buffer(waste.data(), waste.size()), waits) > 0) {
    }
  }

  http_client& client_;
  std::string key_;
  std::string peer_;
  std::unique_ptr<transport> socket_;
  beast::flat_buffer buffer_{header_size_max + body_piece_size};
  std::optional<parser> parser_;
  bool has_received_ = false;
  bool is_kept_ = true;
};

http_response::http_response(std::unique_ptr<state> received) : state_(std::move(received)) {}
http_response::http_response(http_response&&) noexcept = default;
http_response& http_response::operator=(http_response&&) noexcept = default;
http_response::~http_response() = default;

int http_response::status() const noexcept { return state_->status; }
const std::string& http_response::reason() const noexcept { return state_->reason; }
const std::vector<http_header>& http_response::headers() const noexcept { return state_->headers; }
std::optional<std::uint64_t> http_response::body_size() const noexcept { return state_->body_size; }

const std::string* http_response::find_header(std::string_view name) const noexcept {
  for (const http_header& header : state_->headers) {
    if (equal_names(header.name, name)) return &header.value;
  }
  return nullptr;
}

std::size_t http_response::read(buffer out, const patience& patience) {
  return state_->read(out, patience);
}

std::string http_response::read_text(std::size_t size_max, const patience& patience) {
  std::string text;
  while (true) {
    const std::size_t old_size = text.size();
    const std::size_t room = std::min<std::size_t>(body_piece_size, size_max - old_size + 1);
    text.resize(old_size + room);
    const std::size_t got = read(buffer(text.data() + old_size, room), patience);
    text.resize(old_size + got);
    if (got == 0) return text;
    if (text.size() > size_max) throw failure(PLK_E_CORRUPT, "the answer is longer than expected");
  }
}

http_client::http_client(http_settings settings)
    : settings_(std::move(settings)), tls_(settings_.tls), pool_(std::make_unique<pool>()) {}
http_client::~http_client() = default;

void http_client::close_idle() { pool_->clear(); }

// A connection over which the place is spoken to, through a proxy where there is one.
std::unique_ptr<transport> http_client::open(const url& place, const std::string& proxy_text,
                                             const patience& waits) {
  const patience connecting = waits.at_most(settings_.connect_timeout);
  std::unique_ptr<transport> socket;
  if (proxy_text.empty()) {
    socket = transport::connect(place.host, place.port, connecting);
  } else {
    const url proxy = parse_proxy(proxy_text);
    socket = transport::connect(proxy.host, proxy.port, connecting);
    if (place.tls) socket = open_tunnel(std::move(socket), place, proxy, connecting);
  }
  if (place.tls) socket->start_tls(tls_, place.host, settings_.tls.verify, connecting);
  return socket;
}

std::unique_ptr<transport> http_client::open_tunnel(std::unique_ptr<transport> socket,
                                                    const url& place, const url& proxy,
                                                    const patience& waits) {
  url target = place;
  target.tls = false;  // Of a tunnel the port is always named.
  std::string authority = target.authority();
  if (place.port == 80) authority += ":80";
  socket->write("CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n" +
                    proxy_authorization(proxy) + "\r\n",
                waits);
  http_response::state answer(*this, {}, "the proxy " + proxy.authority(), std::move(socket));
  answer.read_header(true, waits);
  if (answer.status / 100 == 2) return answer.take_tunnel();
  answer.do_not_keep();
  if (answer.status == 407) {
    throw failure(PLK_E_UNAUTHENTICATED,
                  "the proxy " + proxy.authority() + " wants a user and a password, or others");
  }
  throw failure(PLK_E_IO, "the proxy " + proxy.authority() + " does not connect to " + authority +
                              ": " + std::to_string(answer.status) + " " + answer.reason);
}

std::string http_client::head_of(const url& place, const http_request& request,
                                 const std::string& proxy_text) const {
  std::string head = request.method + " ";
  const bool to_proxy = !proxy_text.empty() && !place.tls;
  if (to_proxy) head += "http://" + place.authority();
  head += place.target + " HTTP/1.1\r\n";
  if (!has_header(request, "host")) head += "Host: " + place.authority() + "\r\n";
  if (!has_header(request, "user-agent")) head += "User-Agent: " + settings_.user_agent + "\r\n";
  for (const http_header& header : request.headers) {
    head += header.name + ": " + header.value + "\r\n";
  }
  const std::uint64_t size = request.body.size() + request.body_size;
  const bool usually_has_body = request.method == "PUT" || request.method == "POST";
  if ((size > 0 || usually_has_body) && !has_header(request, "content-length")) {
    head += "Content-Length: " + std::to_string(size) + "\r\n";
  }
  if (to_proxy) head += proxy_authorization(parse_proxy(proxy_text));
  return head + "\r\n";
}

void http_client::write_body(transport& socket, const http_request& request,
                             const patience& waits) const {
  for (octets rest = request.body; !rest.empty();) {
    const octets piece(rest.data(), std::min(rest.size(), body_piece_size));
    waits.check("sending");
    socket.write(piece, waits.at_most(settings_.idle_timeout));
    rest = octets(rest.data() + piece.size(), rest.size() - piece.size());
  }
  if (request.body_size == 0) return;
  std::vector<std::uint8_t> piece(
      static_cast<std::size_t>(std::min<std::uint64_t>(request.body_size, body_piece_size)));
  for (std::uint64_t left = request.body_size; left > 0;) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, piece.size()));
    waits.check("sending");
    const std::size_t got = request.body_source(buffer(piece.data(), wanted));
    if (got == 0 || got > wanted) {
      throw failure(PLK_E_CHANGED, "the content is shorter than it was said to be");
    }
    socket.write(octets(piece.data(), got), waits.at_most(settings_.idle_timeout));
    left -= got;
  }
}

http_response http_client::send(const url& place, const http_request& request,
                                const patience& patience) {
  check(request);
  const std::string proxy = settings_.proxy.choose(place);
  const std::string head = head_of(place, request, proxy);
  const std::string key =
      (place.tls ? "s " : "p ") + place.authority() + (proxy.empty() ? "" : " " + proxy);
  const bool may_repeat =
      request.body_size == 0 && (request.may_repeat || is_idempotent(request.method));
  std::unique_ptr<transport> socket = pool_->take(key, settings_.keep_alive);
  while (true) {
    const bool was_kept = socket != nullptr;
    if (!was_kept) socket = open(place, proxy, patience);
    auto answer = std::make_unique<http_response::state>(
        *this, key, place.host + ":" + std::to_string(place.port), std::move(socket));
    try {
      exchange(*answer, head, request, patience);
      return http_response(std::move(answer));
    } catch (const failure& error) {
      // Whoever closed it between two requests did not see this one.
      const bool was_closed = was_kept && !answer->has_received() &&
                              error.status() != PLK_E_CANCELLED && error.status() != PLK_E_TIMEOUT;
      if (!was_closed || !may_repeat) throw;
    }
    socket.reset();
  }
}

void http_client::exchange(http_response::state& answer, const std::string& head,
                           const http_request& request, const patience& waits) const {
  const patience header_waits = waits.at_most(settings_.idle_timeout);
  answer.socket().write(head, header_waits);
  std::optional<failure> unsent;
  try {
    write_body(answer.socket(), request, waits);
  } catch (const failure& error) {
    if (error.status() != PLK_E_IO) throw;
    // A server that refuses says so, and does not read the rest.
    unsent = error;
    answer.do_not_keep();
  }
  try {
    answer.read_header(request.method == "HEAD", waits.at_most(settings_.response_timeout));
  } catch (const failure& error) {
    if (unsent && error.status() != PLK_E_CANCELLED) throw *unsent;
    throw;
  }
}

}  // namespace plk::kit
