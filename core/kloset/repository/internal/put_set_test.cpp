#include "core/kloset/repository/internal/put_set.h"

#include <doctest/doctest.h>

#include <random>
#include <set>
#include <utility>

#include "core/base/testing/seeded_random.h"

namespace plakar::kloset {

TEST_SUITE("put set") {
  TEST_CASE("it knows what was inserted and not erased, and nothing else") {
    const std::uint64_t seed = plakar::testing::test_seed();
    CAPTURE(seed);
    plakar::testing::SeededRandom random(seed);
    std::mt19937_64 choice(seed);
    std::vector<Mac> macs;
    for (int i = 0; i < 3000; ++i) {
      Mac mac = Mac::random(random);
      // Many of one stripe and close to each other.
      if (i % 2 == 0) mac.bytes[31] = std::byte{0};
      if (i % 3 == 0) mac.bytes[0] = mac.bytes[1] = std::byte{0};
      macs.push_back(mac);
    }
    std::set<std::pair<ResourceType, Mac>> wanted;
    PutSet set;
    for (int step = 0; step < 40'000; ++step) {
      const Mac& mac = macs[choice() % macs.size()];
      const auto type = choice() % 2 == 0 ? ResourceType::chunk : ResourceType::object;
      if (choice() % 5 < 3) {
        REQUIRE(set.insert(type, mac) == wanted.insert({type, mac}).second);
      } else {
        set.erase(type, mac);
        wanted.erase({type, mac});
      }
    }
    for (const Mac& mac : macs) {
      for (const auto type : {ResourceType::chunk, ResourceType::object}) {
        REQUIRE(set.contains(type, mac) == wanted.contains({type, mac}));
      }
    }
  }
}

}  // namespace plakar::kloset
