#include "core/kloset/tree/tree_writer.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "core/kloset/testing/memory_blobs.h"

namespace plakar::kloset {
namespace {

using testing::MemoryBlobs;

std::string key_of(std::size_t number) {
  std::string digits = std::to_string(number);
  return "/" + std::string(7 - digits.size(), '0') + digits;
}

Mac value_of(std::size_t number) {
  Mac mac;
  for (std::size_t i = 0; i < 8; ++i) mac.bytes[i] = static_cast<std::byte>(number >> 8 * i);
  return mac;
}

Mac write(MemoryBlobs& blobs, std::size_t count) {
  TreeWriter writer(blobs, ResourceType::btree_root, KeyOrder::bytes);
  for (std::size_t i = count; i > 0; --i) REQUIRE(writer.add(key_of(i - 1), value_of(i - 1)));
  CHECK(writer.size() == count);
  return writer.finish().value();
}

}  // namespace

TEST_SUITE("writing trees") {
  TEST_CASE("what was written is a sound tree of these keys, whatever their number") {
    // Around full leaves, full nodes, and what is left for the last ones.
    for (const std::size_t count :
         {0u,    1u,    48u,   49u,      50u,      98u,      99u,      2449u,
          2450u, 2451u, 2499u, 2500u,    2548u,    2549u,    2550u,    2597u,
          2598u, 4900u, 4999u, 127'399u, 127'400u, 127'449u, 127'450u, 130'000u}) {
      CAPTURE(count);
      MemoryBlobs blobs;
      const Mac root = write(blobs, count);
      auto tree = TreeReader::open(blobs, ResourceType::btree_root, root, KeyOrder::bytes);
      REQUIRE(tree);
      std::size_t nodes = 0;
      std::size_t keys = 0;
      REQUIRE(tree->check(
          [&](const Mac&) -> Status {
            ++nodes;
            return {};
          },
          [&](std::string_view key, const Mac& value) -> Result<bool> {
            if (key != key_of(keys) || value != value_of(keys)) {
              return Error(Errc::internal, std::string(key));
            }
            ++keys;
            return true;
          }));
      CHECK(keys == count);
      CHECK(nodes + 1 == blobs.items.size());  // and the root
      for (std::size_t i = 0; i < count; i += 1 + count / 50) {
        REQUIRE(tree->find(key_of(i)).value() == value_of(i));
      }
      CHECK_FALSE(tree->find("/x").value());
    }
  }

  TEST_CASE("nodes are full but for the leftmost, and none has a single child") {
    for (const std::size_t count : {2451u, 2499u, 2500u, 5000u, 130'000u}) {
      MemoryBlobs blobs;
      REQUIRE(write(blobs, count) != Mac());
      std::size_t small_leaves = 0;
      std::size_t leaves = 0;
      for (const auto& [name, bytes] : blobs.items) {
        if (name.first != ResourceType::btree_node) continue;
        const auto node = decode_tree_node(bytes);
        REQUIRE(node);
        CHECK(node->keys.size() <= 49);
        CHECK(node->pointers.size() != 1);
        if (!node->is_leaf()) continue;
        ++leaves;
        if (node->keys.size() < 49) ++small_leaves;
      }
      CHECK(small_leaves <= 1);
      CHECK(leaves == (count + 48) / 49);
    }
  }

  TEST_CASE("without keys it is the empty tree of the format's text") {
    MemoryBlobs blobs;
    REQUIRE(write(blobs, 0) != Mac());
    CHECK(blobs.items.size() == 2);
    Bytes empty_leaf;
    encode_tree_node(empty_leaf, {});
    CHECK(blobs.items.contains({ResourceType::btree_node, blobs.mac(empty_leaf)}));
  }

  TEST_CASE("a change leaves the nodes to the right of it as they were") {
    MemoryBlobs blobs;
    REQUIRE(write(blobs, 10'000) != Mac());
    const std::size_t before = blobs.items.size();
    TreeWriter writer(blobs, ResourceType::btree_root, KeyOrder::bytes);
    for (std::size_t i = 10'000; i > 0; --i) {
      REQUIRE(writer.add(key_of(i - 1), value_of(i - 1 == 100 ? 1 : i - 1)));
    }
    REQUIRE(writer.finish());
    // Three leaves, the inner node above them, the root of nodes, and the root.
    CHECK(blobs.items.size() - before == 3 + 1 + 1 + 1);
  }
}

}  // namespace plakar::kloset
