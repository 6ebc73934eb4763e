#include "core/kloset/snapshot/record_sorter.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "core/base/env.h"
#include "core/base/testing/seeded_random.h"
#include "tests/support/temp_dir.h"

namespace plakar::kloset {
namespace {

using Order = RecordSorter::Order;

}  // namespace

TEST_SUITE("record sorter") {
  TEST_CASE("records come in the order of their keys, equal ones as they were added") {
    const std::uint64_t seed = plakar::testing::test_seed();
    CAPTURE(seed);
    plakar::testing::SeededRandom random(seed);
    const plakar::testing::TempDir directory;
    for (const std::size_t memory :
         {std::size_t{1}, std::size_t{5000}, std::size_t{100'000}, std::size_t{100} << 20}) {
      for (const Order order : {Order::ascending, Order::descending}) {
        CAPTURE(memory);
        RecordSorter sorter(
            {.files = &system_env().files, .random = &random, .directory = directory.path()},
            memory, order);
        std::vector<std::pair<std::string, std::string>> wanted;
        const std::uint64_t count = memory == 1 ? 100 : 3000;
        for (std::uint64_t i = 0; i < count; ++i) {
          std::string key = "/" + std::to_string(random.below(count / 2));
          if (random.below(50) == 0) key += std::string(random.below(40'000), 'x');
          if (random.below(20) == 0) key[0] = '\xff';
          wanted.emplace_back(key, std::to_string(i));
          REQUIRE(sorter.add(key, as_bytes(wanted.back().second)));
        }
        std::stable_sort(wanted.begin(), wanted.end(), [&](const auto& a, const auto& b) {
          return order == Order::ascending ? a.first < b.first : b.first < a.first;
        });
        REQUIRE(sorter.finish());
        for (const auto& [key, value] : wanted) {
          REQUIRE(sorter.next().value());
          REQUIRE(sorter.key() == key);
          REQUIRE(as_text(sorter.value()) == value);
        }
        CHECK_FALSE(sorter.next().value());
        CHECK_FALSE(sorter.next().value());
        CHECK(std::filesystem::is_empty(directory.path()));
      }
    }
  }

  TEST_CASE("a directory that cannot be written to is an error, and not before it is needed") {
    plakar::testing::SeededRandom random(1);
    RecordSorter sorter(
        {.files = &system_env().files, .random = &random, .directory = "/nowhere/at all"}, 100,
        Order::ascending);
    REQUIRE(sorter.add("key", as_bytes("value")));
    CHECK_FALSE(sorter.add(std::string(200, 'k'), as_bytes("value")));
  }
}

}  // namespace plakar::kloset
