#include "core/kloset/chunking/entropy.h"

#include <doctest/doctest.h>

#include <array>
#include <bit>
#include <cmath>

#include "core/base/testing/seeded_random.h"

namespace plakar::kloset {

using plakar::testing::SeededRandom;

TEST_SUITE("entropy") {
  TEST_CASE("it is 0 for one value, 8 for all equally often, and the stored bits for text") {
    CHECK(compute_entropy({}) == 0);
    CHECK(compute_entropy(Bytes(100'001, std::byte{7})) == 0);
    Bytes all;
    for (int i = 0; i < 256 * 5; ++i) all.push_back(static_cast<std::byte>(i));
    CHECK(compute_entropy(all) == 8);
    CHECK(compute_entropy(as_bytes("ab")) == 1);
    // As genuine Plakar stores it.
    const double text = compute_entropy(as_bytes("hello world\n"));
    CHECK(std::bit_cast<std::uint64_t>(text) == 0x40082d2b480691b2);
  }

  TEST_CASE("runs of one value count like any other octets, wherever they begin and end") {
    const std::uint64_t seed = testing::test_seed();
    CAPTURE(seed);
    SeededRandom random(seed);
    for (int round = 0; round < 300; ++round) {
      Bytes bytes;
      const std::size_t size = random.below(round % 3 == 0 ? 20'000 : 300);
      while (bytes.size() < size) {
        const auto value = static_cast<std::byte>(random.below(256));
        bytes.insert(bytes.end(), random.below(4) == 0 ? random.below(200) : 1, value);
      }
      std::array<std::uint32_t, 256> counts{};
      for (const std::byte byte : bytes) ++counts[std::to_integer<std::size_t>(byte)];
      double expected = 0;
      for (const std::uint32_t count : counts) {
        if (count == 0) continue;
        const double p = static_cast<double>(count) / static_cast<double>(bytes.size());
        expected -= p * std::log2(p);
      }
      // To the bit: an entry that has another entropy is another entry.
      REQUIRE(std::bit_cast<std::uint64_t>(compute_entropy(bytes)) ==
              std::bit_cast<std::uint64_t>(expected));
    }
  }
}

}  // namespace plakar::kloset
