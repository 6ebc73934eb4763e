#include "core/kloset/tree/tree_builder.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "core/base/testing/seeded_random.h"
#include "core/kloset/testing/memory_blobs.h"
#include "core/kloset/tree/path.h"
#include "core/kloset/tree/tree_reader.h"

namespace plakar::kloset {
namespace {

using testing::MemoryBlobs;

Mac value_of(const std::string& key) { return MemoryBlobs().mac(as_bytes(key)); }

std::vector<std::string> some_paths(std::size_t count, plakar::testing::SeededRandom& random) {
  std::vector<std::string> paths;
  while (paths.size() < count) {
    std::string path;
    for (std::uint64_t depth = 1 + random.below(4); depth > 0; --depth) {
      path += "/" + std::to_string(random.below(50));
    }
    paths.push_back(std::move(path));
  }
  return paths;
}

TreeReader reader(MemoryBlobs& blobs, const Mac& root, KeyOrder order = KeyOrder::path) {
  auto opened = TreeReader::open(blobs, ResourceType::vfs_root, root, order);
  REQUIRE(opened);
  return *std::move(opened);
}

}  // namespace

TEST_SUITE("trees") {
  TEST_CASE("what was inserted, in any order, is found and walked in the order of keys") {
    const std::uint64_t seed = plakar::testing::test_seed();
    CAPTURE(seed);
    plakar::testing::SeededRandom random(seed);
    for (const KeyOrder order : {KeyOrder::path, KeyOrder::bytes}) {
      for (const std::size_t count : {0u, 1u, 49u, 50u, 51u, 1300u, 5000u}) {
        CAPTURE(count);
        std::vector<std::string> keys = some_paths(count, random);
        TreeBuilder builder(order);
        for (const std::string& key : keys) builder.insert(key, value_of(key));
        std::sort(keys.begin(), keys.end(), [&](const auto& a, const auto& b) {
          return order == KeyOrder::path ? compare_paths(a, b) < 0 : a < b;
        });
        keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
        CHECK(builder.size() == keys.size());

        MemoryBlobs blobs;
        const Mac root = builder.store(blobs, ResourceType::vfs_root).value();
        TreeReader tree = reader(blobs, root, order);
        for (const std::string& key : keys) {
          REQUIRE(tree.find(key).value() == value_of(key));
        }
        CHECK_FALSE(tree.find("/nowhere").value());
        std::vector<std::string> walked;
        REQUIRE(tree.scan("", [&](std::string_view key, const Mac& value) -> Result<bool> {
          CHECK(value == value_of(std::string(key)));
          walked.emplace_back(key);
          return true;
        }));
        CHECK(walked == keys);
        // From the middle, and no further than wanted.
        for (std::size_t at = 0; at < keys.size(); at += 97) {
          std::vector<std::string> some;
          REQUIRE(tree.scan(keys[at], [&](std::string_view key, const Mac&) -> Result<bool> {
            some.emplace_back(key);
            return some.size() < 60;
          }));
          const std::size_t wanted = std::min<std::size_t>(60, keys.size() - at);
          CHECK(std::equal(some.begin(), some.end(), keys.begin() + static_cast<std::ptrdiff_t>(at),
                           keys.begin() + static_cast<std::ptrdiff_t>(at + wanted)));
        }
      }
    }
  }

  TEST_CASE("no node has more than 49 keys, and each leaf names the one to its right") {
    plakar::testing::SeededRandom random(1);
    TreeBuilder builder(KeyOrder::bytes);
    for (const auto& key : some_paths(3000, random)) builder.insert(key, value_of(key));
    MemoryBlobs blobs;
    REQUIRE(builder.store(blobs, ResourceType::btree_root));
    std::size_t leaves = 0;
    std::size_t linked = 0;
    for (const auto& [key, bytes] : blobs.items) {
      if (key.first != ResourceType::btree_node) continue;
      const auto node = decode_tree_node(bytes);
      REQUIRE(node);
      CHECK(node->keys.size() <= 49);
      leaves += node->is_leaf() ? 1 : 0;
      if (node->next) {
        ++linked;
        const auto right = blobs.items.find({ResourceType::btree_node, *node->next});
        REQUIRE(right != blobs.items.end());
        CHECK(node->keys.back() < decode_tree_node(right->second)->keys.front());
      }
    }
    CHECK(linked == leaves - 1);
  }
}

}  // namespace plakar::kloset
