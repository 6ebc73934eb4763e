#include "core/flow/rate_limiter.h"

#include <doctest/doctest.h>

#include <atomic>
#include <limits>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "core/base/testing/stepped_clock.h"
#include "core/flow/testing/watchdog.h"

namespace plakar::flow {
namespace {

using plakar::testing::SteppedClock;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Watchdog;

const CancelToken forever;

// On the heap, as ThreadSanitizer does not see a std::mutex end: a clock on the stack, where
// another test had the limiter, would look like locks taken in the opposite order.
std::unique_ptr<SteppedClock> stepped_clock() { return std::make_unique<SteppedClock>(); }

}  // namespace

TEST_SUITE("rate limiter") {
  TEST_CASE("zero is unlimited") {
    const auto clock = stepped_clock();
    RateLimiter limiter({.per_second = 0}, *clock);
    for (int i = 0; i < 10; ++i) {
      CHECK(limiter.try_acquire(std::numeric_limits<std::uint64_t>::max()));
    }
  }

  TEST_CASE("a burst passes at once, the rest at the rate") {
    const auto clock = stepped_clock();
    RateLimiter limiter({.per_second = 10, .burst = 5}, *clock);
    for (int i = 0; i < 5; ++i) CHECK(limiter.try_acquire(1));
    CHECK_FALSE(limiter.try_acquire(1));
    clock->advance(milliseconds(100));
    CHECK(limiter.try_acquire(1));
    CHECK_FALSE(limiter.try_acquire(1));
    clock->advance(milliseconds(50));
    CHECK_FALSE(limiter.try_acquire(1));
    clock->advance(milliseconds(50));
    CHECK(limiter.try_acquire(1));
  }

  TEST_CASE("quiet time fills the bucket to the burst and no further") {
    const auto clock = stepped_clock();
    RateLimiter limiter({.per_second = 10, .burst = 5}, *clock);
    clock->advance(seconds(1000));
    CHECK(limiter.try_acquire(5));
    CHECK_FALSE(limiter.try_acquire(1));
  }

  TEST_CASE("a request above the burst passes with a full bucket and leaves a debt") {
    const auto clock = stepped_clock();
    RateLimiter limiter({.per_second = 10, .burst = 5}, *clock);
    CHECK(limiter.try_acquire(25));
    clock->advance(milliseconds(2000));
    CHECK_FALSE(limiter.try_acquire(1));
    clock->advance(milliseconds(100));
    CHECK(limiter.try_acquire(1));
  }

  TEST_CASE("without a burst it is what a second allows") {
    const auto clock = stepped_clock();
    RateLimiter limiter({.per_second = 10}, *clock);
    CHECK(limiter.rate().burst == 10);
    CHECK(limiter.try_acquire(10));
    CHECK_FALSE(limiter.try_acquire(1));
  }

  TEST_CASE("acquire() sleeps until it is paid for") {
    const Watchdog dog("limiter sleep");
    const auto clock = stepped_clock();
    RateLimiter limiter({.per_second = 10, .burst = 1}, *clock);
    CHECK(limiter.acquire(1, forever));
    std::atomic<bool> passed = false;
    std::jthread thread([&] {
      CHECK(limiter.acquire(1, forever));
      passed = true;
    });
    clock->await_waiting(1);
    clock->advance(milliseconds(99));
    CHECK_FALSE(limiter.try_acquire(0));  // not even nothing overtakes
    CHECK_FALSE(passed);
    clock->advance(milliseconds(1));
    thread.join();
    CHECK(passed);
  }

  TEST_CASE("a large request in line is not overtaken by a small one that would pass") {
    const Watchdog dog("limiter fifo");
    const auto clock = stepped_clock();
    RateLimiter limiter({.per_second = 10, .burst = 5}, *clock);
    CHECK(limiter.acquire(5, forever));
    std::vector<int> order;
    std::mutex mutex;
    auto pass = [&](std::uint64_t amount, int name) {
      CHECK(limiter.acquire(amount, forever));
      const std::lock_guard lock(mutex);
      order.push_back(name);
    };
    std::jthread large([&] { pass(5, 1); });
    clock->await_waiting(1);
    clock->advance(milliseconds(200));
    std::jthread small([&] { pass(1, 2); });
    for (int i = 0; i < 1000; ++i) std::this_thread::yield();
    {
      const std::lock_guard lock(mutex);
      CHECK(order.empty());
    }
    clock->advance(milliseconds(300));
    large.join();
    clock->advance(milliseconds(100));
    small.join();
    CHECK(order == std::vector{1, 2});
  }

  TEST_CASE("a deadline before the turn is unavailable and uses nothing up") {
    const Watchdog dog("limiter deadline");
    const auto clock = stepped_clock();
    RateLimiter limiter({.per_second = 1, .burst = 1}, *clock);
    CHECK(limiter.acquire(1, forever));
    const CancelToken hurry = forever.with_timeout(milliseconds(500), *clock);
    std::jthread thread(
        [&] { CHECK(limiter.acquire(1, hurry).error().code() == Errc::unavailable); });
    clock->await_waiting(1);
    clock->advance(milliseconds(500));
    thread.join();
    clock->advance(milliseconds(500));
    CHECK(limiter.try_acquire(1));
  }

  // On the real clock: what these wait for would take a million years.
  TEST_CASE("a cancel ends the wait of the first and of those behind it") {
    const Watchdog dog("limiter cancel");
    RateLimiter limiter({.per_second = 1, .burst = 1}, system_clock());
    CHECK(limiter.acquire(std::uint64_t{1} << 45, forever));
    const CancelSource source;
    std::vector<std::jthread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back(
          [&] { CHECK(limiter.acquire(1, source.token()).error().code() == Errc::cancelled); });
    }
    source.cancel("stop");
  }

  TEST_CASE("a new rate holds for those who wait already") {
    const Watchdog dog("limiter rate");
    RateLimiter limiter({.per_second = 1, .burst = 1}, system_clock());
    CHECK(limiter.acquire(std::uint64_t{1} << 45, forever));
    std::atomic<int> passed = 0;
    std::vector<std::jthread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&] {
        CHECK(limiter.acquire(1, forever));
        ++passed;
      });
    }
    CHECK(passed == 0);
    limiter.set_rate({.per_second = 0});
    threads.clear();
    CHECK(passed == 3);
  }

  TEST_CASE("coming from unlimited, the bucket is full") {
    const auto clock = stepped_clock();
    RateLimiter limiter({.per_second = 0}, *clock);
    CHECK(limiter.try_acquire(1000));
    limiter.set_rate({.per_second = 10, .burst = 4});
    CHECK(limiter.try_acquire(4));
    CHECK_FALSE(limiter.try_acquire(1));
    limiter.set_rate({.per_second = 100, .burst = 2});
    clock->advance(milliseconds(10));
    CHECK(limiter.try_acquire(1));
  }
}

}  // namespace plakar::flow
