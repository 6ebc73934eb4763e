#include "core/flow/task_group.h"

#include <doctest/doctest.h>
#include <pthread.h>
#include <signal.h>

#include <array>
#include <atomic>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>

#include "core/flow/poll.h"
#include "core/flow/testing/watchdog.h"

namespace plakar::flow {
namespace {

using testing::Watchdog;

Status sleep_until_cancelled(const CancelToken& cancel) {
  return std::move(poll_or_cancel(-1, 0, cancel)).error();
}

}  // namespace

TEST_SUITE("task group") {
  TEST_CASE("it waits for all tasks and succeeds if all do") {
    const Watchdog dog("wait");
    TaskGroup group;
    std::atomic<int> ran = 0;
    for (int i = 0; i < 4; ++i) {
      group.spawn("task", [&](const CancelToken&) -> Status {
        ++ran;
        return {};
      });
    }
    CHECK(group.wait());
    CHECK(ran == 4);
    CHECK(group.wait());
    CHECK_FALSE(group.token().cancelled());
  }

  TEST_CASE("the first failure by time cancels the others and is the result") {
    const Watchdog dog("first failure");
    TaskGroup group;
    group.spawn("waits", [](const CancelToken& cancel) -> Status {
      const Status woken = sleep_until_cancelled(cancel);
      CHECK(woken.error().message() == "another task failed: disk on fire");
      return Error(Errc::internal, "later");
    });
    group.spawn("fails",
                [](const CancelToken&) -> Status { return Error(Errc::io, "disk on fire"); });
    const Status result = group.wait();
    CHECK(result.error().code() == Errc::io);
    CHECK(result.error().message() == "disk on fire");
  }

  TEST_CASE("an exception is an internal error, not the end of the process") {
    const Watchdog dog("exception");
    TaskGroup group;
    group.spawn("throws", [](const CancelToken&) -> Status { throw std::runtime_error("oops"); });
    CHECK(group.wait().error().code() == Errc::internal);
    CHECK(group.wait().error().message() == "uncaught exception: oops");
    TaskGroup other;
    other.spawn("throws", [](const CancelToken&) -> Status { throw 42; });
    CHECK(other.wait().error().code() == Errc::internal);
  }

  TEST_CASE("cancelling the parent reaches the tasks, and the group the parent does not") {
    const Watchdog dog("parent");
    const CancelSource job;
    TaskGroup group(job.token());
    group.spawn("waits", sleep_until_cancelled);
    job.cancel("interrupted");
    const Status result = group.wait();
    CHECK(result.error().code() == Errc::cancelled);
    CHECK(result.error().message() == "interrupted");

    const CancelSource healthy;
    TaskGroup failing(healthy.token());
    failing.spawn("fails", [](const CancelToken&) { return Error(Errc::io, "broken"); });
    CHECK_FALSE(failing.wait());
    CHECK_FALSE(healthy.token().cancelled());
  }

  TEST_CASE("its destructor cancels and joins") {
    const Watchdog dog("destructor");
    std::atomic<bool> ended = false;
    {
      TaskGroup group;
      group.spawn("waits", [&](const CancelToken& cancel) -> Status {
        Status woken = sleep_until_cancelled(cancel);
        ended = true;
        return woken;
      });
    }
    CHECK(ended);
  }

  TEST_CASE("a task may spawn tasks, and wait() waits for those too") {
    const Watchdog dog("nested spawn");
    TaskGroup group;
    std::atomic<int> ran = 0;
    group.spawn("outer", [&](const CancelToken&) -> Status {
      ++ran;
      group.spawn("middle", [&](const CancelToken&) -> Status {
        ++ran;
        group.spawn("inner", [&](const CancelToken&) -> Status {
          ++ran;
          return {};
        });
        return {};
      });
      return {};
    });
    CHECK(group.wait());
    CHECK(ran == 3);
  }

  TEST_CASE("a task may own what only moves") {
    const Watchdog dog("move-only");
    TaskGroup group;
    group.spawn("owner", [owned = std::make_unique<int>(1)](const CancelToken&) -> Status {
      return *owned == 1 ? Status() : Error(Errc::internal, "lost");
    });
    CHECK(group.wait());
  }

  TEST_CASE("threads have the name given, and no signal but their own faults") {
    const Watchdog dog("names");
    TaskGroup group;
    group.spawn("a name that is too long", [](const CancelToken&) -> Status {
      std::array<char, 32> name{};
      CHECK(::pthread_getname_np(::pthread_self(), name.data(), name.size()) == 0);
      CHECK(std::string(name.data()) == "a name that is ");
      sigset_t blocked;
      CHECK(::pthread_sigmask(SIG_SETMASK, nullptr, &blocked) == 0);
      CHECK(sigismember(&blocked, SIGINT) == 1);
      CHECK(sigismember(&blocked, SIGSEGV) == 0);
      return {};
    });
    CHECK(group.wait());
    sigset_t blocked;
    CHECK(::pthread_sigmask(SIG_SETMASK, nullptr, &blocked) == 0);
    CHECK(sigismember(&blocked, SIGINT) == 0);
  }
}

}  // namespace plakar::flow
