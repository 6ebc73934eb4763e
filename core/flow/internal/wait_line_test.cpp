#include "core/flow/internal/wait_line.h"

#include <doctest/doctest.h>

#include <memory>
#include <thread>
#include <vector>

#include "core/base/testing/stepped_clock.h"
#include "core/flow/testing/watchdog.h"

namespace plakar::flow::detail {
namespace {

using flow::testing::eventually;
using flow::testing::Watchdog;

// Units that threads take, any number at once, and give back.
struct Counter {
  std::mutex mutex;
  int units = 0;
  WaitLine line;
  std::vector<int> served;

  bool take(int count, int name, const CancelToken& cancel) {
    std::unique_lock lock(mutex);
    const auto enough = [&] { return units >= count; };
    return line.wait(lock, cancel, enough, [&] {
      units -= count;
      served.push_back(name);
    });
  }
  void give(int count) {
    const std::lock_guard lock(mutex);
    units += count;
    line.wake();
  }
  std::size_t waiting() {
    const std::lock_guard lock(mutex);
    return line.size();
  }
};

}  // namespace

TEST_SUITE("wait line") {
  TEST_CASE("those in line are served in the order of their coming") {
    const Watchdog dog("fifo");
    Counter counter;
    std::vector<std::jthread> threads;
    const std::vector<int> wants = {5, 1, 3, 1, 2};
    for (std::size_t i = 0; i < wants.size(); ++i) {
      threads.emplace_back([&, i] { CHECK(counter.take(wants[i], static_cast<int>(i), {})); });
      REQUIRE(eventually([&] { return counter.waiting() == i + 1; }));
    }
    for (int i = 0; i < 12; ++i) counter.give(1);
    threads.clear();
    CHECK(counter.served == std::vector{0, 1, 2, 3, 4});
    CHECK(counter.units == 0);
  }

  TEST_CASE("who comes later waits behind a larger request, although there is enough for it") {
    const Watchdog dog("no overtaking");
    Counter counter;
    counter.give(3);
    std::jthread large([&] { CHECK(counter.take(4, 1, {})); });
    REQUIRE(eventually([&] { return counter.waiting() == 1; }));
    std::jthread small([&] { CHECK(counter.take(1, 2, {})); });
    REQUIRE(eventually([&] { return counter.waiting() == 2; }));
    counter.give(2);
    large.join();
    small.join();
    CHECK(counter.served == std::vector{1, 2});
  }

  TEST_CASE("when the first leaves, the next goes on with what is there") {
    const Watchdog dog("leave");
    Counter counter;
    counter.give(1);
    const CancelSource source;
    std::jthread large([&] { CHECK_FALSE(counter.take(4, 1, source.token())); });
    REQUIRE(eventually([&] { return counter.waiting() == 1; }));
    std::jthread small([&] { CHECK(counter.take(1, 2, {})); });
    REQUIRE(eventually([&] { return counter.waiting() == 2; }));
    source.cancel("stop");
    large.join();
    small.join();
    CHECK(counter.served == std::vector{2});
  }

  TEST_CASE("one in the middle may leave") {
    const Watchdog dog("middle");
    Counter counter;
    const CancelSource source;
    std::vector<std::jthread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&, i] {
        CHECK(counter.take(1, i, i == 1 ? source.token() : CancelToken()) == (i != 1));
      });
      REQUIRE(eventually([&] { return counter.waiting() == static_cast<std::size_t>(i) + 1; }));
    }
    source.cancel("stop");
    threads[1].join();
    CHECK(counter.waiting() == 2);
    counter.give(2);
    threads.clear();
    CHECK(counter.served == std::vector{0, 2});
  }

  TEST_CASE("a deadline ends the wait on its own clock") {
    const Watchdog dog("deadline");
    // On the heap, as ThreadSanitizer does not see a std::mutex end: see rate_limiter_test.cpp.
    const auto clock = std::make_unique<plakar::testing::SteppedClock>();
    Counter counter;
    const CancelToken cancel = CancelToken().with_timeout(std::chrono::hours(1), *clock);
    std::jthread waiter([&] { CHECK_FALSE(counter.take(1, 0, cancel)); });
    clock->await_waiting(1);
    clock->advance(std::chrono::minutes(59));
    CHECK(counter.waiting() == 1);
    clock->advance(std::chrono::minutes(1));
    waiter.join();
    CHECK(counter.waiting() == 0);
  }

  TEST_CASE("a cancelled token does not spoil what is there") {
    const CancelSource source;
    source.cancel("stop");
    Counter counter;
    CHECK_FALSE(counter.take(1, 0, source.token()));
    counter.give(1);
    CHECK(counter.take(1, 0, source.token()));
  }
}

}  // namespace plakar::flow::detail
