#include "sdk/kit/wait/patience.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

namespace plk::kit {

void patience::wait_readable(int fd, const std::string& doing) const {
  pollfd watched{fd, POLLIN, 0};
  wait_any({&watched, 1}, doing);
}

void patience::wait_writable(int fd, const std::string& doing) const {
  pollfd watched{fd, POLLOUT, 0};
  wait_any({&watched, 1}, doing);
}

void patience::wait_any(std::span<pollfd> watched, const std::string& doing) const {
  std::array<pollfd, 5> all;
  if (watched.size() >= all.size())
    throw failure(PLK_E_INTERNAL, "too many descriptors to wait for");
  std::copy(watched.begin(), watched.end(), all.begin());
  all[watched.size()] = {cancel_fd_, POLLIN, 0};
  const bool only_looks = watched.empty();
  while (true) {
    int timeout = only_looks ? 0 : -1;
    if (!only_looks && end_ != clock::time_point::max()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end_ - clock::now()).count();
      timeout =
          static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
    }
    const int ready = ::poll(all.data(), watched.size() + 1, timeout);
    if (ready < 0) {
      if (errno == EINTR) continue;
      throw system_failure(errno, "poll");
    }
    // Somebody who cancels wants that even where there is something to read.
    if (all[watched.size()].revents != 0) throw failure(PLK_E_CANCELLED, "cancelled");
    std::copy_n(all.begin(), watched.size(), watched.begin());
    if (ready > 0) return;
    if (clock::now() >= end_) throw failure(PLK_E_TIMEOUT, doing + " took too long").retryable();
    if (only_looks) return;
  }
}

}  // namespace plk::kit
