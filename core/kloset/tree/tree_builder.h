// Builds a B+tree key by key, exactly as genuine Plakar does, so that equal keys inserted in equal
// order make equal nodes, and nodes of older snapshots are used again.
//
// In what order to insert is part of that: descending bytewise for the VFS, content-type, dirpack
// and summary trees (by path, also where the key is something else), ascending for errors and
// attributes. Holds all keys in memory, some 150 bytes each beside their text.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "core/kloset/blob_source.h"
#include "core/kloset/tree/node.h"
#include "core/kloset/tree/tree_reader.h"

namespace plakar::kloset {

// Not thread-safe.
class TreeBuilder {
 public:
  explicit TreeBuilder(KeyOrder order);
  ~TreeBuilder();
  TreeBuilder(TreeBuilder&&) noexcept;
  TreeBuilder& operator=(TreeBuilder&&) noexcept;

  // A key that is there already stays as it is.
  void insert(std::string key, const Mac& value);
  std::size_t size() const noexcept { return size_; }

  // Stores nodes and root; returns the MAC of the root blob, of type `root_type`.
  Result<Mac> store(BlobSink& sink, ResourceType root_type) const;

 private:
  struct Key;
  struct Node;

  bool less(const Key& a, const Key& b) const noexcept;
  Key make_key(std::string text) const;
  void split(std::vector<Node*>& path);
  Result<Mac> store_node(const Node& node, BlobSink& sink, ResourceType type,
                         std::optional<Mac>& next_leaf, Bytes& buffer) const;

  KeyOrder order_;
  std::unique_ptr<Node> root_;
  std::size_t size_ = 0;
};

}  // namespace plakar::kloset
