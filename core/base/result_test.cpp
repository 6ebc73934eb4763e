#include "core/base/result.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

namespace plakar {
namespace {

Result<int> halve(int value) {
  if (value % 2 != 0) return Error(Errc::invalid_argument, std::to_string(value) + " is odd");
  return value / 2;
}

Status check_even(int value) {
  PLK_TRY(halve(value));
  return {};
}

Result<int> quarter(int value) {
  const int half = PLK_TRY_CONTEXT(halve(value), "first half");
  return PLK_TRY_CONTEXT(halve(half), "second half");
}

Result<std::unique_ptr<int>> make(int value) { return std::make_unique<int>(value); }

Result<int> taken(int value) {
  const std::unique_ptr<int> owned = PLK_TRY(make(value));
  return *owned;
}

}  // namespace

TEST_SUITE("result") {
  TEST_CASE("a value goes on, an error returns at once") {
    CHECK(halve(4).value() == 2);
    CHECK(halve(3).error().code() == Errc::invalid_argument);
    CHECK(check_even(2));
    CHECK(check_even(1).error().message() == "1 is odd");
    CHECK(taken(7).value() == 7);
  }

  TEST_CASE("context reads from the outside in, and keeps the code") {
    CHECK(quarter(12).value() == 3);
    CHECK(quarter(3).error().message() == "first half: 3 is odd");
    const Error error = quarter(6).error();
    CHECK(error.message() == "second half: 3 is odd");
    const Error outer = Error(error).context("restore /etc/hosts");
    CHECK(outer.message() == "restore /etc/hosts: second half: 3 is odd");
    CHECK(outer.code() == Errc::invalid_argument);
  }

  TEST_CASE("one attempt may stand inside another, and in a function inside of it") {
    const auto work = [](int value) -> Result<int> {
      return PLK_TRY(halve(
          PLK_TRY_CONTEXT([&]() -> Result<int> { return PLK_TRY(halve(value)); }(), "inside")));
    };
    CHECK(work(8).value() == 2);
    CHECK(work(6).error().message() == "3 is odd");
    CHECK(work(3).error().message() == "inside: 3 is odd");
  }

  TEST_CASE("context is made only when it is needed") {
    int made = 0;
    const auto describe = [&] {
      ++made;
      return std::string("doing");
    };
    const auto work = [&](int value) -> Result<int> {
      return PLK_TRY_CONTEXT(halve(value), describe());
    };
    CHECK(work(2));
    CHECK(made == 0);
    CHECK_FALSE(work(1));
    CHECK(made == 1);
  }
}

}  // namespace plakar
