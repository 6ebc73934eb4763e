#include "core/base/testing/fake_processes.h"

#include <doctest/doctest.h>
#include <signal.h>

namespace plakar::testing {

TEST_SUITE("fake processes") {
  TEST_CASE("run() gets what the test says, and the test gets how it was called") {
    FakeProcesses processes;
    const std::string large(300'000, 'y');
    processes.expect("ssh", {.output = to_bytes(large), .errors = to_bytes("warning")});
    processes.expect("pg_dump", {.status = {.code = 1}});
    const auto first = run(processes, {.program = "ssh", .arguments = {"-s", "host"}},
                           as_bytes(std::string(200'000, 'x')));
    REQUIRE(first);
    CHECK(as_text(first->output) == large);
    CHECK(as_text(first->errors) == "warning");
    CHECK(processes.outstanding() == 1);
    CHECK(run(processes, {.program = "pg_dump"}).value().status.code == 1);
    const auto started = processes.started();
    REQUIRE(started.size() == 2);
    CHECK(started[0].command.arguments == std::vector<std::string>{"-s", "host"});
    CHECK(as_text(started[0].input) == std::string(200'000, 'x'));
    CHECK(started[1].input.empty());
    CHECK(processes.outstanding() == 0);
  }

  TEST_CASE("what is not expected, or refused, does not start") {
    FakeProcesses processes;
    processes.expect("a", {.refusal = Error(Errc::not_found, "no a")});
    CHECK(run(processes, {.program = "a"}).error().code() == Errc::not_found);
    CHECK(run(processes, {.program = "a"}).error().code() == Errc::internal);
    processes.expect("a", {});
    CHECK(run(processes, {.program = "b"}).error().code() == Errc::internal);
    CHECK(processes.started().size() == 3);
  }

  TEST_CASE("signals are recorded") {
    FakeProcesses processes;
    processes.expect("a", {.status = {.signal = SIGTERM}});
    const auto process = processes.start({.program = "a"});
    REQUIRE(process);
    CHECK((*process)->kill(SIGTERM));
    CHECK((*process)->wait().value().signal == SIGTERM);
    CHECK(processes.started()[0].signals == std::vector<int>{SIGTERM});
  }
}

}  // namespace plakar::testing
