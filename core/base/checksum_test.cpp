#include "core/base/checksum.h"

#include <doctest/doctest.h>

namespace plakar {

TEST_SUITE("checksum") {
  TEST_CASE("the values are those of the published algorithm") {
    CHECK(xxh32({}) == 0x02cc5d05);
    CHECK(xxh32(as_bytes("abc")) == 0x32d153ff);
    CHECK(xxh3_64({}) == 0x2d06800538d394c2);
    CHECK(xxh3_64(as_bytes("abc")) == 0x78af5f94892f3950);
  }

  TEST_CASE("a seed makes another function") {
    CHECK(xxh3_64(as_bytes("abc"), 1) != xxh3_64(as_bytes("abc")));
    CHECK(xxh32(as_bytes("abc"), 1) != xxh32(as_bytes("abc")));
  }
}

}  // namespace plakar
