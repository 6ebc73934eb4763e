#include "core/crypto/blake2b.h"

#include <doctest/doctest.h>

#include "core/base/hex.h"

namespace plakar::crypto {

TEST_SUITE("blake2b") {
  TEST_CASE("the vector of RFC 7693 and the empty one come out") {
    CHECK(to_hex(blake2b(as_bytes("abc"))) ==
          "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
          "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
    CHECK(to_hex(blake2b({})) ==
          "786a02f742015903c6c6fd852552d272912f4740e15847618a86e217f71f5419"
          "d25e1031afee585313896444934eb04b903a685b1448b755d56f701afe9be2ce");
  }

  TEST_CASE("the short form is a function of its own") {
    const auto digest = blake2b_256(as_bytes("abc"));
    REQUIRE(digest);
    CHECK(to_hex(*digest) == "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    CHECK(to_hex(*digest) != to_hex(blake2b(as_bytes("abc"))).substr(0, 64));
  }

  TEST_CASE("pieces give the digest of the whole, and one bit changes it") {
    Blake2b hasher;
    hasher.update(as_bytes("ab"));
    hasher.update(as_bytes("c"));
    CHECK(hasher.finish() == blake2b(as_bytes("abc")));
    hasher.update(as_bytes("abb"));
    CHECK(hasher.finish() != blake2b(as_bytes("abc")));
  }
}

}  // namespace plakar::crypto
