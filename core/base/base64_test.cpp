#include "core/base/base64.h"

#include <doctest/doctest.h>

#include <string>

#include "core/base/testing/seeded_random.h"

namespace plakar {

namespace {

std::string encoded(BytesView bytes) {
  std::string out(base64_size(bytes.size()), ' ');
  base64_encode(bytes, out);
  return out;
}

}  // namespace

TEST_SUITE("base64") {
  TEST_CASE("the vectors of RFC 4648 go both ways") {
    const std::string_view pairs[][2] = {{"", ""},
                                         {"f", "Zg=="},
                                         {"fo", "Zm8="},
                                         {"foo", "Zm9v"},
                                         {"foob", "Zm9vYg=="},
                                         {"fooba", "Zm9vYmE="},
                                         {"foobar", "Zm9vYmFy"}};
    for (const auto& [plain, text] : pairs) {
      CHECK(encoded(as_bytes(plain)) == text);
      Bytes back(plain.size());
      CHECK(base64_decode(text, back));
      CHECK(to_text(back) == plain);
    }
  }

  TEST_CASE("random bytes survive") {
    const auto seed = testing::test_seed();
    CAPTURE(seed);
    testing::SeededRandom random(seed);
    for (std::size_t size = 0; size < 200; ++size) {
      const Bytes bytes = random.bytes(size);
      Bytes back(size);
      CHECK(base64_decode(encoded(bytes), back));
      CHECK(back == bytes);
    }
  }

  TEST_CASE("another spelling of the same bytes is refused and leaves nothing") {
    for (const auto* text :
         {"Zm9vYg", "Zm9vYg=", "Zm9vYh==", "Zm9vYg===", "Zm9v\nYg==", "Zm9vY===", "Zm9vYg==\n",
          " Zm9vYg=", "Zm9_Yg==", "Zm9vYg=A", "====", "Zm=vYg=="}) {
      Bytes out(4, std::byte{1});
      const Status decoded = base64_decode(text, out);
      REQUIRE_FALSE(decoded);
      CHECK(decoded.error().code() == Errc::invalid_argument);
      CHECK(out == Bytes(4));
    }
  }
}

}  // namespace plakar
