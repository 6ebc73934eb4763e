#include "core/base/process.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include "tests/support/temp_dir.h"

namespace plakar {
namespace {

Command shell(std::string script) {
  return {.program = "/bin/sh", .arguments = {"-c", std::move(script)}};
}

Result<RunResult> run_shell(std::string script, std::string_view input = {},
                            const RunLimits& limits = {}) {
  return run(system_processes(), shell(std::move(script)), as_bytes(input), limits);
}

std::string text_of(Result<RunResult> result) {
  REQUIRE(result);
  return to_text(result->output);
}

}  // namespace

TEST_SUITE("process") {
  TEST_CASE("both streams and the exit code come back") {
    const auto got = run_shell("echo out; echo err >&2; exit 3");
    REQUIRE(got);
    CHECK(as_text(got->output) == "out\n");
    CHECK(as_text(got->errors) == "err\n");
    CHECK(got->status == ExitStatus{.code = 3});
    CHECK(got->status.describe() == "exit code 3");
    CHECK_FALSE(got->status.success());
  }

  TEST_CASE("a death by signal is not an exit code") {
    const auto got = run_shell("kill -TERM $$");
    REQUIRE(got);
    CHECK(got->status == ExitStatus{.signal = SIGTERM});
    CHECK(got->status.describe() == "killed by signal 15 (Terminated)");
  }

  TEST_CASE("more than a pipe holds goes through, both ways at once") {
    std::string input(3'000'000, 'x');
    CHECK(text_of(run(system_processes(), {.program = "/bin/cat"}, as_bytes(input),
                      {.output_bytes_max = input.size()})) == input);
  }

  TEST_CASE("a program that does not read its input is not an error, nor a signal to us") {
    CHECK(text_of(run_shell("exec <&-; echo done", std::string(1'000'000, 'x'))) == "done\n");
  }

  TEST_CASE("arguments and environment arrive as they are, and nothing else does") {
    Command command{.program = "/usr/bin/env"};
    command.environment = {"A=b c", "Z="};
    CHECK(text_of(run(system_processes(), command)) == "A=b c\nZ=\n");
    Command printf{.program = "/usr/bin/printf", .arguments = {"[%s]", "a b", "", "$HOME;'"}};
    CHECK(text_of(run(system_processes(), printf)) == "[a b][][$HOME;']");
  }

  TEST_CASE("the working directory is the one that is asked for") {
    const testing::TempDir dir;
    Command command = shell("pwd -P");
    command.directory = std::filesystem::canonical(dir.path()).string();
    CHECK(text_of(run(system_processes(), command)) == command.directory + "\n");
  }

  TEST_CASE("a name without a slash is searched along the child's PATH only") {
    Command command{.program = "sh", .arguments = {"-c", "echo found"}};
    CHECK(text_of(run(system_processes(), command)) == "found\n");
    command.environment = {"PATH=/nonexistent:.:"};
    CHECK(run(system_processes(), command).error().code() == Errc::not_found);
  }

  TEST_CASE("a program that cannot be started is an error of start()") {
    const testing::TempDir dir;
    CHECK(run(system_processes(), {.program = dir / "no"}).error().code() == Errc::not_found);
    CHECK(run(system_processes(), {.program = dir.path().string()}).error().code() ==
          Errc::permission_denied);
    CHECK(run(system_processes(), {.program = ""}).error().code() == Errc::invalid_argument);
    Command command = shell("true");
    command.directory = dir / "no";
    CHECK(run(system_processes(), command).error().code() == Errc::not_found);
    CHECK(run_shell(std::string("a\0b", 3)).error().code() == Errc::invalid_argument);
  }

  TEST_CASE("a child has no descriptor of ours, close-on-exec or not") {
    const Fd leaky(::open("/dev/null", O_RDONLY));
    const Fd high(::fcntl(leaky.get(), F_DUPFD, 100));
    REQUIRE(high);
    // ls itself has the directory open.
    CHECK(text_of(run_shell("ls /proc/self/fd | sort -n | tr '\\n' ' '")) == "0 1 2 3 ");
  }

  TEST_CASE("what does not end by the deadline is killed") {
    const auto begin = system_clock().monotonic();
    const RunLimits limits{.deadline = begin + std::chrono::milliseconds(50)};
    CHECK(run_shell("exec sleep 60", {}, limits).error().code() == Errc::unavailable);
    CHECK(run_shell("exec >&- 2>&-; exec sleep 60", {}, limits).error().code() ==
          Errc::unavailable);
    CHECK(system_clock().monotonic() - begin < std::chrono::seconds(30));
  }

  TEST_CASE("too much output is an error, not memory") {
    const auto got = run_shell("exec cat /dev/zero", {}, {.output_bytes_max = 100'000});
    CHECK(got.error().code() == Errc::out_of_space);
    CHECK(text_of(run_shell("printf 12345", {}, {.output_bytes_max = 5})) == "12345");
  }

  TEST_CASE("a Process that goes takes the child with it") {
    pid_t id = 0;
    {
      const auto child = system_processes().start({.program = "/bin/sleep", .arguments = {"60"}});
      REQUIRE(child);
      id = (*child)->id();
      CHECK_FALSE((*child)->poll().value());
    }
    CHECK(::kill(id, 0) == -1);
    CHECK(errno == ESRCH);
  }

  TEST_CASE("a group dies with its leader, and waiting can be repeated") {
    Command command = shell("sleep 60 & echo $!; wait");
    command.output = {.kind = Stream::pipe};
    command.own_group = true;
    const auto started = system_processes().start(command);
    REQUIRE(started);
    Process& child = **started;
    char line[32] = {};
    REQUIRE(::read(child.output.get(), line, sizeof line - 1) > 0);
    REQUIRE(child.kill(SIGKILL));
    CHECK(child.wait().value() == ExitStatus{.signal = SIGKILL});
    CHECK(child.wait().value() == ExitStatus{.signal = SIGKILL});
    CHECK(*child.poll().value() == ExitStatus{.signal = SIGKILL});
    CHECK(child.kill(SIGKILL));
    // The grandchild held the pipe open: its end shows that it is gone.
    CHECK(::read(child.output.get(), line, sizeof line) == 0);
  }

  TEST_CASE("a descriptor of the caller's can be a stream, and stays the caller's") {
    const testing::TempDir dir;
    const Fd file(::open((dir / "out").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    Command command = shell("echo hello");
    command.output = {.kind = Stream::descriptor, .descriptor = file.get()};
    const auto child = system_processes().start(command);
    REQUIRE(child);
    CHECK((*child)->wait().value().success());
    char text[16] = {};
    CHECK(::pread(file.get(), text, sizeof text, 0) == 6);
  }

  TEST_CASE("the child does not inherit blocked or ignored signals") {
    const auto before = ::signal(SIGPIPE, SIG_IGN);
    const std::string out =
        text_of(run_shell("awk '/SigBlk|SigIgn/ { print substr($2, 9) }' /proc/self/status"));
    ::signal(SIGPIPE, before);
    // Above the 32 standard signals are two that the C library keeps for itself.
    CHECK((out == "00000000\n00000000\n" || out == "00000000\n80000000\n"));
  }
}

}  // namespace plakar
