#include "sdk/kit/wait/patience.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <functional>

namespace plk::kit {
namespace {

struct pipe_ends {
  pipe_ends() { REQUIRE(::pipe(ends.data()) == 0); }
  ~pipe_ends() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  void fill() const { REQUIRE(::write(ends[1], "x", 1) == 1); }
  int out() const { return ends[0]; }
  int in() const { return ends[1]; }

  std::array<int, 2> ends{};
};

plk_status status_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const failure& error) {
    return error.status();
  }
  return PLK_OK;
}

}  // namespace

TEST_SUITE("patience") {
  TEST_CASE("what is ready ends the wait") {
    const pipe_ends pipe;
    patience().wait_writable(pipe.in(), "x");
    pipe.fill();
    patience().wait_readable(pipe.out(), "x");
    std::array<pollfd, 3> watched{{{-1, POLLIN, 0}, {pipe.out(), POLLIN, 0}, {-1, POLLIN, 0}}};
    patience().wait_any(watched, "x");
    CHECK(watched[0].revents == 0);
    CHECK(watched[1].revents == POLLIN);
  }

  TEST_CASE("the deadline ends it, and says of what") {
    const pipe_ends pipe;
    const patience brief = patience().at_most(std::chrono::milliseconds(5));
    try {
      brief.wait_readable(pipe.out(), "waiting for nothing");
      FAIL("it came");
    } catch (const failure& error) {
      CHECK(error.status() == PLK_E_TIMEOUT);
      CHECK(std::string(error.what()) == "waiting for nothing took too long");
    }
    CHECK(status_of([&] { brief.check("x"); }) == PLK_E_TIMEOUT);
    CHECK(status_of([&] { patience().check("x"); }) == PLK_OK);
    // The earlier of two.
    const patience longer = brief.at_most(std::chrono::hours(1));
    CHECK(status_of([&] { longer.check("x"); }) == PLK_E_TIMEOUT);
  }

  TEST_CASE("a cancel counts before anything else") {
    const pipe_ends cancel;
    const pipe_ends pipe;
    pipe.fill();
    const patience waits = patience::until_readable(cancel.out());
    CHECK(status_of([&] { waits.wait_readable(pipe.out(), "x"); }) == PLK_OK);
    cancel.fill();
    CHECK(status_of([&] { waits.wait_readable(pipe.out(), "x"); }) == PLK_E_CANCELLED);
    CHECK(status_of([&] { waits.check("x"); }) == PLK_E_CANCELLED);
  }
}

}  // namespace plk::kit
