#include "sdk/kit/process/child.h"

#include <doctest/doctest.h>

#include <functional>

#include "sdk/kit/process/testing/spawning_host.h"

namespace plk::kit {
namespace {

using testing::spawning_host;

child_settings shell(const std::string& script, bool has_input = false) {
  return {.arguments = {"/bin/sh", "-c", script},
          .environment = {"PATH=/usr/bin:/bin"},
          .has_input = has_input};
}

std::string output_of(child& child, const call& call) {
  std::string text;
  std::array<char, 1000> piece;
  while (const std::size_t got = child.read(buffer(piece.data(), piece.size()), patience(call))) {
    text.append(piece.data(), got);
  }
  return text;
}

plk_status status_of(const std::function<void()>& act, const std::string& words = "") {
  try {
    act();
  } catch (const failure& error) {
    CAPTURE(error.what());
    CHECK(std::string(error.what()).find(words) != std::string::npos);
    return error.status();
  }
  return PLK_OK;
}

}  // namespace

TEST_SUITE("child") {
  TEST_CASE("what it puts out is read, and how it ended") {
    const spawning_host host;
    child sound(host.context(), host.call(), shell("echo one; echo two; echo aside >&2"));
    CHECK(output_of(sound, host.call()) == "one\ntwo\n");
    sound.finish(host.call());
    CHECK(sound.messages() == "aside\n");

    child failing(host.context(), host.call(),
                  shell("echo half; echo first >&2; echo why >&2; exit 3"));
    CHECK(output_of(failing, host.call()) == "half\n");
    CHECK(status_of([&] { failing.finish(host.call()); }, "/bin/sh ended with code 3: why") ==
          PLK_E_IO);

    child killed(host.context(), host.call(), shell("kill -9 $$"));
    CHECK(status_of([&] { killed.finish(host.call()); }, "was ended by signal 9") == PLK_E_IO);
  }

  TEST_CASE("more than fits any pipe goes through in all directions at once") {
    const spawning_host host;
    child echo(
        host.context(), host.call(),
        shell("i=0; while [ $i -lt 20000 ]; do echo message >&2; i=$((i+1)); done; cat", true));
    const std::string text(3'000'000, 'x');
    echo.write(octets(text), patience(host.call()));
    echo.end_input();
    CHECK(output_of(echo, host.call()) == text);
    echo.finish(host.call());
    CHECK(echo.messages().size() <= 33 * 1024);
    CHECK(echo.messages().ends_with("message\n"));
  }

  TEST_CASE("a program that takes no input says why") {
    const spawning_host host;
    child refusing(host.context(), host.call(), shell("echo no such database >&2; exit 1", true));
    const std::string text(3'000'000, 'x');
    CHECK(status_of([&] { refusing.write(octets(text), patience(host.call())); },
                    "takes no more input") == PLK_E_IO);
    CHECK(status_of([&] { refusing.finish(host.call()); }, "no such database") == PLK_E_IO);
  }

  TEST_CASE("a cancel ends every wait, and what is left is killed") {
    const spawning_host host;
    host.cancel();
    // A grandchild holds the pipes open.
    child sleeping(host.context(), host.call(), shell("sleep 1000 & sleep 1000", true));
    std::uint8_t byte;
    CHECK(status_of([&] { sleeping.read(buffer(&byte, 1), patience(host.call())); }) ==
          PLK_E_CANCELLED);
    const std::string text(3'000'000, 'x');
    CHECK(status_of([&] { sleeping.write(octets(text), patience(host.call())); }) ==
          PLK_E_CANCELLED);
    CHECK(status_of([&] { sleeping.finish(host.call()); }) == PLK_E_CANCELLED);
  }

  TEST_CASE("it sees the environment that it is given, and nothing else") {
    const spawning_host host;
    child printing(host.context(), host.call(),
                   {.arguments = {"/usr/bin/env"}, .environment = {"A=1", "B=two words"}});
    CHECK(output_of(printing, host.call()) == "A=1\nB=two words\n");
    printing.finish(host.call());
    CHECK(status_of([&] {
            child none(host.context(), host.call(), {.arguments = {"/no/such/program"}});
          }) == PLK_E_NOT_FOUND);
    CHECK(status_of([&] { child none(host.context(), host.call(), {.arguments = {}}); }) ==
          PLK_E_INVALID_ARG);
  }
}

}  // namespace plk::kit
