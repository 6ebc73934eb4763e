#include "core/config/time_expression.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/text.h"

namespace plakar::config {
namespace {

// 2026-01-14T06:45:32.25Z
constexpr UnixTime now{1'768'373'132, 250'000'000};

std::string resolved(std::string_view text) {
  const auto expression = TimeExpression::parse(text);
  if (!expression) return expression.error().message();
  return format_rfc3339(expression->at(now), TimePrecision::nanoseconds);
}

// Seconds before now, or -1 for what is no interval.
double seconds_before(std::string_view text) {
  const auto expression = TimeExpression::parse(text);
  if (!expression || !expression->is_relative()) return -1;
  const UnixTime at = expression->at(now);
  return static_cast<double>(now.seconds - at.seconds) +
         (static_cast<double>(now.nanoseconds) - static_cast<double>(at.nanoseconds)) / 1e9;
}

constexpr double minute = 60;
constexpr double hour = 3600;
constexpr double day = 24 * hour;

}  // namespace

TEST_SUITE("time expression") {
  TEST_CASE("an instant is UTC unless it says otherwise") {
    CHECK(resolved("2026-01-14") == "2026-01-14T00:00:00Z");
    CHECK(resolved("2026/01/14") == "2026-01-14T00:00:00Z");
    CHECK(resolved("2026-01-14 05:06") == "2026-01-14T05:06:00Z");
    CHECK(resolved("2026-01-14 5:06") == "2026-01-14T05:06:00Z");
    CHECK(resolved("2026-01-14 05:06:07") == "2026-01-14T05:06:07Z");
    CHECK(resolved("2026-01-14 05:06:07.25") == "2026-01-14T05:06:07.25Z");
    CHECK(resolved("2026-01-14 05:06:07,25") == "2026-01-14T05:06:07.25Z");
    CHECK(resolved("2026-01-14T05:06:07Z") == "2026-01-14T05:06:07Z");
    CHECK(resolved("2026-01-14T05:06:07.123456789123Z") == "2026-01-14T05:06:07.123456789Z");
    CHECK(resolved("2026-01-14T05:06:07+02:00") == "2026-01-14T03:06:07Z");
    CHECK(resolved("2026-01-14T05:06:07-02:30") == "2026-01-14T07:36:07Z");
    CHECK(resolved("2026-01-14T05:06:07+24:00") == "2026-01-13T05:06:07Z");
    CHECK(resolved("0000-01-01") == "0000-01-01T00:00:00Z");
    CHECK(resolved("9999-12-31") == "9999-12-31T00:00:00Z");
    CHECK(resolved("2024-02-29") == "2024-02-29T00:00:00Z");
    CHECK_FALSE(TimeExpression::parse("2026-01-14").value().is_relative());
  }

  TEST_CASE("a lower-case t and z are RFC 3339 and not an interval into the future") {
    CHECK(resolved("2026-01-14t05:06:07z") == "2026-01-14T05:06:07Z");
    CHECK(resolved("2026-01-14t05:06:07+02:00") == "2026-01-14T03:06:07Z");
  }

  TEST_CASE("dates that no calendar has, and other forms, are refused") {
    for (const std::string_view text : {"2026-13-01",
                                        "2026-02-30",
                                        "2025-02-29",
                                        "2026-00-01",
                                        "2026-01-00",
                                        "20260101",
                                        "2026-1-2",
                                        "2026-01-14 24:00",
                                        "2026-01-14 05:6",
                                        "2026-01-14 05:60",
                                        "10000-01-01",
                                        "2026-01-14 05:06.5",
                                        "2026-01-14 05:06:07.",
                                        "2026-01-14T05:06:07",
                                        "2026/01/14 05:06",
                                        "2026-01-14T24:00:00Z",
                                        "2026-01-14T23:59:60Z",
                                        "2026-01-14T05:06:07+0200",
                                        "2026-01-14 05:06Z",
                                        "2026-01/14",
                                        "2026-01-14T05:06Z",
                                        "2026-01-14T05:06:07+25:00"}) {
      CHECK_MESSAGE(!TimeExpression::parse(text), text);
    }
  }

  TEST_CASE("an interval is counted back from now") {
    CHECK(resolved("30d") == "2025-12-15T06:45:32.25Z");
    CHECK(resolved("0.5s") == "2026-01-14T06:45:31.75Z");
    CHECK(seconds_before("30d") == 30 * day);
    CHECK(seconds_before("3 months") == 90 * day);
    CHECK(seconds_before("1y") == 365 * day);
    CHECK(seconds_before("1 week 2 days") == 9 * day);
    CHECK(seconds_before("5 Days") == 5 * day);
    CHECK(seconds_before("1.5d") == 1.5 * day);
    CHECK(seconds_before(".5 d") == 0.5 * day);
    CHECK(seconds_before("5. d") == 5 * day);
    CHECK(seconds_before("5\td") == 5 * day);
    CHECK(seconds_before("0d") == 0);
    CHECK(TimeExpression::parse("0d").value().is_relative());
  }

  TEST_CASE("an m is months unless hours stand before it") {
    CHECK(seconds_before("30m") == 900 * day);
    CHECK(seconds_before("3 m") == 90 * day);
    CHECK(seconds_before("5 M") == 150 * day);
    CHECK(seconds_before("1h30m") == 1.5 * hour);
    CHECK(seconds_before("5 hours 3 m") == 5 * hour + 3 * minute);
    CHECK(seconds_before("2 hours and 30 m") == 2.5 * hour);
    CHECK(seconds_before("2 hours 5 days 30 m") == 2 * hour + 905 * day);
    CHECK(seconds_before("2 hours 30 min 5 m") == 2.5 * hour + 150 * day);
    CHECK(seconds_before("1 hour 30m 2m") == 1.5 * hour + 60 * day);
    CHECK(seconds_before("h 5 m") == 150 * day);
    CHECK(seconds_before("5mi") == 5 * minute);
    CHECK(seconds_before("5mo") == 150 * day);
  }

  TEST_CASE("the trap of 30m is told, and only where it is one") {
    CHECK(TimeExpression::parse("30m").value().months_written_m());
    CHECK(TimeExpression::parse("1d 30m").value().months_written_m());
    CHECK_FALSE(TimeExpression::parse("1h30m").value().months_written_m());
    CHECK_FALSE(TimeExpression::parse("1m30s").value().months_written_m());
    CHECK_FALSE(TimeExpression::parse("30 months").value().months_written_m());
    CHECK_FALSE(TimeExpression::parse("2026-01-14").value().months_written_m());
  }

  TEST_CASE("compact forms are recognised with blanks anywhere in them") {
    CHECK(seconds_before("1m30s") == 90);
    CHECK(seconds_before("1M30S") == 90);
    CHECK(seconds_before("1m 30 s") == 90);
    CHECK(seconds_before("1 0m5s") == 605);
    CHECK(seconds_before("1 0h5m") == 10 * hour + 5 * minute);
    CHECK(seconds_before("1h30m5s") == 1.5 * hour + 5);
    CHECK(seconds_before("2h99m") == 2 * hour + 99 * minute);
    // None of them: pairs.
    CHECK(seconds_before("1m\t30s") == 30 * day + 30);
    CHECK(seconds_before("1.5m30s") == 45 * day + 30);
    CHECK(seconds_before("1m5s ago") == 30 * day + 5);
    CHECK(seconds_before("1m30") == 30 * day);
    CHECK(seconds_before("2h30s") == 2 * hour + 30);
  }

  TEST_CASE("a number without a unit says nothing") {
    CHECK(seconds_before("2h30") == 2 * hour);
    CHECK(seconds_before("2 0h30") == 0);
    CHECK(seconds_before("5d6") == 5 * day);
    CHECK(seconds_before("1_000 d") == 0);
    CHECK(seconds_before("1,5 d") == 5 * day);
    CHECK(seconds_before("5") == -1);
  }

  TEST_CASE("pairs are found wherever they stand") {
    CHECK(seconds_before("ago 5 days") == 5 * day);
    CHECK(seconds_before("5 days ago") == 5 * day);
    CHECK(seconds_before("-5d") == 5 * day);
    CHECK(seconds_before("5 d, 3 h") == 5 * day + 3 * hour);
    CHECK(seconds_before("5d-3h") == 5 * day + 3 * hour);
    CHECK(seconds_before("x5d") == 5 * day);
    CHECK(seconds_before("5 sec/min") == 5);
    CHECK(seconds_before("5 d\xe6\x97\xa5") == 5 * day);
    CHECK(seconds_before("half an hour 5 d") == 5 * day);
  }

  TEST_CASE("phrases are the whole text") {
    CHECK(seconds_before("half an hour") == hour / 2);
    CHECK(seconds_before("HALF AN HOUR") == hour / 2);
    CHECK(seconds_before("an hour and a half") == 1.5 * hour);
    CHECK(seconds_before("half a day") == day / 2);
    CHECK(seconds_before("a second") == 1);
    CHECK(seconds_before("A Minute") == minute);
    CHECK(seconds_before("an hour") == hour);
    CHECK(seconds_before("a day") == day);
    CHECK(seconds_before("a week") == 7 * day);
    CHECK(seconds_before("a month") == 30 * day);
    CHECK(seconds_before("a year") == 365 * day);
    CHECK(seconds_before("a hour") == -1);
    CHECK(seconds_before("a week ago") == -1);
    CHECK(seconds_before("half  an hour") == -1);
  }

  TEST_CASE("what is no interval is refused, with the text in the message") {
    for (const std::string_view text : {"",
                                        " ",
                                        " 5d",
                                        "5d ",
                                        "5d\n",
                                        "\t5d",
                                        "5 fortnights",
                                        "5 days 3 x",
                                        "five days",
                                        "3 mon",
                                        "2 secs",
                                        "5 mins",
                                        "1e3 d",
                                        "1.2.3 d",
                                        "5..5 d",
                                        ". d",
                                        "e.g. 5 d",
                                        "5dx",
                                        "w 5",
                                        "5\xc2\xa0"
                                        "d",
                                        "5\v d",
                                        "yesterday",
                                        "now"}) {
      CHECK_MESSAGE(!TimeExpression::parse(text), text);
    }
    CHECK(resolved("x\n\"y\"") == "invalid time format: \"x\\n\"y\"\"");
    CHECK(TimeExpression::parse("x").error().code() == Errc::invalid_argument);
    CHECK_FALSE(TimeExpression::parse(std::string(300, ' ') + "5d"));
  }

  TEST_CASE("intervals beyond 292 years are 292 years and never in the future") {
    const double longest = seconds_before("99999999999 y");
    CHECK(longest > 292 * 365 * day);
    for (const std::string_view text :
         {"200 y 200 y", "99999999999999h5m", "99999999999999999999999m5s", "1h99999999999999m5s",
          "999999999999999999999999999999999999 s"}) {
      CHECK_MESSAGE(seconds_before(text) == longest, text);
    }
    CHECK(seconds_before(std::string(200, '9') + "y") == longest);
  }

  TEST_CASE("the text is kept as it was written") {
    CHECK(TimeExpression::parse("3 Months").value().text() == "3 Months");
  }
}

}  // namespace plakar::config
