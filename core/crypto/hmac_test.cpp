#include "core/crypto/hmac.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "core/base/hex.h"

namespace plakar::crypto {

namespace {

struct Vector {
  std::string key;
  std::string data;
  std::string mac;
};

// RFC 4231, sections 4.2 to 4.8 without the truncated one.
std::vector<Vector> vectors() {
  std::string counting;
  for (char c = 1; c <= 25; ++c) counting.push_back(c);
  return {
      {std::string(20, '\x0b'), "Hi There",
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {"Jefe", "what do ya want for nothing?",
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {std::string(20, '\xaa'), std::string(50, '\xdd'),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {counting, std::string(50, '\xcd'),
       "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
      {std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {std::string(131, '\xaa'),
       "This is a test using a larger than block-size key and a larger than block-size data. The "
       "key needs to be hashed before being used by the HMAC algorithm.",
       "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
  };
}

}  // namespace

TEST_SUITE("hmac") {
  TEST_CASE("the vectors of RFC 4231 come out, and not with another key or other data") {
    for (const auto& vector : vectors()) {
      CHECK(to_hex(hmac_sha256(as_bytes(vector.key), as_bytes(vector.data))) == vector.mac);
      CHECK(to_hex(hmac_sha256(as_bytes(vector.key + "x"), as_bytes(vector.data))) != vector.mac);
      CHECK(to_hex(hmac_sha256(as_bytes(vector.key), as_bytes(vector.data + "x"))) != vector.mac);
    }
  }

  TEST_CASE("an empty key is a key") {
    CHECK(to_hex(hmac_sha256({}, {})) ==
          "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
  }

  TEST_CASE("pieces, a second message and a fork give the same as one call") {
    const BytesView key = as_bytes("Jefe");
    const Digest32 expected = hmac_sha256(key, as_bytes("what do ya want for nothing?"));
    HmacSha256 mac(key);
    for (int round = 0; round < 2; ++round) {
      mac.update(as_bytes("what do ya want "));
      mac.update(as_bytes("for nothing?"));
      CHECK(mac.finish() == expected);
    }
    HmacSha256 fork = mac.fork();
    fork.update(as_bytes("what do ya want for nothing?"));
    CHECK(fork.finish() == expected);
    CHECK(mac.finish() == hmac_sha256(key, {}));
    CHECK(mac.fork().finish() == hmac_sha256(key, {}));
    mac.update(as_bytes("what do ya want for nothing?"));
    CHECK(std::move(mac).finish() == expected);
  }
}

}  // namespace plakar::crypto
