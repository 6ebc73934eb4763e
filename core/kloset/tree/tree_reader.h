// Looks keys up in a stored B+tree, and walks it in order. Nothing about the tree is believed: a
// node out of order, deeper than any real one, or met again on its own path is Errc::corrupt,
// and memory is bounded by the depth and a small cache.
//
// Not thread-safe.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "core/kloset/blob_source.h"
#include "core/kloset/tree/node.h"

namespace plakar::kloset {

enum class KeyOrder : std::uint8_t { path, bytes };

class TreeReader {
 public:
  // `root_type` is one of the four tree roots; nodes have the type that follows it. `blobs`
  // outlives the reader.
  static Result<TreeReader> open(BlobSource& blobs, ResourceType root_type, const Mac& root,
                                 KeyOrder order);

  Result<std::optional<Mac>> find(std::string_view key);

  // Keys from `start` on, in order, until `visit` returns false or fails.
  using Visit = std::function<Result<bool>(std::string_view key, const Mac& value)>;
  Status scan(std::string_view start, const Visit& visit);

 private:
  struct LoadedNode {
    Bytes bytes;
    TreeNode node;  // a view of `bytes`
  };
  using NodeHandle = std::shared_ptr<const LoadedNode>;  // the cache and who uses it

  TreeReader(BlobSource& blobs, ResourceType node_type, const Mac& root, KeyOrder order)
      : blobs_(&blobs), node_type_(node_type), root_(root), order_(order) {}

  Result<NodeHandle> load(const Mac& mac);
  bool less(std::string_view a, std::string_view b) const noexcept;
  // The child to descend into for `key`.
  std::size_t child_of(const TreeNode& node, std::string_view key) const;
  Error corrupt(std::string_view what) const;

  static constexpr std::size_t cached_nodes_max = 64;

  BlobSource* blobs_;
  ResourceType node_type_;
  Mac root_;
  KeyOrder order_;
  std::list<std::pair<Mac, NodeHandle>> recent_;
};

}  // namespace plakar::kloset
