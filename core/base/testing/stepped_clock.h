// A clock that stands until a test moves it. Threads that wait on it are woken by advance(),
// never by real time:
//
//   SteppedClock clock;
//   std::jthread worker([&] { limiter.take(clock, 100); });
//   clock.await_waiting(1);                    // It is asleep now,
//   clock.advance(std::chrono::seconds(1));    // and now it is not.
#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>

#include "core/base/clock.h"

namespace plakar::testing {

// All functions may be called from any thread.
class SteppedClock final : public Clock {
 public:
  // 2026-01-14T06:45:32Z, so that printed times are the same every day.
  static constexpr WallTime start{std::chrono::seconds(1'768'373'132)};

  explicit SteppedClock(WallTime wall = start) noexcept : wall_(wall) {}

  WallTime wall() const noexcept override;
  MonotonicTime monotonic() const noexcept override;
  bool wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& changed,
                  MonotonicTime deadline) override;
  using Clock::wait_until;

  // Both times go forward.
  void advance(std::chrono::nanoseconds by);
  // Somebody sets the date: monotonic time goes on as before.
  void set_wall(WallTime to);

  // Blocks until at least `count` threads wait.
  void await_waiting(std::size_t count) const;

 private:
  mutable std::mutex mutex_;
  WallTime wall_;                                   // Guarded by mutex_.
  MonotonicTime monotonic_{std::chrono::hours(1)};  // Guarded by mutex_.
  std::atomic<std::size_t> waiting_ = 0;
};

}  // namespace plakar::testing
