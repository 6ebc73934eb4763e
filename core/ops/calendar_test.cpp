#include "core/ops/calendar.h"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <string_view>

#include "core/base/text.h"

namespace plakar::ops {
namespace {

UnixTime at(std::string_view text) { return parse_rfc3339(text).value(); }

std::string key(Period period, std::string_view time) {
  const auto bucket = bucket_of(period, at(time));
  return bucket ? to_string(*bucket) : "none";
}

std::string last_key(Period period, std::string_view time) {
  return to_string(last_bucket(period, at(time)));
}

}  // namespace

TEST_SUITE("calendar") {
  TEST_CASE("each period has its own key") {
    constexpr std::string_view time = "2026-01-14T06:45:32.5Z";  // a Wednesday
    CHECK(key(Period::minute, time) == "2026-01-14-06:45");
    CHECK(key(Period::hour, time) == "2026-01-14-06");
    CHECK(key(Period::day, time) == "2026-01-14");
    CHECK(key(Period::wednesday, time) == "2026-W03-wednesday");
    CHECK(key(Period::tuesday, time) == "none");
    CHECK(key(Period::week, time) == "2026-W03");
    CHECK(key(Period::month, time) == "2026-01");
    CHECK(key(Period::year, time) == "2026");
  }

  TEST_CASE("a week is of the year that its Thursday is in") {
    CHECK(key(Period::week, "2025-12-31T23:59:59Z") == "2026-W01");
    CHECK(key(Period::week, "2026-01-01T00:00:00Z") == "2026-W01");
    CHECK(key(Period::week, "2025-12-28T23:59:59Z") == "2025-W52");
    CHECK(key(Period::week, "2021-01-03T00:00:00Z") == "2020-W53");
    CHECK(key(Period::week, "2021-01-04T00:00:00Z") == "2021-W01");
    CHECK(key(Period::week, "2024-12-30T00:00:00Z") == "2025-W01");
    CHECK(key(Period::week, "1970-01-01T00:00:00Z") == "1970-W01");
    CHECK(key(Period::sunday, "2021-01-03T00:00:00Z") == "2020-W53-sunday");
    CHECK(key(Period::monday, "2026-11-23T00:00:00Z") == "2026-W48-monday");
  }

  TEST_CASE("the last weekday is today or before") {
    CHECK(last_key(Period::tuesday, "2026-11-24T12:00:00Z") == "2026-W48-tuesday");
    CHECK(last_key(Period::monday, "2026-11-24T12:00:00Z") == "2026-W48-monday");
    CHECK(last_key(Period::wednesday, "2026-11-24T12:00:00Z") == "2026-W47-wednesday");
    CHECK(last_key(Period::sunday, "2026-11-29T00:00:00Z") == "2026-W48-sunday");
    CHECK(last_key(Period::day, "2026-11-24T12:00:00Z") == "2026-11-24");
  }

  TEST_CASE("keys agree with the calendar of the standard library") {
    const std::uint32_t seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    // The years 0 to 9999.
    std::uniform_int_distribution<std::int64_t> seconds(-62'167'219'200, 253'402'300'799);
    for (int i = 0; i < 20'000; ++i) {
      const UnixTime time{seconds(random), 0};
      const std::string text = format_rfc3339(time);
      CAPTURE(text);
      REQUIRE(to_string(*bucket_of(Period::day, time)) == text.substr(0, 10));
      REQUIRE(to_string(*bucket_of(Period::month, time)) == text.substr(0, 7));
      REQUIRE(to_string(*bucket_of(Period::year, time)) == text.substr(0, 4));
      REQUIRE(to_string(*bucket_of(Period::minute, time)) ==
              text.substr(0, 10) + "-" + text.substr(11, 5));
      const std::chrono::sys_days day{std::chrono::floor<std::chrono::days>(
          std::chrono::sys_seconds{std::chrono::seconds(time.seconds)})};
      const std::chrono::weekday weekday{day};
      for (unsigned d = 1; d <= 7; ++d) {
        const auto period = static_cast<Period>(static_cast<unsigned>(Period::monday) + d - 1);
        REQUIRE(bucket_of(period, time).has_value() == (weekday.iso_encoding() == d));
      }
    }
  }

  TEST_CASE("consecutive periods have consecutive numbers") {
    UnixTime time = at("2019-12-30T00:00:00Z");
    std::int64_t week = bucket_of(Period::week, time)->number;
    for (int i = 0; i < 3'000; ++i) {
      time.seconds += 7 * 86'400;
      REQUIRE(bucket_of(Period::week, time)->number == ++week);
    }
    CHECK(bucket_of(Period::month, at("2026-01-01T00:00:00Z"))->number ==
          bucket_of(Period::month, at("2025-12-31T00:00:00Z"))->number + 1);
  }

  TEST_CASE("times that no calendar has a year for have keys") {
    for (const std::int64_t seconds :
         {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
      for (const Period period : periods) {
        CHECK_FALSE(to_string(last_bucket(period, {seconds, 0})).empty());
      }
    }
    CHECK(to_string(*bucket_of(Period::day, UnixTime())) == "0001-01-01");
  }
}

}  // namespace plakar::ops
