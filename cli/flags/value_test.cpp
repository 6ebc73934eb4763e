#include "cli/flags/value.h"

#include <doctest/doctest.h>

namespace plakar::cli {

using namespace std::chrono_literals;

TEST_SUITE("option values") {
  TEST_CASE("booleans are the twelve Go literals and nothing else") {
    for (const char* yes : {"1", "t", "T", "true", "TRUE", "True"}) CHECK(*parse_bool(yes));
    for (const char* no : {"0", "f", "F", "false", "FALSE", "False"}) CHECK_FALSE(*parse_bool(no));
    for (const char* other : {"", "yes", "tRUE", "2", " 1"}) CHECK_FALSE(parse_bool(other));
  }

  TEST_CASE("integers take base prefixes, signs and well-placed underscores") {
    CHECK(*parse_int("42") == 42);
    CHECK(*parse_int("-0x1F") == -31);
    CHECK(*parse_int("+0b101") == 5);
    CHECK(*parse_int("0o17") == 15);
    CHECK(*parse_int("017") == 15);
    CHECK(*parse_int("0") == 0);
    CHECK(*parse_int("1_000_000") == 1000000);
    CHECK(*parse_int("0x_ff") == 255);
    CHECK(*parse_int("0_7") == 7);
    CHECK(*parse_int("-9223372036854775808") == std::numeric_limits<std::int64_t>::min());
    CHECK(*parse_int("9223372036854775807") == std::numeric_limits<std::int64_t>::max());
  }

  TEST_CASE("sizes are bytes, or powers of 1024") {
    CHECK(*parse_size("0") == 0);
    CHECK(*parse_size("1000000") == 1'000'000);
    CHECK(*parse_size("3K") == 3072);
    CHECK(*parse_size("48M") == std::uint64_t{48} << 20);
    CHECK(*parse_size("48MiB") == std::uint64_t{48} << 20);
    CHECK(*parse_size("2GiB") == std::uint64_t{2} << 30);
    CHECK(*parse_size("1T") == std::uint64_t{1} << 40);
    CHECK(*parse_size("8388607T") == std::uint64_t{8388607} << 40);
    for (const char* bad :
         {"", "K", "iB", "5iB", "-1", "1.5G", "48m", "48MB", " 1", "1 M", "0x10"}) {
      CAPTURE(bad);
      REQUIRE_FALSE(parse_size(bad));
      CHECK(parse_size(bad).error().message() == "parse error");
    }
    for (const char* large : {"8388608T", "9223372036854775808", "99999999999999999999M"}) {
      CAPTURE(large);
      REQUIRE_FALSE(parse_size(large));
      CHECK(parse_size(large).error().message() == "value out of range");
    }
  }

  TEST_CASE("other integers say whether they are malformed or too large") {
    for (const char* bad :
         {"", "-", "abc", "1.5", "0x", "08", "_1", "1_", "1__0", " 1", "1 ", "--1"}) {
      CAPTURE(bad);
      REQUIRE_FALSE(parse_int(bad));
      CHECK(parse_int(bad).error().message() == "parse error");
    }
    for (const char* large :
         {"9223372036854775808", "-9223372036854775809", "99999999999999999999999999"}) {
      CAPTURE(large);
      REQUIRE_FALSE(parse_int(large));
      CHECK(parse_int(large).error().message() == "value out of range");
    }
    CHECK(parse_int("99999999999999999999999999x").error().message() == "parse error");
  }

  TEST_CASE("durations are sums of numbers with units") {
    CHECK(*parse_duration("0") == 0ns);
    CHECK(*parse_duration("5s") == 5s);
    CHECK(*parse_duration("1m30s") == 90s);
    CHECK(*parse_duration("1.5h") == 90min);
    CHECK(*parse_duration("-2ms") == -2ms);
    CHECK(*parse_duration(".5s") == 500ms);
    CHECK(*parse_duration("1.s") == 1s);
    CHECK(*parse_duration("100\u00b5s") == 100us);
    CHECK(*parse_duration("1h1m1s1ms1us1ns") == 3661001001001ns);
    for (const char* bad : {"", "-", "5", "s", "1x", "1mh", "1h-5m", ".s", "5 s"}) {
      CAPTURE(bad);
      CHECK_FALSE(parse_duration(bad));
    }
    CHECK_FALSE(parse_duration("9999999h"));
    CHECK_FALSE(parse_duration("99999999999999999999s"));
  }

  TEST_CASE("quoting shows what a terminal would act on") {
    CHECK(quote("abc") == "\"abc\"");
    CHECK(quote("a\"b\\c\n\x1b") == "\"a\\\"b\\\\c\\n\\x1b\"");
  }
}

}  // namespace plakar::cli
