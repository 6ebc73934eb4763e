#include "core/base/clock.h"

#include <doctest/doctest.h>

#include <thread>

#include "core/base/testing/stepped_clock.h"

namespace plakar {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_SUITE("clock") {
  TEST_CASE("the system's monotonic time does not go back, and its date is plausible") {
    Clock& clock = system_clock();
    const MonotonicTime before = clock.monotonic();
    CHECK(clock.monotonic() >= before);
    CHECK(to_unix_time(clock.wall()).seconds > 1'700'000'000);
  }

  TEST_CASE("waiting ends at the deadline, or with what was waited for") {
    Clock& clock = system_clock();
    std::mutex mutex;
    std::condition_variable changed;
    std::unique_lock lock(mutex);
    CHECK_FALSE(
        clock.wait_until(lock, changed, clock.monotonic() - seconds(1), [] { return false; }));
    CHECK_FALSE(
        clock.wait_until(lock, changed, clock.monotonic() + milliseconds(2), [] { return false; }));
    bool ready = false;
    const std::jthread other([&] {
      const std::scoped_lock guard(mutex);
      ready = true;
      changed.notify_all();
    });
    CHECK(clock.wait_until(lock, changed, MonotonicTime::max(), [&] { return ready; }));
  }

  TEST_CASE("a stepped clock moves only when told, and then wakes who waits for it") {
    testing::SteppedClock clock;
    const MonotonicTime begin = clock.monotonic();
    std::mutex mutex;
    std::condition_variable changed;
    bool woken = false;
    const std::jthread sleeper([&] {
      std::unique_lock lock(mutex);
      CHECK_FALSE(clock.wait_until(lock, changed, begin + seconds(10), [] { return false; }));
      woken = true;
      changed.notify_all();
    });
    clock.await_waiting(1);
    clock.advance(seconds(9));
    CHECK(clock.monotonic() == begin + seconds(9));
    CHECK(clock.wall() == testing::SteppedClock::start + seconds(9));
    {
      const std::scoped_lock lock(mutex);
      CHECK_FALSE(woken);
    }
    clock.advance(seconds(1));
    std::unique_lock lock(mutex);
    CHECK(system_clock().wait_until(lock, changed, MonotonicTime::max(), [&] { return woken; }));
    clock.set_wall(WallTime(seconds(5)));
    CHECK(clock.monotonic() == begin + seconds(10));
  }

  TEST_CASE("a wait on a stepped clock looks again by itself, so no notification can be lost") {
    testing::SteppedClock clock;
    std::mutex mutex;
    std::condition_variable changed;
    std::unique_lock lock(mutex);
    CHECK(clock.wait_until(lock, changed, MonotonicTime::max()));
    CHECK(lock.owns_lock());
    int looks = 0;
    CHECK(clock.wait_until(lock, changed, MonotonicTime::max(), [&] { return ++looks == 3; }));
  }

  TEST_CASE("times before 1970 have seconds rounded down and a positive rest") {
    CHECK(to_unix_time(WallTime(milliseconds(-1500))) == UnixTime{-2, 500'000'000});
    CHECK(to_unix_time(WallTime(milliseconds(1500))) == UnixTime{1, 500'000'000});
    CHECK(to_wall_time({-2, 500'000'000}) == WallTime(milliseconds(-1500)));
    CHECK(to_wall_time({INT64_MAX, 0}) == WallTime::max());
    CHECK(to_wall_time(UnixTime{}) == WallTime::min());
  }
}

}  // namespace plakar
