#include "core/base/testing/stepped_clock.h"

#include <thread>

namespace plakar::testing {
namespace {

// How soon a waiting thread sees that the clock was moved. It looks by itself, because
// advance() cannot notify a condition variable that may be gone by then.
constexpr std::chrono::microseconds look_interval{200};

}  // namespace

WallTime SteppedClock::wall() const noexcept {
  const std::scoped_lock lock(mutex_);
  return wall_;
}

MonotonicTime SteppedClock::monotonic() const noexcept {
  const std::scoped_lock lock(mutex_);
  return monotonic_;
}

bool SteppedClock::wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& changed,
                              MonotonicTime deadline) {
  // One look at a time, whatever ended it: a notification may come after the wait timed out and
  // before the lock is ours again, and would be lost to a loop in here. Who waits has a loop.
  if (monotonic() >= deadline) return false;
  ++waiting_;
  changed.wait_for(lock, look_interval);
  --waiting_;
  return monotonic() < deadline;
}

void SteppedClock::advance(std::chrono::nanoseconds by) {
  const std::scoped_lock lock(mutex_);
  wall_ += by;
  monotonic_ += by;
}

void SteppedClock::set_wall(WallTime to) {
  const std::scoped_lock lock(mutex_);
  wall_ = to;
}

void SteppedClock::await_waiting(std::size_t count) const {
  while (waiting_ < count) std::this_thread::yield();
}

}  // namespace plakar::testing
