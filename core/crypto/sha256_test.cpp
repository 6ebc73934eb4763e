#include "core/crypto/sha256.h"

#include <doctest/doctest.h>

#include <string>

#include "core/base/hex.h"

namespace plakar::crypto {

TEST_SUITE("sha256") {
  TEST_CASE("the vectors of FIPS 180 and RFC 6234 come out") {
    CHECK(to_hex(sha256({})) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(to_hex(sha256(as_bytes("abc"))) ==
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(to_hex(sha256(as_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))) ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CHECK(to_hex(sha256(as_bytes(std::string(1'000'000, 'a')))) ==
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  }

  TEST_CASE("pieces give the digest of the whole, and finishing starts anew") {
    Sha256 hasher;
    for (int round = 0; round < 2; ++round) {
      hasher.update(as_bytes("a"));
      hasher.update({});
      hasher.update(as_bytes("bc"));
      CHECK(hasher.finish() == sha256(as_bytes("abc")));
    }
    hasher.update(as_bytes("forgotten"));
    hasher.reset();
    CHECK(hasher.finish() == sha256({}));
  }

  TEST_CASE("one bit changes the digest") {
    CHECK(sha256(as_bytes("abc")) != sha256(as_bytes("abb")));
  }
}

}  // namespace plakar::crypto
