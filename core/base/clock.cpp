#include "core/base/clock.h"

namespace plakar {
namespace {

class SystemClock final : public Clock {
 public:
  WallTime wall() const noexcept override {
    return std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
  }

  MonotonicTime monotonic() const noexcept override { return std::chrono::steady_clock::now(); }

  bool wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& changed,
                  MonotonicTime deadline) override {
    // Not left to wait_until: the conversion of max() to a timespec is not to be trusted.
    if (deadline == MonotonicTime::max()) {
      changed.wait(lock);
      return true;
    }
    return changed.wait_until(lock, deadline) == std::cv_status::no_timeout;
  }
};

}  // namespace

Clock& system_clock() noexcept {
  static SystemClock instance;
  return instance;
}

}  // namespace plakar
