// For how long something is waited for: until a deadline, or until somebody cancels.
#pragma once

#include <poll.h>

#include <chrono>
#include <span>
#include <string>

#include <plakar/connector.hpp>

namespace plk::kit {

class patience {
 public:
  using clock = std::chrono::steady_clock;

  // Without end.
  patience() = default;
  // As long as the call has. Valid while it lasts.
  explicit patience(const call& call) : cancel_fd_(call.cancel_fd()) {
    const std::int64_t remaining = call.remaining_ms();
    if (remaining >= 0) end_ = clock::now() + std::chrono::milliseconds(remaining);
  }
  // Until `cancel_fd` becomes readable; -1: never.
  static patience until_readable(int cancel_fd) {
    patience made;
    made.cancel_fd_ = cancel_fd;
    return made;
  }

  // The same, but no longer than `most` from now on.
  patience at_most(std::chrono::milliseconds most) const {
    patience made = *this;
    const clock::time_point other = clock::now() + most;
    if (other < made.end_) made.end_ = other;
    return made;
  }

  // Waits until the descriptor can be read or written. Throws PLK_E_CANCELLED, or PLK_E_TIMEOUT
  // with what `doing` names: "waiting for example.org".
  void wait_readable(int fd, const std::string& doing) const;
  void wait_writable(int fd, const std::string& doing) const;
  // The same for any of several, as poll() does: those with a negative descriptor do not count. At
  // most four.
  void wait_any(std::span<pollfd> watched, const std::string& doing) const;
  // Throws if it is over.
  void check(const std::string& doing) const { wait_any({}, doing); }

 private:
  int cancel_fd_ = -1;
  clock::time_point end_ = clock::time_point::max();
};

}  // namespace plk::kit
