#include "core/codec/msgpack_time.h"

#include <doctest/doctest.h>

#include <limits>

namespace plakar::codec {

TEST_SUITE("msgpack time") {
  TEST_CASE("a time never set is the first of January of year 1") {
    CHECK(parse_rfc3339("0001-01-01T00:00:00Z") == UnixTime{});
  }

  TEST_CASE("RFC 3339 is read with fractions and offsets") {
    CHECK(parse_rfc3339("1970-01-01T00:00:00Z") == UnixTime{0, 0});
    CHECK(parse_rfc3339("2023-11-14T22:13:20.5Z") == UnixTime{1700000000, 500000000});
    CHECK(parse_rfc3339("2023-11-14T22:13:20.1234567899Z") == UnixTime{1700000000, 123456789});
    CHECK(parse_rfc3339("2023-11-15T01:43:20+03:30") == UnixTime{1700000000, 0});
    CHECK(parse_rfc3339("2023-11-14T17:13:20-05:00") == UnixTime{1700000000, 0});
    CHECK(parse_rfc3339("2024-02-29T00:00:00Z") == UnixTime{1709164800, 0});
    CHECK(parse_rfc3339("9999-12-31T23:59:59Z") == UnixTime{253402300799, 0});
  }

  TEST_CASE("what is not RFC 3339 is corrupt") {
    for (const char* text :
         {"", "2023", "2023-11-14", "2023-11-14T22:13:20", "2023-11-14 22:13:20Z",
          "2023-11-14t22:13:20z", "2023-02-29T00:00:00Z", "2023-13-01T00:00:00Z",
          "2023-11-14T24:00:00Z", "2023-11-14T22:60:00Z", "2023-11-14T22:13:60Z",
          "2023-11-14T22:13:20.Z", "2023-11-14T22:13:20Z ", "2023-11-14T22:13:20+0330",
          "2023-11-14T22:13:20+24:00", "2023-11-14T22:13:20+03:60", "+023-11-14T22:13:20Z"}) {
      CAPTURE(text);
      const auto time = parse_rfc3339(text);
      REQUIRE_FALSE(time);
      CHECK(time.error().code() == Errc::corrupt);
    }
  }

  TEST_CASE("nanoseconds are carried into seconds, in both directions") {
    CHECK(normalized_time(1, 1'000'000'001) == UnixTime{2, 1});
    CHECK(normalized_time(1, -1) == UnixTime{0, 999'999'999});
    CHECK(normalized_time(0, -2'000'000'000) == UnixTime{-2, 0});
    using Limits = std::numeric_limits<std::int64_t>;
    CHECK(normalized_time(Limits::max(), 999'999'999) == UnixTime{Limits::max(), 999'999'999});
    CHECK_FALSE(normalized_time(Limits::max(), 1'000'000'000));
    CHECK_FALSE(normalized_time(Limits::min(), -1));
    CHECK(normalized_time(Limits::min(), Limits::max()));
    CHECK(normalized_time(Limits::max(), Limits::min()));
  }
}

}  // namespace plakar::codec
