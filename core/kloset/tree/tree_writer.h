// Writes a B+tree of keys that come sorted, in descending order: leaves from right to left, because
// each names the one to its right, and full ones, 49 keys each. Holds one unfinished node a
// level, whatever the number of keys.
//
// Every reader takes such a tree. It has half the nodes of one that TreeBuilder makes, and other
// ones: between snapshots written in the two ways no nodes are shared.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/kloset/blob_source.h"
#include "core/kloset/tree/node.h"
#include "core/kloset/tree/tree_reader.h"

namespace plakar::kloset {

// Not thread-safe.
class TreeWriter {
 public:
  // `sink` outlives the writer. Of `order` only that keys keep to it is checked.
  TreeWriter(BlobSink& sink, ResourceType root_type, KeyOrder order);

  // Precondition: `key` is less than the one before.
  Status add(std::string_view key, const Mac& value);
  std::size_t size() const noexcept { return size_; }

  // Stores what is left, and the root; returns the MAC of the root blob. Called once, last. Without
  // keys the tree is the empty one.
  Result<Mac> finish();

 private:
  struct Child {
    std::string first_key;
    Mac mac;
  };

  Status store_leaf();
  Status add_child(std::size_t level, Child child);
  // Stores the rightmost `count` of the children that wait in a level as one node.
  Status store_inner(std::size_t level, std::size_t count);
  Result<Mac> store(const TreeNode& node);

  BlobSink* sink_;
  ResourceType root_type_;
  KeyOrder order_;
  std::size_t size_ = 0;
  std::vector<std::pair<std::string, Mac>> leaf_;  // this and the levels right to left
  std::vector<std::vector<Child>> levels_;         // the children of nodes not stored yet
  std::optional<Mac> next_leaf_;
  Bytes buffer_;
};

}  // namespace plakar::kloset
