#include "core/kloset/tree/tree_builder.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>

#include "core/base/testing/seeded_random.h"
#include "core/crypto/sha256.h"
#include "core/kloset/tree/path.h"
#include "core/kloset/tree/tree_reader.h"

namespace plakar::kloset {
namespace {

// Blobs in memory, named by a hash.
class Blobs final : public BlobSource, public BlobSink {
 public:
  Result<Mac> put(ResourceType type, BytesView plain) override {
    blobs[{type, mac(plain)}] = to_bytes(plain);
    return mac(plain);
  }
  Mac mac(BytesView plain) const override { return Mac{.bytes = crypto::sha256(plain)}; }
  std::unique_ptr<kloset::MacStream> mac_stream() const override { return nullptr; }
  Result<Bytes> load(ResourceType type, const Mac& mac, std::size_t) override {
    const auto found = blobs.find({type, mac});
    if (found == blobs.end()) return Error(Errc::not_found, "no such blob");
    return found->second;
  }
  bool has(ResourceType type, const Mac& mac) const override { return blobs.contains({type, mac}); }

  std::map<std::pair<ResourceType, Mac>, Bytes> blobs;
};

Mac value_of(const std::string& key) { return Mac{.bytes = crypto::sha256(as_bytes(key))}; }

std::vector<std::string> some_paths(std::size_t count, testing::SeededRandom& random) {
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

TreeReader reader(Blobs& blobs, const Mac& root, KeyOrder order = KeyOrder::path) {
  auto opened = TreeReader::open(blobs, ResourceType::vfs_root, root, order);
  REQUIRE(opened);
  return *std::move(opened);
}

}  // namespace

TEST_SUITE("trees") {
  TEST_CASE("what was inserted, in any order, is found and walked in the order of keys") {
    const std::uint64_t seed = testing::test_seed();
    CAPTURE(seed);
    testing::SeededRandom random(seed);
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

        Blobs blobs;
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
    testing::SeededRandom random(1);
    TreeBuilder builder(KeyOrder::bytes);
    for (const auto& key : some_paths(3000, random)) builder.insert(key, value_of(key));
    Blobs blobs;
    REQUIRE(builder.store(blobs, ResourceType::btree_root));
    std::size_t leaves = 0;
    std::size_t linked = 0;
    for (const auto& [key, bytes] : blobs.blobs) {
      if (key.first != ResourceType::btree_node) continue;
      const auto node = decode_tree_node(bytes);
      REQUIRE(node);
      CHECK(node->keys.size() <= 49);
      leaves += node->is_leaf() ? 1 : 0;
      if (node->next) {
        ++linked;
        const auto right = blobs.blobs.find({ResourceType::btree_node, *node->next});
        REQUIRE(right != blobs.blobs.end());
        CHECK(node->keys.back() < decode_tree_node(right->second)->keys.front());
      }
    }
    CHECK(linked == leaves - 1);
  }

  TEST_CASE("a node that is missing, out of order or its own descendant is an error") {
    Blobs blobs;
    const auto tree_of = [&](const TreeNode& node) {
      Bytes bytes;
      encode_tree_node(bytes, node);
      const Mac mac = blobs.put(ResourceType::vfs_node, bytes).value();
      return blobs.put(ResourceType::vfs_root, encode_tree_root(mac)).value();
    };
    const auto scan_error = [&](const Mac& root) {
      TreeReader tree = reader(blobs, root);
      const Status scanned =
          tree.scan("", [](std::string_view, const Mac&) -> Result<bool> { return true; });
      return scanned ? Errc::internal : scanned.error().code();
    };
    TreeNode disorder;
    disorder.keys = {"/b", "/a"};
    disorder.values.resize(2);
    CHECK(scan_error(tree_of(disorder)) == Errc::corrupt);
    TreeNode missing;
    missing.keys = {"/a"};
    missing.pointers.resize(2);
    CHECK(scan_error(tree_of(missing)) == Errc::not_found);

    // A node cannot name its own MAC, but a store can be made to answer with it.
    TreeNode loop;
    loop.keys = {"/a"};
    loop.pointers.resize(2);
    Bytes bytes;
    encode_tree_node(bytes, loop);
    blobs.blobs[{ResourceType::vfs_node, Mac()}] = bytes;
    const Mac root = blobs.put(ResourceType::vfs_root, encode_tree_root(Mac())).value();
    CHECK(scan_error(root) == Errc::corrupt);
    CHECK(reader(blobs, root).find("/x").error().code() == Errc::corrupt);
  }
}

}  // namespace plakar::kloset
