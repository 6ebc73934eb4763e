// Looks keys up in a stored B+tree, and walks it in order. Nothing about the tree is believed:
// keys out of order, nodes deeper than any real one or met twice, and leaves without keys are
// Errc::corrupt. So no tree, however made, takes more steps than it has different nodes times its
// depth, and memory is bounded by the depth and a small cache.
//
// Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/kloset/blob_source.h"
#include "core/kloset/tree/node.h"

namespace plakar::kloset {

enum class KeyOrder : std::uint8_t {
  path,
  bytes,
  // Of a tree that has neither, or may have either: keys come as they are stored, and finding one
  // reads the whole tree. For the tree of attributes, of which format and programs differ.
  unknown,
};

// Precondition: not KeyOrder::unknown.
bool key_less(KeyOrder order, std::string_view a, std::string_view b) noexcept;

class TreeCursor;

class TreeReader {
 public:
  // `root_type` is one of the four tree roots; nodes have the type that follows it. `blobs`
  // outlives the reader.
  static Result<TreeReader> open(BlobSource& blobs, ResourceType root_type, const Mac& root,
                                 KeyOrder order);

  Result<std::optional<Mac>> find(std::string_view key);

  // Before the first key that is not less than `start`; of an unknown order, before the first of
  // all. The reader outlives the cursor, and stays where it is.
  TreeCursor seek(std::string_view start);

  // Keys from `start` on, in order, until `visit` returns false or fails.
  using Visit = std::function<Result<bool>(std::string_view key, const Mac& value)>;
  Status scan(std::string_view start, const Visit& visit);

  // Reads every node and key. Beyond what a scan notices, a leaf that does not name the one to its
  // right, by which genuine Plakar goes from leaf to leaf, is Errc::corrupt. `visit_node` gets
  // each node's MAC before its keys: the blobs of a tree are its root and these.
  using VisitNode = std::function<Status(const Mac& node)>;
  Status check(const VisitNode& visit_node, const Visit& visit);

 private:
  friend class TreeCursor;

  struct LoadedNode {
    Bytes bytes;
    TreeNode node;  // a view of `bytes`
  };
  using NodeHandle = std::shared_ptr<const LoadedNode>;  // the cache and who uses it

  TreeReader(BlobSource& blobs, ResourceType node_type, const Mac& root, KeyOrder order)
      : blobs_(&blobs), node_type_(node_type), root_(root), order_(order) {}

  Result<NodeHandle> load(const Mac& mac);
  bool less(std::string_view a, std::string_view b) const noexcept {
    return key_less(order_, a, b);
  }
  // The child to descend into for `key`, the first key that is not less.
  std::size_t child_of(const TreeNode& node, std::string_view key) const;
  std::size_t first_of(const TreeNode& node, std::string_view key) const;
  Error corrupt(std::string_view what) const;

  static constexpr std::size_t cached_nodes_max = 64;
  static constexpr std::size_t cached_bytes_max = 4u << 20;

  BlobSource* blobs_;
  ResourceType node_type_;
  Mac root_;
  KeyOrder order_;
  std::list<std::pair<Mac, NodeHandle>> recent_;  // the one used last in front
  std::size_t recent_bytes_ = 0;
};

// A place in a tree, between two keys. After an error only its destructor may be called.
class TreeCursor {
 public:
  // Steps over the next key; false at the end.
  Result<bool> next();

  // The key stepped over last, valid until the next step, and its value.
  std::string_view key() const noexcept { return key_; }
  const Mac& value() const noexcept { return value_; }

 private:
  friend class TreeReader;

  struct Level {
    TreeReader::NodeHandle node;
    std::size_t next;
  };

  TreeCursor(TreeReader& tree, std::string_view start) : tree_(&tree), start_(start) {}

  Status descend(const Mac& mac);
  // From one child of an inner node to the one on its right.
  Status cross(std::string_view separator);

  TreeReader* tree_;
  std::string start_;  // until the first leaf is reached
  std::vector<Level> path_;
  bool started_ = false;
  std::string key_;
  Mac value_;
  bool has_key_ = false;
  std::string floor_;  // the separator crossed last: no key after it is less
  bool has_floor_ = false;
  std::unordered_set<Mac> met_;  // of an unknown order: the nodes so far

  // Of check(): who hears of nodes, and the leaf that the last one named.
  const TreeReader::VisitNode* visit_node_ = nullptr;
  bool has_leaf_ = false;
  std::optional<Mac> next_leaf_;
};

}  // namespace plakar::kloset
