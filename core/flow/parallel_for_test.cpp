#include "core/flow/parallel_for.h"

#include <doctest/doctest.h>

#include <atomic>
#include <latch>
#include <stdexcept>
#include <thread>
#include <vector>

#include "core/flow/testing/watchdog.h"

namespace plakar::flow {
namespace {

using testing::Watchdog;

std::unique_ptr<ThreadPool> start(std::size_t threads, std::size_t queue_max = 64) {
  return ThreadPool::start({.name = "test", .threads = threads, .queue_max = queue_max}).value();
}

}  // namespace

TEST_SUITE("parallel_for") {
  TEST_CASE("every index is visited once, for any number of items and size of chunk") {
    const Watchdog dog("visits");
    const auto pool = start(3);
    for (const std::size_t count : {0u, 1u, 2u, 7u, 100u, 1000u}) {
      for (const std::size_t chunk : {0u, 1u, 3u, 64u, 5000u}) {
        std::vector<std::atomic<int>> visits(count);
        CHECK(parallel_for(*pool, count, {},
                           [&](std::size_t first, std::size_t last) -> Status {
                             for (std::size_t i = first; i < last; ++i) ++visits[i];
                             return {};
                           },
                           {.chunk = chunk}));
        bool once = true;
        for (const auto& n : visits) once &= n == 1;
        CHECK(once);
      }
    }
  }

  TEST_CASE("the number of items may be the largest there is") {
    // With chunk arithmetic that wraps, this loop would never end or never begin.
    const auto pool = start(1);
    const std::size_t all = ~std::size_t{0};
    CHECK(parallel_for(*pool, all, {}, [&](std::size_t, std::size_t) -> Status { return {}; },
                       {.chunk = all / 2}));
  }

  TEST_CASE("the first failure ends the loop and is returned") {
    const Watchdog dog("failure");
    const auto pool = start(2);
    std::atomic<int> calls = 0;
    const Status status = parallel_for(*pool, 100000, {},
                                       [&](std::size_t, std::size_t) -> Status {
                                         if (++calls == 10) return Error(Errc::corrupt, "bad item");
                                         return {};
                                       },
                                       {.chunk = 1});
    CHECK(status.error().message() == "bad item");
    CHECK(calls < 100000);
    CHECK(parallel_for(*pool, 1, {},
                       [](std::size_t, std::size_t) -> Status { throw std::runtime_error("oops"); })
              .error()
              .code() == Errc::internal);
  }

  TEST_CASE("a cancel ends the loop before the next range") {
    const auto pool = start(2);
    const CancelSource source;
    std::atomic<int> calls = 0;
    const Status status = parallel_for(*pool, 1000, source.token(),
                                       [&](std::size_t, std::size_t) -> Status {
                                         ++calls;
                                         source.cancel("stop");
                                         return {};
                                       },
                                       {.chunk = 1});
    CHECK(status.error().code() == Errc::cancelled);
    CHECK(calls <= 3);
  }

  TEST_CASE("it returns only when no thread of the pool is in the body any more") {
    const Watchdog dog("in the body");
    const auto pool = start(1);
    std::latch entered(1), leave(1);
    std::atomic<bool> left = false;
    std::jthread releaser;
    CHECK(parallel_for(*pool, 2, {},
                       [&](std::size_t, std::size_t) -> Status {
                         if (pool->is_current()) {
                           entered.count_down();
                           leave.wait();
                           left = true;
                         } else {
                           entered.wait();  // the other range is the pool's
                           releaser = std::jthread([&] {
                             for (int i = 0; i < 1000; ++i) std::this_thread::yield();
                             leave.count_down();
                           });
                         }
                         return {};
                       },
                       {.chunk = 1}));
    CHECK(left);
  }

  TEST_CASE("loops may be nested in tasks of the same pool") {
    const Watchdog dog("nested");
    const auto pool = start(2, 2);
    std::atomic<int> visits = 0;
    CHECK(parallel_for(*pool, 8, {},
                       [&](std::size_t, std::size_t) {
                         return parallel_for(*pool, 50, {},
                                             [&](std::size_t first, std::size_t last) -> Status {
                                               visits += static_cast<int>(last - first);
                                               return {};
                                             },
                                             {.chunk = 1});
                       },
                       {.chunk = 1}));
    CHECK(visits == 400);
  }

  TEST_CASE("it does not need the pool: a busy or stopped one only makes it slower") {
    const Watchdog dog("busy pool");
    const auto pool = start(1);
    std::latch busy(1), open(1);
    CHECK(pool->submit(
        [&] {
          busy.count_down();
          open.wait();
        },
        {}));
    busy.wait();
    for (int i = 0; i < 2; ++i) {
      std::size_t visits = 0;  // by this thread alone
      CHECK(parallel_for(*pool, 100, {}, [&](std::size_t first, std::size_t last) -> Status {
        visits += last - first;
        return {};
      }));
      CHECK(visits == 100);
      if (i == 0) {
        open.count_down();
        pool->stop();
      }
    }
  }
}

}  // namespace plakar::flow
