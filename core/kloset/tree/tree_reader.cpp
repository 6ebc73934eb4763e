#include "core/kloset/tree/tree_reader.h"

#include <algorithm>
#include <vector>

#include "core/kloset/tree/path.h"

namespace plakar::kloset {

Result<TreeReader> TreeReader::open(BlobSource& blobs, ResourceType root_type, const Mac& root,
                                    KeyOrder order) {
  const Bytes bytes = PLK_TRY(blobs.load(root_type, root, node_size_max));
  const TreeRoot decoded = PLK_TRY_CONTEXT(decode_tree_root(bytes),
                                           "read " + to_name(root_type) + " " + root.short_hex());
  const auto node_type = static_cast<ResourceType>(static_cast<std::uint32_t>(root_type) + 1);
  return TreeReader(blobs, node_type, decoded.root, order);
}

bool TreeReader::less(std::string_view a, std::string_view b) const noexcept {
  return order_ == KeyOrder::path ? compare_paths(a, b) < 0 : a < b;
}

Error TreeReader::corrupt(std::string_view what) const {
  return Error(Errc::corrupt, to_name(node_type_) + " tree: " + std::string(what));
}

Result<TreeReader::NodeHandle> TreeReader::load(const Mac& mac) {
  const auto found = std::find_if(recent_.begin(), recent_.end(),
                                  [&](const auto& entry) { return entry.first == mac; });
  if (found != recent_.end()) {
    recent_.splice(recent_.begin(), recent_, found);
    return found->second;
  }
  auto loaded = std::make_shared<LoadedNode>();
  loaded->bytes = PLK_TRY(blobs_->load(node_type_, mac, node_size_max));
  loaded->node = PLK_TRY_CONTEXT(decode_tree_node(loaded->bytes),
                                 "read " + to_name(node_type_) + " " + mac.short_hex());
  const auto& keys = loaded->node.keys;
  const auto disorder =
      std::adjacent_find(keys.begin(), keys.end(), [&](auto a, auto b) { return !less(a, b); });
  if (disorder != keys.end()) return corrupt("keys out of order in " + mac.short_hex());
  recent_.emplace_front(mac, loaded);
  if (recent_.size() > cached_nodes_max) recent_.pop_back();
  return NodeHandle(std::move(loaded));
}

std::size_t TreeReader::child_of(const TreeNode& node, std::string_view key) const {
  const auto at = std::lower_bound(node.keys.begin(), node.keys.end(), key,
                                   [&](auto a, auto b) { return less(a, b); });
  const auto index = static_cast<std::size_t>(at - node.keys.begin());
  // A separator is the first key of the node to its right.
  return at != node.keys.end() && *at == key ? index + 1 : index;
}

Result<std::optional<Mac>> TreeReader::find(std::string_view key) {
  Mac mac = root_;
  for (std::size_t depth = 0; depth < tree_depth_max; ++depth) {
    const NodeHandle handle = PLK_TRY(load(mac));
    const TreeNode& node = handle->node;
    if (!node.is_leaf()) {
      mac = node.pointers[child_of(node, key)];
      continue;
    }
    const auto at = std::lower_bound(node.keys.begin(), node.keys.end(), key,
                                     [&](auto a, auto b) { return less(a, b); });
    if (at == node.keys.end() || *at != key) return std::optional<Mac>();
    return std::optional(node.values[static_cast<std::size_t>(at - node.keys.begin())]);
  }
  return corrupt("deeper than any tree");
}

Status TreeReader::scan(std::string_view start, const Visit& visit) {
  struct Level {
    NodeHandle node;
    std::size_t next;
  };
  std::vector<Level> path;
  const auto descend = [&](const Mac& mac, std::string_view from) -> Status {
    if (path.size() == tree_depth_max) return corrupt("deeper than any tree");
    NodeHandle node = PLK_TRY(load(mac));
    const auto& keys = node->node.keys;
    const std::size_t next =
        node->node.is_leaf() ? static_cast<std::size_t>(
                                   std::lower_bound(keys.begin(), keys.end(), from,
                                                    [&](auto a, auto b) { return less(a, b); }) -
                                   keys.begin())
                             : child_of(node->node, from);
    path.push_back({std::move(node), next});
    return {};
  };

  PLK_TRY(descend(root_, start));
  std::optional<std::string> last;
  while (!path.empty()) {
    Level& level = path.back();
    const TreeNode& node = level.node->node;
    if (!node.is_leaf()) {
      if (level.next == node.pointers.size()) {
        path.pop_back();
        continue;
      }
      const Mac child = node.pointers[level.next++];
      // Only the leftmost path of the scan is bounded by the start key.
      PLK_TRY(descend(child, last ? std::string_view() : start));
      continue;
    }
    for (std::size_t i = level.next; i < node.keys.size(); ++i) {
      // Also what ends a tree that contains itself: its keys would have to come again.
      if (last && !less(*last, node.keys[i])) return corrupt("keys out of order");
      last = node.keys[i];
      if (!PLK_TRY(visit(node.keys[i], node.values[i]))) return {};
    }
    path.pop_back();
  }
  return {};
}

}  // namespace plakar::kloset
