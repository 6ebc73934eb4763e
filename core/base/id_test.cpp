#include "core/base/id.h"

#include <doctest/doctest.h>

#include "core/base/testing/seeded_random.h"

namespace plakar {

static_assert(!std::is_convertible_v<Mac, SnapshotId>);

TEST_SUITE("id") {
  TEST_CASE("an id is 64 digits or 32 bytes, nothing else") {
    testing::SeededRandom random(1);
    const Mac mac = Mac::random(random);
    CHECK(Mac::parse(mac.hex()).value() == mac);
    CHECK(Mac::from_bytes(mac.view()).value() == mac);
    CHECK(mac.hex().size() == 64);
    CHECK(mac.hex().starts_with(mac.short_hex()));
    CHECK(mac.short_hex().size() == 8);
    CHECK(Mac::parse(mac.hex().substr(2)).error().code() == Errc::invalid_argument);
    CHECK(Mac::parse(mac.hex() + "00").error().code() == Errc::invalid_argument);
    CHECK(Mac::from_bytes(mac.view().first(31)).error().code() == Errc::invalid_argument);
    CHECK_FALSE(mac.is_zero());
    CHECK(Mac().is_zero());
  }

  TEST_CASE("a UUID has the version and variant of a random one") {
    testing::SeededRandom random(2);
    for (int i = 0; i < 100; ++i) {
      const Uuid id = Uuid::random(random);
      const std::string text = id.text();
      REQUIRE(text.size() == 36);
      CHECK(text[14] == '4');
      CHECK(std::string_view("89ab").find(text[19]) != std::string_view::npos);
      CHECK(Uuid::parse(text).value() == id);
    }
  }

  TEST_CASE("a UUID's text has its dashes where they belong") {
    const std::string_view text = "f47ac10b-58cc-4372-a567-0e02b2c3d479";
    CHECK(Uuid::parse(text).value().text() == text);
    CHECK(to_hex(Uuid::parse(text).value().view()) == "f47ac10b58cc4372a5670e02b2c3d479");
    CHECK(Uuid::parse("F47AC10B-58CC-4372-A567-0E02B2C3D479").value().text() == text);
    for (const char* wrong :
         {"", "f47ac10b-58cc-4372-a567-0e02b2c3d47", "f47ac10b58cc4372a5670e02b2c3d479",
          "f47ac10b-58cc-4372-a5670e-02b2c3d479-", "f47ac10b-58cc-4372-a567-0e02b2c3d47g",
          "f47ac10b-58cc-4372-a567-0e02b2c3d4790"}) {
      CAPTURE(wrong);
      CHECK(Uuid::parse(wrong).error().code() == Errc::invalid_argument);
    }
  }
}

}  // namespace plakar
