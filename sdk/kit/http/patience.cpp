#include "sdk/kit/http/patience.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <limits>

namespace plk::kit {

void patience::wait_readable(int fd, const std::string& doing) const { wait(fd, POLLIN, doing); }
void patience::wait_writable(int fd, const std::string& doing) const { wait(fd, POLLOUT, doing); }
void patience::check(const std::string& doing) const { wait(-1, 0, doing); }

void patience::wait(int fd, short events, const std::string& doing) const {
  pollfd watched[2] = {{fd, events, 0}, {cancel_fd_, POLLIN, 0}};
  while (true) {
    int timeout = fd < 0 ? 0 : -1;
    if (fd >= 0 && end_ != clock::time_point::max()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end_ - clock::now()).count();
      timeout =
          static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
    }
    const int ready = ::poll(watched, 2, timeout);
    if (ready < 0) {
      if (errno == EINTR) continue;
      throw system_failure(errno, "poll");
    }
    // Somebody who cancels wants that even where there is something to read.
    if (watched[1].revents != 0) throw failure(PLK_E_CANCELLED, "cancelled");
    if (watched[0].revents != 0) return;
    if (clock::now() >= end_) throw failure(PLK_E_TIMEOUT, doing + " took too long").retryable();
    if (fd < 0) return;
  }
}

}  // namespace plk::kit
