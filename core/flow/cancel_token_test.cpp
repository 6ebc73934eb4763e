#include "core/flow/cancel_token.h"

#include <doctest/doctest.h>
#include <poll.h>

#include <array>
#include <atomic>
#include <latch>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "core/flow/poll.h"
#include "core/flow/testing/watchdog.h"

namespace plakar::flow {
namespace {

using std::chrono::hours;
using testing::Watchdog;

bool readable(int fd) {
  pollfd polled{fd, POLLIN, 0};
  return ::poll(&polled, 1, 0) == 1;
}

MonotonicTime past() { return system_clock().monotonic() - std::chrono::seconds(1); }

}  // namespace

TEST_SUITE("cancel token") {
  TEST_CASE("a default token is never cancelled and has no descriptor") {
    const CancelToken token;
    CHECK_FALSE(token.cancelled());
    CHECK(token.check());
    CHECK(token.fd().value() == -1);
    CHECK(token.remaining() == std::chrono::nanoseconds::max());
  }

  TEST_CASE("all tokens of a source see the cancel, and only the first reason counts") {
    const CancelSource source;
    const CancelToken before = source.token();
    CHECK(source.cancel("the user left"));
    CHECK_FALSE(source.cancel("too late"));
    for (const CancelToken& token : {before, source.token()}) {
      CHECK(token.cancelled());
      CHECK(token.error().code() == Errc::cancelled);
      CHECK(token.error().message() == "the user left");
    }
  }

  TEST_CASE("the descriptor becomes readable and stays so, asked for before or after") {
    const CancelSource source;
    const int fd = source.token().fd().value();
    CHECK_FALSE(readable(fd));
    source.cancel("stop");
    CHECK(readable(fd));
    CHECK(readable(fd));
    const CancelSource late;
    late.cancel("stop");
    CHECK(readable(late.token().fd().value()));
  }

  TEST_CASE("a passed deadline is unavailable, not cancelled, and belongs to its token alone") {
    const CancelSource source;
    const CancelToken token = source.token().with_deadline(past());
    CHECK(token.cancelled());
    CHECK(token.error().code() == Errc::unavailable);
    CHECK(token.remaining() == std::chrono::nanoseconds::zero());
    CHECK_FALSE(source.token().cancelled());
    CHECK_FALSE(readable(token.fd().value()));
    source.cancel("stop");
    CHECK(token.error().code() == Errc::cancelled);
  }

  TEST_CASE("a later deadline does not extend an earlier one") {
    const MonotonicTime soon = system_clock().monotonic() + hours(1);
    const CancelToken token = CancelToken().with_deadline(soon).with_timeout(hours(2));
    CHECK(token.deadline() == soon);
    CHECK_FALSE(token.cancelled());
    CHECK(token.remaining() > std::chrono::minutes(59));
    CHECK(token.remaining() <= hours(1));
  }

  TEST_CASE("an endless timeout does not wrap into the past") {
    CHECK_FALSE(CancelToken().with_timeout(std::chrono::nanoseconds::max()).cancelled());
  }

  TEST_CASE("a child is cancelled with its parent, the parent not with its child") {
    const CancelSource parent;
    const CancelSource child(parent.token());
    const CancelSource grandchild(child.token());
    const CancelSource other(parent.token());
    child.cancel("this part only");
    CHECK(grandchild.token().error().message() == "this part only");
    CHECK_FALSE(parent.token().cancelled());
    CHECK_FALSE(other.token().cancelled());
    parent.cancel("everything");
    CHECK(other.token().error().message() == "everything");
    CHECK(child.token().error().message() == "this part only");
  }

  TEST_CASE("a child of a cancelled parent is born cancelled") {
    const CancelSource parent;
    parent.cancel("over");
    CHECK(CancelSource(parent.token()).token().error().message() == "over");
  }

  TEST_CASE("a child inherits the deadline of the token it is made from") {
    const CancelSource child(CancelToken().with_deadline(past()));
    CHECK(child.token().error().code() == Errc::unavailable);
  }

  TEST_CASE("a child may vanish before its parent is cancelled") {
    const CancelSource parent;
    {
      const CancelSource child(parent.token());
    }
    CHECK(parent.cancel("stop"));
  }

  TEST_CASE("a callback may drop the last reference to the child that is being cancelled") {
    const CancelSource parent;
    auto child = std::make_unique<CancelSource>(parent.token());
    bool ran = false;
    auto on_cancel = [&] {
      child.reset();
      ran = true;
    };
    std::optional<CancelCallback<decltype(on_cancel)>> callback;
    callback.emplace(child->token(), on_cancel);
    parent.cancel("stop");
    CHECK(ran);
    CHECK(child == nullptr);
  }
}

TEST_SUITE("cancel callback") {
  TEST_CASE("it runs once, and at once if the token is already cancelled") {
    const CancelSource source;
    int runs = 0;
    const CancelCallback before(source.token(), [&] { ++runs; });
    CHECK(runs == 0);
    source.cancel("stop");
    source.cancel("stop");
    CHECK(runs == 1);
    const CancelCallback after(source.token(), [&] { ++runs; });
    CHECK(runs == 2);
  }

  TEST_CASE("it does not run after it is destroyed, whatever the order of destruction") {
    const CancelSource source;
    int runs = 0;
    auto count = [&] { ++runs; };
    using Callback = CancelCallback<decltype(count)>;
    std::array<std::unique_ptr<Callback>, 5> callbacks;
    for (auto& callback : callbacks) callback = std::make_unique<Callback>(source.token(), count);
    callbacks[0].reset();
    callbacks[4].reset();
    callbacks[2].reset();
    source.cancel("stop");
    CHECK(runs == 2);
  }

  TEST_CASE("it may destroy itself, others and the source while it runs") {
    auto source = std::make_unique<CancelSource>();
    int runs = 0;
    struct Any {
      virtual ~Any() = default;
    };
    std::vector<std::unique_ptr<Any>> all;
    auto clear = [&] {
      ++runs;
      source.reset();
      all.clear();
    };
    struct Owned final : Any {
      Owned(const CancelToken& token, decltype(clear) f) : callback(token, f) {}
      CancelCallback<decltype(clear)> callback;
    };
    for (int i = 0; i < 3; ++i) all.push_back(std::make_unique<Owned>(source->token(), clear));
    source->cancel("stop");
    CHECK(runs == 1);
  }

  TEST_CASE("it may cancel again and register more") {
    const CancelSource source;
    int inner = 0;
    const CancelCallback outer(source.token(), [&] {
      CHECK_FALSE(source.cancel("again"));
      const CancelCallback nested(source.token(), [&] { ++inner; });
    });
    source.cancel("stop");
    CHECK(inner == 1);
  }

  TEST_CASE("its destructor waits for a run in another thread") {
    const Watchdog dog("destructor waits");
    const CancelSource source;
    std::latch started(1), release(1);
    std::atomic<bool> finished = false, destroyed = false;
    std::jthread canceller;
    {
      const CancelCallback callback(source.token(), [&] {
        started.count_down();
        release.wait();
        CHECK_FALSE(destroyed);
        finished = true;
      });
      canceller = std::jthread([&] { source.cancel("stop"); });
      started.wait();
      // Already cancelled for everyone, although the callback still runs.
      CHECK(source.token().cancelled());
      std::jthread releaser([&] { release.count_down(); });
    }
    destroyed = true;
    CHECK(finished);
  }

  TEST_CASE("registering, destroying and cancelling at the same time runs each at most once") {
    const Watchdog dog("registration race");
    const unsigned seed = std::random_device{}();
    CAPTURE(seed);
    std::minstd_rand random(seed);
    for (int round = 0; round < 300; ++round) {
      auto source = std::make_unique<CancelSource>();
      const CancelToken token = source->token();
      std::latch go(4);
      std::atomic<int> wrong = 0;
      std::vector<std::jthread> threads;
      for (int t = 0; t < 3; ++t) {
        threads.emplace_back([&, spin = random() % 50] {
          go.arrive_and_wait();
          for (unsigned i = 0; i < 20 + spin; ++i) {
            std::atomic<int> runs = 0;
            const CancelSource child(token);
            {
              const CancelCallback callback(child.token(), [&] { ++runs; });
              if (i % 7 == 0) std::this_thread::yield();
            }
            const int seen = runs;
            if (seen > 1) ++wrong;
            if (runs != seen) ++wrong;
            // Who registers after the cancel is told at once.
            if (token.cancelled() && CancelSource(token).token().check()) ++wrong;
          }
        });
      }
      go.arrive_and_wait();
      for (auto i = random() % 100; i > 0; --i) std::this_thread::yield();
      source->cancel("stop");
      source.reset();
      threads.clear();
      CHECK(wrong == 0);
    }
  }
}

TEST_SUITE("poll_or_cancel") {
  TEST_CASE("events, timeout, cancel and deadline are told apart") {
    const Watchdog dog("poll");
    const CancelSource quiet, source;
    const int never = quiet.token().fd().value();  // not readable until `quiet` is cancelled
    CHECK(poll_or_cancel(never, POLLIN, source.token(), std::chrono::nanoseconds(0)).value() == 0);
    CHECK(poll_or_cancel(never, POLLIN, source.token(), std::chrono::milliseconds(1)).value() == 0);
    const CancelToken short_lived = source.token().with_timeout(std::chrono::milliseconds(1));
    CHECK(poll_or_cancel(never, POLLIN, short_lived).error().code() == Errc::unavailable);
    quiet.cancel("now readable");
    CHECK(poll_or_cancel(never, POLLIN, source.token()).value() == POLLIN);
    source.cancel("stop");
    CHECK(poll_or_cancel(never, POLLIN, source.token()).error().code() == Errc::cancelled);
  }

  TEST_CASE("without a descriptor it is a sleep that a cancel ends") {
    const Watchdog dog("sleep");
    const CancelSource source;
    std::jthread canceller([&] { source.cancel("stop"); });
    CHECK(poll_or_cancel(-1, 0, source.token()).error().code() == Errc::cancelled);
    CHECK(poll_or_cancel(-1, 0, {}, std::chrono::milliseconds(1)).value() == 0);
  }
}

}  // namespace plakar::flow
