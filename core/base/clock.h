// The time of day, and time that only goes forward. Passed in, so that tests own it: see
// core/base/testing/stepped_clock.h. Waiting goes through the clock for the same reason: who
// asks a condition variable directly for a timeout cannot be tested without sleeping.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "core/base/unix_time.h"

namespace plakar {

using MonotonicTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

// Implementations may be called from any thread.
class Clock {
 public:
  virtual ~Clock() = default;

  // What a calendar shows. May jump, also backwards: never subtract two of them to
  // measure a duration.
  virtual WallTime wall() const noexcept = 0;
  virtual MonotonicTime monotonic() const noexcept = 0;

  // Waits, with `lock` released, until `changed` is notified or `deadline` is reached; false
  // means the latter. May also return true for no reason: wait in a loop, or use the
  // overload below. MonotonicTime::max() waits without a limit.
  virtual bool wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& changed,
                          MonotonicTime deadline) = 0;

  // Waits until `ready()` holds, and returns its last answer.
  template <class Ready>
  bool wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& changed,
                  MonotonicTime deadline, Ready ready) {
    while (!ready()) {
      if (!wait_until(lock, changed, deadline)) return ready();
    }
    return true;
  }
};

Clock& system_clock() noexcept;

}  // namespace plakar
