#include "core/ops/internal/live_set.h"

#include <doctest/doctest.h>

#include <set>
#include <utility>

#include "core/base/testing/seeded_random.h"

namespace plakar::ops {
namespace {

using kloset::ResourceType;

TEST_SUITE("live set") {
  TEST_CASE("it has what was inserted and nothing else, however much it has to grow") {
    const std::uint64_t seed = testing::test_seed();
    CAPTURE(seed);
    testing::SeededRandom random(seed);
    for (const std::uint64_t expected : {std::uint64_t{0}, std::uint64_t{5000}}) {
      LiveSet live(expected);
      std::set<std::pair<ResourceType, Mac>> model;
      for (int i = 0; i < 5000; ++i) {
        Mac mac = Mac::random(random);
        if (i % 3 == 0) mac.bytes.fill(static_cast<std::byte>(i));  // all in one place
        const auto type = random.coin() ? ResourceType::chunk : ResourceType::object;
        CHECK(live.insert(type, mac) == model.emplace(type, mac).second);
      }
      CHECK(live.size() == model.size());
      for (const auto& [type, mac] : model) {
        CHECK(live.contains(type, mac));
        const auto other = type == ResourceType::chunk ? ResourceType::object : ResourceType::chunk;
        CHECK(live.contains(other, mac) == model.contains({other, mac}));
        CHECK_FALSE(live.contains(type, Mac::random(random)));
      }
    }
  }

  TEST_CASE("an id of zeros is like any other") {
    LiveSet live(0);
    CHECK_FALSE(live.contains(ResourceType{}, Mac()));
    CHECK(live.insert(ResourceType{}, Mac()));
    CHECK_FALSE(live.insert(ResourceType{}, Mac()));
    CHECK(live.contains(ResourceType{}, Mac()));
  }
}

}  // namespace
}  // namespace plakar::ops
