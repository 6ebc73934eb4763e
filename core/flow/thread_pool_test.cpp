#include "core/flow/thread_pool.h"

#include <doctest/doctest.h>

#include <atomic>
#include <latch>
#include <memory>
#include <stdexcept>

#include "core/flow/poll.h"
#include "core/flow/testing/watchdog.h"

namespace plakar::flow {
namespace {

using testing::eventually;
using testing::Watchdog;

std::unique_ptr<ThreadPool> start(std::size_t threads, std::size_t queue_max = 64) {
  return ThreadPool::start({.name = "test", .threads = threads, .queue_max = queue_max}).value();
}

// Keeps one thread of a pool busy from construction until open().
class Occupied {
 public:
  explicit Occupied(ThreadPool& pool) {
    CHECK(pool.submit(
        [latches = latches_] {
          latches->busy.count_down();
          latches->open.wait();
        },
        {}));
    latches_->busy.wait();
  }
  void open() { latches_->open.count_down(); }

 private:
  struct Latches {
    std::latch busy{1}, open{1};
  };
  // The job's too: it may still look at them when this is gone.
  std::shared_ptr<Latches> latches_ = std::make_shared<Latches>();
};

}  // namespace

TEST_SUITE("thread pool") {
  TEST_CASE("a pool without threads or queue is refused") {
    CHECK(ThreadPool::start({.threads = 0}).error().code() == Errc::invalid_argument);
    CHECK(ThreadPool::start({.queue_max = 0}).error().code() == Errc::invalid_argument);
  }

  TEST_CASE("drain() runs all that is queued and refuses more") {
    const Watchdog dog("drain");
    const auto pool = start(2);
    std::atomic<int> ran = 0;
    for (int i = 0; i < 50; ++i) CHECK(pool->submit([&] { ++ran; }, {}));
    pool->drain();
    CHECK(ran == 50);
    CHECK(pool->submit([&] { ++ran; }, {}).error().code() == Errc::cancelled);
    pool->drain();
    pool->stop();
    CHECK(ran == 50);
  }

  TEST_CASE("stop() drops what is queued and waits for what runs") {
    const Watchdog dog("stop");
    const auto pool = start(1);
    Occupied occupied(*pool);
    const auto captured = std::make_shared<int>();
    for (int i = 0; i < 5; ++i) CHECK(pool->submit([captured] { FAIL("ran"); }, {}));
    std::jthread stopper([&] { pool->stop(); });
    REQUIRE(eventually([&] { return captured.use_count() == 1; }));
    occupied.open();
    stopper.join();
  }

  TEST_CASE(
      "a full queue makes submit() wait, a cancel ends the wait, and try_submit() never waits") {
    const Watchdog dog("full queue");
    const auto pool = start(1, 2);
    Occupied occupied(*pool);
    std::atomic<int> ran = 0;
    for (int i = 0; i < 2; ++i) CHECK(pool->submit([&] { ++ran; }, {}));
    CHECK_FALSE(pool->try_submit([&] { ++ran; }).value());
    const CancelSource source;
    std::jthread canceller([&] { source.cancel("stop"); });
    CHECK(pool->submit([&] { ++ran; }, source.token()).error().code() == Errc::cancelled);
    occupied.open();
    pool->drain();
    CHECK(ran == 2);
  }

  TEST_CASE("no more tasks run at once than there are threads") {
    const Watchdog dog("concurrency");
    const auto pool = start(3);
    std::atomic<int> running = 0, peak = 0;
    for (int i = 0; i < 200; ++i) {
      CHECK(pool->submit(
          [&] {
            const int now = ++running;
            int seen = peak;
            while (now > seen && !peak.compare_exchange_weak(seen, now)) {
            }
            std::this_thread::yield();
            --running;
          },
          {}));
    }
    pool->drain();
    CHECK(peak <= 3);
  }
}

TEST_SUITE("pool group") {
  TEST_CASE("it waits for its own tasks only, and returns the first failure by time") {
    const Watchdog dog("pool group");
    const auto pool = start(2);
    Occupied others(*pool);
    {
      PoolGroup group(*pool);
      std::atomic<int> ran = 0;
      for (int i = 0; i < 20; ++i) {
        CHECK(group.spawn([&](const CancelToken&) -> Status {
          ++ran;
          return {};
        }));
      }
      CHECK(group.wait());
      CHECK(ran == 20);
      CHECK(group.spawn([](const CancelToken&) -> Status { return Error(Errc::io, "first"); }));
      CHECK(group.wait().error().message() == "first");
      CHECK(group.token().cancelled());
      CHECK_FALSE(group.spawn([](const CancelToken&) -> Status { return {}; }));
      CHECK(group.wait().error().message() == "first");
    }
    others.open();
  }

  TEST_CASE("a task that throws is an internal error") {
    const auto pool = start(1);
    PoolGroup group(*pool);
    CHECK(group.spawn([](const CancelToken&) -> Status { throw std::runtime_error("oops"); }));
    CHECK(group.wait().error().code() == Errc::internal);
  }

  TEST_CASE("tasks that a stopping pool drops end the wait as cancelled") {
    const Watchdog dog("dropped");
    const auto pool = start(1);
    Occupied occupied(*pool);
    PoolGroup group(*pool);
    CHECK(group.spawn([](const CancelToken&) -> Status {
      FAIL("ran");
      return {};
    }));
    std::jthread stopper([&] { pool->stop(); });
    CHECK(group.wait().error().code() == Errc::cancelled);
    occupied.open();
  }

  TEST_CASE("a passed deadline is what the group returns, not the drop it causes") {
    const Watchdog dog("group deadline");
    const auto pool = start(1);
    PoolGroup group(*pool, CancelToken().with_timeout(std::chrono::nanoseconds(0)));
    CHECK_FALSE(group.spawn([](const CancelToken&) -> Status { return {}; }));
    CHECK(group.wait().error().code() == Errc::unavailable);
  }

  TEST_CASE("its destructor cancels its tasks and waits for them") {
    const Watchdog dog("pool group destructor");
    const auto pool = start(1);
    std::latch started(1);
    std::atomic<bool> ended = false;
    {
      PoolGroup group(*pool);
      CHECK(group.spawn([&](const CancelToken& cancel) -> Status {
        started.count_down();
        Status woken = std::move(poll_or_cancel(-1, 0, cancel)).error();
        ended = true;
        return woken;
      }));
      started.wait();
    }
    CHECK(ended);
  }
}

}  // namespace plakar::flow
