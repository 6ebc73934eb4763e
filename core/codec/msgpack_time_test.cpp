#include "core/codec/msgpack_time.h"

#include <doctest/doctest.h>

#include <limits>

namespace plakar::codec {

TEST_SUITE("msgpack time") {
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
