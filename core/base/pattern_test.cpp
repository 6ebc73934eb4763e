#include "core/base/pattern.h"

#include <doctest/doctest.h>

#include <string>

namespace plakar {

TEST_SUITE("pattern") {
  TEST_CASE("any part of the text may match, unless the pattern says where") {
    CHECK(Pattern::compile("b+").value().matches("abba"));
    CHECK_FALSE(Pattern::compile("^b+$").value().matches("abba"));
    CHECK(Pattern::compile("^(s3|https?)://[^/]+").value().matches("https://host/x"));
    CHECK(Pattern::compile("").value().matches(""));
    CHECK(Pattern::compile("^.$").value().matches("ü"));
  }

  TEST_CASE("what is not a pattern, or too large a one, is refused with its reason") {
    for (const char* wrong : {"(", "a**b(", "[z-a]", "(?=a)", "(a)\\1", "((((a{1000}){1000}))"}) {
      CAPTURE(wrong);
      CHECK(Pattern::compile(wrong).error().code() == Errc::invalid_argument);
    }
    CHECK(Pattern::compile("((a{100}){100}){100}").error().code() == Errc::invalid_argument);
    CHECK(Pattern::compile(std::string(Pattern::text_bytes_max + 1, 'a')).error().code() ==
          Errc::invalid_argument);
    CHECK(Pattern::compile("(\n").error().message().find('\n') == std::string::npos);
  }

  TEST_CASE("what makes back-tracking matchers hang takes no time") {
    const Pattern pattern = Pattern::compile("^(a+)+$").value();
    CHECK_FALSE(pattern.matches(std::string(100'000, 'a') + "b"));
  }
}

}  // namespace plakar
