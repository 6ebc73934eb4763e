#include "core/kloset/tree/tree_reader.h"

#include <doctest/doctest.h>

#include "core/kloset/testing/memory_blobs.h"

namespace plakar::kloset {
namespace {

using testing::MemoryBlobs;

Mac mac_of(std::uint8_t number) {
  Mac mac;
  mac.bytes[0] = std::byte{number};
  return mac;
}

TreeNode leaf(std::vector<std::string_view> keys, std::optional<Mac> next = {}) {
  TreeNode node;
  node.values.resize(keys.size());
  node.keys = std::move(keys);
  node.next = next;
  return node;
}

TreeNode inner(std::vector<std::string_view> keys, std::vector<Mac> pointers) {
  TreeNode node;
  node.keys = std::move(keys);
  node.pointers = std::move(pointers);
  return node;
}

// Trees that nobody builds: nodes under names of our choice, so that a node can even be
// below itself.
struct MadeUp {
  MemoryBlobs blobs;

  Mac add(const TreeNode& node, std::optional<Mac> name = {}) {
    Bytes bytes;
    encode_tree_node(bytes, node);
    const Mac mac = name.value_or(blobs.mac(bytes));
    blobs.items[{ResourceType::vfs_node, mac}] = std::move(bytes);
    return mac;
  }
  TreeReader open(const Mac& root_node, KeyOrder order = KeyOrder::path) {
    const Mac root = blobs.put(ResourceType::vfs_root, encode_tree_root(root_node)).value();
    auto tree = TreeReader::open(blobs, ResourceType::vfs_root, root, order);
    REQUIRE(tree);
    return *std::move(tree);
  }
};

// The keys in the order of a scan; "!" and the message where it ends in an error.
std::vector<std::string> keys_of(TreeReader tree, std::string_view start = "") {
  std::vector<std::string> keys;
  const Status scanned = tree.scan(start, [&](std::string_view key, const Mac&) -> Result<bool> {
    keys.emplace_back(key);
    return true;
  });
  if (!scanned) {
    CHECK(scanned.error().code() == Errc::corrupt);
    keys.push_back("!" + scanned.error().message());
  }
  return keys;
}

std::string check(TreeReader tree, std::vector<Mac>* nodes = nullptr) {
  const Status checked = tree.check(
      [&](const Mac& node) -> Status {
        if (nodes != nullptr) nodes->push_back(node);
        return {};
      },
      [](std::string_view, const Mac&) -> Result<bool> { return true; });
  return checked ? "sound" : checked.error().message();
}

using Keys = std::vector<std::string>;

}  // namespace

TEST_SUITE("reading trees") {
  TEST_CASE("keys out of order are corrupt, in a node and between nodes") {
    MadeUp made;
    CHECK(keys_of(made.open(made.add(leaf({"/b", "/a"})))).back().starts_with("!"));
    CHECK(keys_of(made.open(made.add(leaf({"/a", "/a"})))).back().starts_with("!"));
    const Mac b = made.add(leaf({"/b"}));
    const Mac a = made.add(leaf({"/a"}));
    CHECK(keys_of(made.open(made.add(inner({"/b"}, {b, a})))) ==
          Keys{"/b", "!vfs-node tree: a key in a wrong node"});
    // In order, but where a search would not look for it.
    CHECK(keys_of(made.open(made.add(inner({"/c"}, {a, b})))) ==
          Keys{"/a", "!vfs-node tree: a key in a wrong node"});
    const Mac c = made.add(leaf({"/c"}));
    CHECK(keys_of(made.open(made.add(inner({"/a"}, {b, c})))) ==
          Keys{"/b", "!vfs-node tree: a key in a wrong node"});
    CHECK(keys_of(made.open(made.add(inner({"/b"}, {a, b})))) == Keys{"/a", "/b"});
  }

  TEST_CASE("a missing node is not found, and what comes before it is still read") {
    MadeUp made;
    const Mac a = made.add(leaf({"/a"}));
    TreeReader tree = made.open(made.add(inner({"/b"}, {a, mac_of(9)})));
    CHECK(tree.find("/a").value());
    CHECK(tree.find("/b").error().code() == Errc::not_found);
    std::size_t keys = 0;
    const Status scanned = tree.scan("", [&](std::string_view, const Mac&) -> Result<bool> {
      ++keys;
      return true;
    });
    CHECK(keys == 1);
    CHECK(scanned.error().code() == Errc::not_found);
  }

  TEST_CASE("a node below itself is corrupt for searches, scans and checks, of any order") {
    MadeUp made;
    const Mac loop = made.add(inner({"/a"}, {mac_of(1), mac_of(1)}), mac_of(1));
    for (const KeyOrder order : {KeyOrder::path, KeyOrder::bytes, KeyOrder::unknown}) {
      CHECK(keys_of(made.open(loop, order)).back().starts_with("!"));
      CHECK(made.open(loop, order).find("/x").error().code() == Errc::corrupt);
      CHECK(check(made.open(loop, order)) != "sound");
    }
  }

  TEST_CASE("nodes that share all their children are corrupt, not walked for ever") {
    // 40 levels of 50 equal pointers: 50^40 ways down to one leaf, whether it has keys or not.
    for (const TreeNode& bottom : {leaf({}), leaf({"/a"}), leaf({"/z"})}) {
      MadeUp made;
      Mac below = made.add(bottom);
      for (int level = 0; level < 40; ++level) {
        std::vector<std::string> names;
        for (int i = 10; i < 59; ++i) names.push_back("/k" + std::to_string(i));
        below = made.add(inner({names.begin(), names.end()}, std::vector<Mac>(50, below)));
      }
      for (const char* start : {"", "/b", "/zz"}) {
        CAPTURE(start);
        for (const KeyOrder order : {KeyOrder::path, KeyOrder::bytes, KeyOrder::unknown}) {
          made.blobs.loads = 0;
          const Keys keys = keys_of(made.open(below, order), start);
          // Right of everything there may be nothing to walk.
          if (std::string_view(start) != "/zz" || order == KeyOrder::unknown) {
            REQUIRE_FALSE(keys.empty());
            CHECK(keys.back().starts_with("!"));
          }
          CHECK(made.blobs.loads < 100);
        }
      }
    }
  }

  TEST_CASE("a tree deeper than any real one is corrupt") {
    MadeUp made;
    Mac below = made.add(leaf({"/a"}));
    for (std::size_t level = 1; level < tree_depth_max; ++level)
      below = made.add(inner({}, {below}));
    CHECK(keys_of(made.open(below)) == Keys{"/a"});
    below = made.add(inner({}, {below}));
    CHECK(keys_of(made.open(below)).back() == "!vfs-node tree: deeper than any tree");
    CHECK(made.open(below).find("/a").error().code() == Errc::corrupt);
  }

  TEST_CASE("a tree of unknown order is read as it is stored, and everything in it is found") {
    MadeUp made;
    const Mac left = made.add(leaf({"/z", "/a/b"}));
    const Mac right = made.add(leaf({"/m", "/a/a"}));
    TreeReader tree = made.open(made.add(inner({"/x"}, {left, right})), KeyOrder::unknown);
    for (const char* key : {"/z", "/a/b", "/m", "/a/a"}) CHECK(tree.find(key).value());
    CHECK_FALSE(tree.find("/x").value());
    CHECK(keys_of(std::move(tree), "/zzz") == Keys{"/z", "/a/b", "/m", "/a/a"});
  }

  TEST_CASE("a check names every node once, and knows a chain of leaves that leads elsewhere") {
    MadeUp made;
    const Mac c = made.add(leaf({"/c"}));
    const Mac b = made.add(leaf({"/b"}, c));
    const Mac a = made.add(leaf({"/a"}, b));
    const Mac root = made.add(inner({"/b", "/c"}, {a, b, c}));
    std::vector<Mac> nodes;
    CHECK(check(made.open(root), &nodes) == "sound");
    CHECK(nodes == std::vector<Mac>{root, a, b, c});

    const Mac unchained = made.add(leaf({"/a"}));
    CHECK(check(made.open(made.add(inner({"/b", "/c"}, {unchained, b, c})))) != "sound");
    const Mac past = made.add(leaf({"/a"}, c));
    CHECK(check(made.open(made.add(inner({"/b", "/c"}, {past, b, c})))) != "sound");
    CHECK(check(made.open(made.add(inner({"/b"}, {a, b})))) != "sound");
  }

  TEST_CASE("what a cursor or a search has read is not read again") {
    MadeUp made;
    const Mac a = made.add(leaf({"/a", "/a2"}));
    const Mac b = made.add(leaf({"/b"}));
    TreeReader tree = made.open(made.add(inner({"/b"}, {a, b})));
    made.blobs.loads = 0;
    for (int i = 0; i < 10; ++i) REQUIRE(tree.find("/a2").value());
    CHECK(made.blobs.loads == 2);
    TreeCursor cursor = tree.seek("/a2");
    REQUIRE(cursor.next().value());
    CHECK(cursor.key() == "/a2");
    REQUIRE(cursor.next().value());
    CHECK(cursor.key() == "/b");
    CHECK_FALSE(cursor.next().value());
    CHECK_FALSE(cursor.next().value());
    CHECK(made.blobs.loads == 3);
  }
}

}  // namespace plakar::kloset
