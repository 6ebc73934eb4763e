#include "core/flow/cancel_relay.h"

#include <doctest/doctest.h>
#include <signal.h>

#include <cerrno>

#include "core/flow/poll.h"
#include "core/flow/testing/watchdog.h"

namespace plakar::flow {
namespace {

CancelRelay* for_handler = nullptr;

}  // namespace

TEST_SUITE("cancel relay") {
  TEST_CASE("a request from a signal handler cancels the source") {
    const testing::Watchdog dog("signal");
    const CancelSource source;
    auto relay = CancelRelay::start(source, "interrupted").value();
    for_handler = relay.get();
    struct sigaction action{}, previous{};
    action.sa_handler = [](int) { for_handler->request(); };
    REQUIRE(::sigaction(SIGUSR1, &action, &previous) == 0);
    errno = E2BIG;
    CHECK(::raise(SIGUSR1) == 0);
    CHECK(errno == E2BIG);
    const Result<short> woken = poll_or_cancel(-1, 0, source.token());
    CHECK(woken.error().message() == "interrupted");
    CHECK(::raise(SIGUSR1) == 0);  // a second one is harmless
    CHECK(::sigaction(SIGUSR1, &previous, nullptr) == 0);
  }

  TEST_CASE("a relay that nobody asked ends without cancelling") {
    const testing::Watchdog dog("relay end");
    const CancelSource source;
    {
      const auto relay = CancelRelay::start(source, "interrupted");
    }
    CHECK_FALSE(source.token().cancelled());
  }
}

}  // namespace plakar::flow
