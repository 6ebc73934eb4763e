#include "core/base/text.h"

#include <doctest/doctest.h>

#include <chrono>
#include <map>

#include "core/base/testing/seeded_random.h"

namespace plakar {

using namespace std::chrono_literals;

TEST_SUITE("text") {
  TEST_CASE("UTF-8 has one form for each character and none for surrogates") {
    for (const char* good : {"", "a", "ü", "€", "\U0001F600", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"}) {
      CAPTURE(good);
      CHECK(is_utf8(good));
    }
    for (const char* bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xc3", "\xe0\x9f\xbf", "\xed\xa0\x80",
                            "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff",
                            "\xe2\x82", "a\xe2\x82z"}) {
      CHECK_FALSE(is_utf8(bad));
    }
  }

  TEST_CASE("names cannot move the cursor, end the line or turn the writing around") {
    CHECK(escape("plain ü \U0001F600 name") == "plain ü \U0001F600 name");
    CHECK(escape("a\nb\tc\rd\\e") == "a\\nb\\tc\\rd\\\\e");
    CHECK(escape("\x1b[31m\x7f") == "\\x1b[31m\\x7f");
    CHECK(escape("\xff\xfe") == "\\xff\\xfe");
    CHECK(escape("\xc2\x9b") == "\\xc2\\x9b");                     // C1: also starts sequences.
    CHECK(escape("a\u202etxt.exe") == "a\\xe2\\x80\\xaetxt.exe");  // Right-to-left override.
    CHECK(escape("a\u2028b") == "a\\xe2\\x80\\xa8b");              // Line separator.
    CHECK(escape(std::string("a\0b", 3)) == "a\\x00b");
    CHECK(escape("\xe2\x82") == "\\xe2\\x82");  // Cut off.
  }

  TEST_CASE("two different names never print the same, and all print as one line of UTF-8") {
    const std::uint64_t seed = testing::test_seed();
    CAPTURE(seed);
    testing::SeededRandom random(seed);
    const std::string_view alphabet("\\nxt0f\n\xff\xc3\xbc\x01", 11);
    std::map<std::string, std::string> seen;
    for (int i = 0; i < 20'000; ++i) {
      std::string name;
      for (std::uint64_t length = random.below(6); length > 0; --length) {
        name += alphabet[random.below(alphabet.size())];
      }
      const std::string printed = escape(name);
      REQUIRE(is_utf8(printed));
      REQUIRE(printed.find('\n') == std::string::npos);
      const auto [known, is_new] = seen.emplace(printed, name);
      REQUIRE(known->second == name);
    }
  }

  TEST_CASE("JSON strings are escaped for parsers and terminals alike") {
    CHECK(escape_json("a\"b\\c\nd") == "a\\\"b\\\\c\\nd");
    CHECK(escape_json(std::string("\0\x1f\x7f", 3)) == "\\u0000\\u001f\\u007f");
    CHECK(escape_json("ü\u202e\u2028") == "ü\\u202e\\u2028");
    CHECK(escape_json("\xff\n") == "\\\\xff\\\\n");
  }

  TEST_CASE("sizes are those of the reference") {
    const std::pair<std::uint64_t, const char*> expected[] = {
        {0, "0 B"},
        {9, "9 B"},
        {10, "10 B"},
        {496, "496 B"},
        {1023, "1023 B"},
        {1024, "1.0 KiB"},
        {6554, "6.4 KiB"},
        {10188, "9.9 KiB"},
        {10189, "10 KiB"},
        {1024 * 1024 - 1, "1024 KiB"},
        {1024 * 1024, "1.0 MiB"},
        {20 * 1024 * 1024, "20 MiB"},
        {1024 * 1024 * 1024, "1.0 GiB"},
        {1ull << 40, "1.0 TiB"},
        {3ull << 49, "1.5 PiB"},
        {~0ull, "16 EiB"},
    };
    for (const auto& [bytes, text] : expected) CHECK(format_size(bytes) == text);
  }

  TEST_CASE("durations are written as Go writes them") {
    const std::pair<std::chrono::nanoseconds, const char*> expected[] = {
        {0s, "0s"},
        {1ns, "1ns"},
        {999ns, "999ns"},
        {1100ns, "1.1µs"},
        {2200us, "2.2ms"},
        {125317267ns, "125.317267ms"},
        {1200ms, "1.2s"},
        {3300ms, "3.3s"},
        {5min + 5s, "5m5s"},
        {5min + 5001ms, "5m5.001s"},
        {5h + 6min + 7001ms, "5h6m7.001s"},
        {1h + 10min + 2s, "1h10m2s"},
        {1h, "1h0m0s"},
        {8min + 1ns, "8m0.000000001s"},
        {-1500ms, "-1.5s"},
        {std::chrono::nanoseconds::max(), "2562047h47m16.854775807s"},
        {std::chrono::nanoseconds::min(), "-2562047h47m16.854775808s"},
    };
    for (const auto& [duration, text] : expected) CHECK(format_duration(duration) == text);
  }

  TEST_CASE("times are written in UTC, with as many digits as asked for") {
    CHECK(format_rfc3339({1'768'373'132, 123'456'789}) == "2026-01-14T06:45:32Z");
    CHECK(format_rfc3339({1'768'373'132, 123'456'789}, TimePrecision::nanoseconds) ==
          "2026-01-14T06:45:32.123456789Z");
    CHECK(format_rfc3339({0, 500'000'000}, TimePrecision::nanoseconds) == "1970-01-01T00:00:00.5Z");
    CHECK(format_rfc3339({0, 0}, TimePrecision::nanoseconds) == "1970-01-01T00:00:00Z");
    CHECK(format_rfc3339({-1, 0}) == "1969-12-31T23:59:59Z");
    CHECK(format_rfc3339({-62'135'596'800, 0}) == "0001-01-01T00:00:00Z");
    CHECK(format_rfc3339({253'402'300'799, 0}) == "9999-12-31T23:59:59Z");
    CHECK(format_rfc3339({253'402'300'800, 0}) == "@253402300800");
    CHECK(format_rfc3339({INT64_MIN, 0}) == "@-9223372036854775808");
  }

  TEST_CASE("times are read with any offset, and only when the calendar has them") {
    const UnixTime expected{1'768'373'132, 0};
    CHECK(parse_rfc3339("2026-01-14T06:45:32Z").value() == expected);
    CHECK(parse_rfc3339("2026-01-14T08:45:32+02:00").value() == expected);
    CHECK(parse_rfc3339("2026-01-13T23:15:32-07:30").value() == expected);
    CHECK(parse_rfc3339("2026-01-14T06:45:32.5Z").value().nanoseconds == 500'000'000);
    CHECK(parse_rfc3339("2026-01-14T06:45:32.1234567899Z").value().nanoseconds == 123'456'789);
    CHECK(parse_rfc3339("2024-02-29T00:00:00Z"));
    CHECK(parse_rfc3339("0000-01-01T00:00:00Z").value().seconds == -62'167'219'200);
    for (const char* wrong : {"",
                              "2026-01-14",
                              "2026-01-14T06:45:32",
                              "2026-01-14 06:45:32Z",
                              "2026-01-14t06:45:32Z",
                              "2026-1-14T06:45:32Z",
                              "2026-13-14T06:45:32Z",
                              "2026-00-14T06:45:32Z",
                              "2026-02-29T06:45:32Z",
                              "2026-04-31T06:45:32Z",
                              "2026-01-14T24:00:00Z",
                              "2026-01-14T06:60:32Z",
                              "2026-01-14T06:45:60Z",
                              "2026-01-14T06:45:32.Z",
                              "2026-01-14T06:45:32Zx",
                              "2026-01-14T06:45:32+2:00",
                              "2026-01-14T06:45:32+02:60",
                              "2026-01-14T06:45:32+24:00",
                              " 2026-01-14T06:45:32Z",
                              "-026-01-14T06:45:32Z",
                              "2026-01-14T06:45:+1Z"}) {
      CAPTURE(wrong);
      CHECK(parse_rfc3339(wrong).error().code() == Errc::invalid_argument);
    }
  }

  TEST_CASE("any time survives being written and read") {
    const std::uint64_t seed = testing::test_seed();
    CAPTURE(seed);
    testing::SeededRandom random(seed);
    for (int i = 0; i < 10'000; ++i) {
      const UnixTime time{static_cast<std::int64_t>(random.below(315'569'520'000)) - 62'167'219'200,
                          static_cast<std::uint32_t>(random.below(1'000'000'000))};
      REQUIRE(parse_rfc3339(format_rfc3339(time, TimePrecision::nanoseconds)).value() == time);
    }
  }
}

}  // namespace plakar
