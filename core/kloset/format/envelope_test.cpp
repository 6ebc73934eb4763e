#include "core/kloset/format/envelope.h"

#include <doctest/doctest.h>

#include "core/base/hex.h"
#include "tests/support/golden_stores.h"

namespace plakar::kloset {
namespace {

crypto::StoreMac mac_of(std::string_view key_hex, crypto::HashAlgorithm algorithm) {
  auto mac = crypto::StoreMac::create(algorithm, Secret(*from_hex(key_hex)));
  REQUIRE(mac);
  return *std::move(mac);
}

// The MAC key of the store `plain`, as the format's text gives it.
crypto::StoreMac plain_mac() {
  return mac_of("80977e0000d1cf1b6c33d567e8196d2535a998f98bae239dace12bd55e0a5769",
                crypto::HashAlgorithm::blake3);
}

}  // namespace

TEST_SUITE("envelope") {
  TEST_CASE("what genuine Plakar sealed opens, and is sealed again to the same bytes") {
    const crypto::StoreMac mac = plain_mac();
    for (const auto& [kind, type] : {std::pair{"states", ResourceType::state},
                                     std::pair{"packfiles", ResourceType::packfile}}) {
      for (const auto& file : testing::golden_items("plain", kind)) {
        const Bytes item = testing::read_whole(file);
        const auto envelope = open_envelope(item, type, mac);
        REQUIRE(envelope);
        CHECK(envelope->version == written_version(type));
        CHECK(seal_envelope(type, envelope->body, mac) == item);
      }
    }
  }

  TEST_CASE("every flipped bit is noticed") {
    const crypto::StoreMac mac = plain_mac();
    const Bytes item = seal_envelope(ResourceType::state, as_bytes("body"), mac);
    REQUIRE(open_envelope(item, ResourceType::state, mac));
    for (std::size_t bit = 0; bit < item.size() * 8; ++bit) {
      Bytes flipped = item;
      flipped[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
      CAPTURE(bit);
      CHECK_FALSE(open_envelope(flipped, ResourceType::state, mac));
    }
  }

  TEST_CASE("every truncation is noticed") {
    const crypto::StoreMac mac = plain_mac();
    const Bytes item = seal_envelope(ResourceType::state, as_bytes("body"), mac);
    for (std::size_t size = 0; size < item.size(); ++size) {
      const auto opened = open_envelope(BytesView(item).first(size), ResourceType::state, mac);
      REQUIRE_FALSE(opened);
      CHECK(opened.error().code() == Errc::corrupt);
    }
  }

  TEST_CASE("another type is corrupt, a newer version is unsupported and names both") {
    const crypto::StoreMac mac = plain_mac();
    Bytes item = seal_envelope(ResourceType::lock, as_bytes("x"), mac);
    CHECK(split_envelope(item, ResourceType::state).error().code() == Errc::corrupt);
    store_le<std::uint32_t>(std::span(item).subspan(12), 0x00010001);
    const auto newer = split_envelope(item, ResourceType::lock);
    REQUIRE_FALSE(newer);
    CHECK(newer.error().code() == Errc::unsupported);
    CHECK(newer.error().message().find("1.0.1") != std::string::npos);
    CHECK(newer.error().message().find("1.0.0") != std::string::npos);
  }

  TEST_CASE("the magic of old stores is read, and never written") {
    const crypto::StoreMac mac = plain_mac();
    Bytes item = seal_envelope(ResourceType::lock, as_bytes("x"), mac);
    CHECK(as_text(BytesView(item).first(8)) == "_KLOSET_");
    const BytesView old = as_bytes("_PLAKAR_");
    std::copy(old.begin(), old.end(), item.begin());
    CHECK(split_envelope(item, ResourceType::lock));
  }
}

}  // namespace plakar::kloset
