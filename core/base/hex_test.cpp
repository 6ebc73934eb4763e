#include "core/base/hex.h"

#include <doctest/doctest.h>

namespace plakar {

TEST_SUITE("hex") {
  TEST_CASE("bytes survive the way there and back") {
    Bytes all(256);
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::byte>(i);
    const auto back = from_hex(to_hex(all));
    REQUIRE(back);
    CHECK(*back == all);
    CHECK(to_hex(all).substr(0, 8) == "00010203");
  }

  TEST_CASE("odd length, other characters and other lengths are refused") {
    CHECK(from_hex("abc").error().code() == Errc::invalid_argument);
    CHECK(from_hex("zz").error().code() == Errc::invalid_argument);
    std::array<std::byte, 2> two{};
    CHECK_FALSE(from_hex("abcdef", two));
    CHECK(two == std::array<std::byte, 2>{});
    CHECK(from_hex("ABcd", two));
    CHECK(to_hex(two) == "abcd");
  }

  TEST_CASE("a short form is four bytes, or fewer when there are fewer") {
    CHECK(short_hex(as_bytes("abcdefgh")) == "61626364");
    CHECK(short_hex(as_bytes("a")) == "61");
  }
}

}  // namespace plakar
