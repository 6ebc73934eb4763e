#include "core/flow/poll.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

#include "core/base/system_error.h"

namespace plakar::flow {
namespace {

timespec to_timespec(std::chrono::nanoseconds duration) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(duration);
  timespec converted{};
  converted.tv_sec = static_cast<std::time_t>(seconds.count());
  converted.tv_nsec = static_cast<long>((duration - seconds).count());
  return converted;
}

}  // namespace

Result<short> poll_or_cancel(int fd, short events, const CancelToken& cancel,
                             std::chrono::nanoseconds timeout) {
  const int cancel_fd = PLK_TRY(cancel.fd());
  Clock& clock = system_clock();
  const MonotonicTime start = clock.monotonic();
  while (true) {
    PLK_TRY(cancel.check());
    const std::chrono::nanoseconds left =
        std::max(timeout - (clock.monotonic() - start), std::chrono::nanoseconds::zero());
    const timespec wait = to_timespec(std::min(left, cancel.remaining()));
    std::array<pollfd, 2> polled = {pollfd{fd, events, 0}, pollfd{cancel_fd, POLLIN, 0}};
    const int ready = ::ppoll(polled.data(), polled.size(), &wait, nullptr);
    if (ready < 0 && errno != EINTR) return system_error(errno, "poll");
    PLK_TRY(cancel.check());
    if (ready > 0 && polled[0].revents != 0) return polled[0].revents;
    if (left == std::chrono::nanoseconds::zero()) return short{0};
  }
}

}  // namespace plakar::flow
