// A connection to a server: TCP, and TLS over it. Nothing blocks but in poll(), together with what
// cancels.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "sdk/kit/http/tls.h"
#include "sdk/kit/wait/patience.h"

namespace plk::kit {

class transport {
 public:
  // Tries the addresses of the host one after another. Names are resolved by the C library, which
  // cannot be interrupted; it gives up by itself, after resolv.conf's timeouts.
  static std::unique_ptr<transport> connect(const std::string& host, std::uint16_t port,
                                            const patience& patience);
  ~transport();
  transport(const transport&) = delete;
  transport& operator=(const transport&) = delete;

  // `host` is what the certificate must be for, and what is asked for (SNI).
  void start_tls(const tls_context& context, const std::string& host, bool verify,
                 const patience& patience);

  // Some bytes; 0 at the end of the stream, which of TLS must have been announced.
  std::size_t read_some(buffer out, const patience& patience);
  std::size_t write_some(octets bytes, const patience& patience);
  void write(octets bytes, const patience& patience);

  // Whether nothing has arrived since, not even the end: it may be used once more.
  bool is_idle() const noexcept;

 private:
  class tls;

  transport(int fd, std::string peer) noexcept;

  std::size_t receive(buffer out, const patience& patience);
  std::size_t send(octets bytes, const patience& patience);

  int fd_;
  std::string peer_;  // for messages
  std::unique_ptr<tls> tls_;
};

}  // namespace plk::kit
