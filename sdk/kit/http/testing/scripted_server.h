// A server on loopback that says what a test wants, in a thread: for the parts of HTTP and TLS that
// real servers get right.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace plk::kit::testing {

// One accepted connection, plain or within TLS.
class peer {
 public:
  virtual ~peer() = default;
  // Up to `size` bytes, as they come; empty at the end.
  virtual std::string read(std::size_t size) = 0;
  // False when the client is gone.
  virtual bool write(std::string_view text) = 0;
  // Nothing more comes, in either direction.
  virtual void end() = 0;
  // Ends without a goodbye.
  virtual void cut() = 0;

  // Header of a request, with its empty line; empty at the end.
  std::string read_header();
  // Header and body, by Content-Length.
  std::string read_request();

 protected:
  std::string pending_;
};

struct certificate {
  std::string certificate_pem;
  std::string key_pem;

  // Signed by itself, for `name`: a host name, or an address.
  static certificate make(const std::string& name);
};

class scripted_server {
 public:
  // `serve` runs for each connection, one after another, in the server's thread; its number begins
  // with 0.
  using serve_fn = std::function<void(peer&, int number)>;
  explicit scripted_server(serve_fn serve, const certificate* tls = nullptr);
  ~scripted_server();
  scripted_server(const scripted_server&) = delete;
  scripted_server& operator=(const scripted_server&) = delete;

  std::uint16_t port() const noexcept { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int connections() const noexcept { return connections_; }

 private:
  void run(const serve_fn& serve, const std::stop_token& stop);

  int listener_ = -1;
  std::uint16_t port_ = 0;
  void* tls_ = nullptr;  // an SSL_CTX*
  std::atomic<int> connections_ = 0;
  std::jthread thread_;
};

// Connects to a port on loopback, and passes on what either side says until one of them ends.
void relay(peer& client, std::uint16_t port);

}  // namespace plk::kit::testing
