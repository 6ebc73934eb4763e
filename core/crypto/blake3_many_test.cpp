#include "core/crypto/blake3_many.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "core/base/hex.h"
#include "core/base/testing/seeded_random.h"
#include "core/crypto/blake3.h"

namespace plakar::crypto {

namespace {

KeyView32 key() { return as_bytes("whats the Elvish word for friend").first<32>(); }

Bytes noise(std::size_t size) { return testing::SeededRandom(7).bytes(size); }

// Whether the inputs hashed together have the digests that they have one by one.
bool same_as_alone(const std::vector<BytesView>& inputs) {
  Bytes together(32 * inputs.size());
  blake3_keyed_many(key(), inputs, together);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Digest32 alone = blake3_keyed(key(), inputs[i]);
    if (!std::ranges::equal(alone, BytesView(together).subspan(32 * i, 32))) {
      MESSAGE("input ", i, " of ", inputs.size(), " with ", inputs[i].size(), " bytes differs");
      return false;
    }
  }
  return true;
}

}  // namespace

TEST_SUITE("blake3 of many inputs") {
  TEST_CASE("every size up to five chunks equals the single hash") {
    const Bytes data = noise(8192);
    std::vector<BytesView> inputs;
    for (std::size_t size = 0; size <= 5200; ++size) {
      inputs.push_back(BytesView(data).subspan(size % 61, size));
    }
    CHECK(same_as_alone(inputs));
  }

  TEST_CASE("equal sizes fill the lanes at every count") {
    const Bytes data = noise(64 * 1024);
    for (const std::size_t size : {0u, 1u, 64u, 200u, 1023u, 1024u, 1025u, 2048u, 3072u, 4096u,
                                   4500u, 7168u, 11000u, 15360u, 16383u, 16384u, 16385u}) {
      for (const std::size_t count : {0u, 1u, 2u, 7u, 8u, 9u, 15u, 16u, 17u, 33u, 63u, 64u, 65u}) {
        CAPTURE(size);
        CAPTURE(count);
        std::vector<BytesView> inputs;
        for (std::size_t i = 0; i < count; ++i) {
          inputs.push_back(BytesView(data).subspan(i * 131, size));
        }
        CHECK(same_as_alone(inputs));
      }
    }
  }

  TEST_CASE("random mixes of sizes equal the single hashes") {
    const auto seed = testing::test_seed();
    CAPTURE(seed);
    testing::SeededRandom generator(seed);
    const Bytes data = noise(256 * 1024);
    for (int round = 0; round < 300; ++round) {
      const std::size_t size_max = std::size_t{1} << generator.below(16);
      std::vector<BytesView> inputs(generator.below(200));
      for (auto& input : inputs) {
        // One in sixteen is much larger than the others.
        const std::size_t limit = generator.below(16) == 0 ? 100'000 : size_max;
        const std::size_t size = generator.below(limit + 1);
        input = BytesView(data).subspan(generator.below(data.size() - size), size);
      }
      CHECK(same_as_alone(inputs));
    }
  }

  TEST_CASE("a published vector comes out") {
    Bytes input(4097);
    for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<std::byte>(i % 251);
    const std::vector<BytesView> inputs(20, input);
    Bytes out(32 * inputs.size());
    blake3_keyed_many(key(), inputs, out);
    CHECK(to_hex(BytesView(out).last(32)) ==
          "00df940cd36bb9fa7cbbc3556744e0dbc8191401afe70520ba292ee3ca80abbc");
  }
}

}  // namespace plakar::crypto
