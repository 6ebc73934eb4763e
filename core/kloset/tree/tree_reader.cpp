#include "core/kloset/tree/tree_reader.h"

#include <algorithm>

#include "core/base/assert.h"
#include "core/kloset/tree/path.h"

namespace plakar::kloset {

bool key_less(KeyOrder order, std::string_view a, std::string_view b) noexcept {
  return order == KeyOrder::path ? compare_paths(a, b) < 0 : a < b;
}

Result<TreeReader> TreeReader::open(BlobSource& blobs, ResourceType root_type, const Mac& root,
                                    KeyOrder order) {
  const Bytes bytes = PLK_TRY(blobs.load(root_type, root, node_size_max));
  const TreeRoot decoded = PLK_TRY_CONTEXT(decode_tree_root(bytes),
                                           "read " + to_name(root_type) + " " + root.short_hex());
  const auto node_type = static_cast<ResourceType>(static_cast<std::uint32_t>(root_type) + 1);
  return TreeReader(blobs, node_type, decoded.root, order);
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
  if (order_ != KeyOrder::unknown) {
    const auto disorder =
        std::adjacent_find(keys.begin(), keys.end(), [&](auto a, auto b) { return !less(a, b); });
    if (disorder != keys.end()) return corrupt("keys out of order in " + mac.short_hex());
  }
  recent_.emplace_front(mac, loaded);
  recent_bytes_ += loaded->bytes.size();
  while (recent_.size() > cached_nodes_max ||
         (recent_bytes_ > cached_bytes_max && recent_.size() > 1)) {
    recent_bytes_ -= recent_.back().second->bytes.size();
    recent_.pop_back();
  }
  return NodeHandle(std::move(loaded));
}

std::size_t TreeReader::first_of(const TreeNode& node, std::string_view key) const {
  const auto at = std::lower_bound(node.keys.begin(), node.keys.end(), key,
                                   [&](auto a, auto b) { return less(a, b); });
  return static_cast<std::size_t>(at - node.keys.begin());
}

std::size_t TreeReader::child_of(const TreeNode& node, std::string_view key) const {
  const std::size_t at = first_of(node, key);
  // A separator is the first key of the node to its right.
  return at < node.keys.size() && node.keys[at] == key ? at + 1 : at;
}

Result<std::optional<Mac>> TreeReader::find(std::string_view key) {
  if (order_ == KeyOrder::unknown) {
    std::optional<Mac> found;
    PLK_TRY(scan("", [&](std::string_view other, const Mac& value) -> Result<bool> {
      if (other == key) found = value;
      return !found;
    }));
    return found;
  }
  Mac mac = root_;
  for (std::size_t depth = 0; depth < tree_depth_max; ++depth) {
    const NodeHandle handle = PLK_TRY(load(mac));
    const TreeNode& node = handle->node;
    if (!node.is_leaf()) {
      mac = node.pointers[child_of(node, key)];
      continue;
    }
    const std::size_t at = first_of(node, key);
    if (at == node.keys.size() || node.keys[at] != key) return std::optional<Mac>();
    return std::optional(node.values[at]);
  }
  return corrupt("deeper than any tree");
}

TreeCursor TreeReader::seek(std::string_view start) { return TreeCursor(*this, start); }

Status TreeReader::scan(std::string_view start, const Visit& visit) {
  TreeCursor cursor = seek(start);
  while (PLK_TRY(cursor.next())) {
    if (!PLK_TRY(visit(cursor.key(), cursor.value()))) return {};
  }
  return {};
}

Status TreeReader::check(const VisitNode& visit_node, const Visit& visit) {
  TreeCursor cursor = seek("");
  cursor.visit_node_ = &visit_node;
  while (PLK_TRY(cursor.next())) {
    if (!PLK_TRY(visit(cursor.key(), cursor.value()))) return {};
  }
  if (cursor.next_leaf_) return corrupt("a leaf behind the last one");
  return {};
}

Status TreeCursor::descend(const Mac& mac) {
  if (path_.size() == tree_depth_max) return tree_->corrupt("deeper than any tree");
  const bool ordered = tree_->order_ != KeyOrder::unknown;
  if (!ordered && !met_.insert(mac).second) {
    return tree_->corrupt("node " + mac.short_hex() + " is there twice");
  }
  if (visit_node_ != nullptr) PLK_TRY((*visit_node_)(mac));
  TreeReader::NodeHandle handle = PLK_TRY(tree_->load(mac));
  const TreeNode& node = handle->node;
  std::size_t next = 0;
  if (ordered && !has_key_) {
    next = node.is_leaf() ? tree_->first_of(node, start_) : tree_->child_of(node, start_);
  }
  if (node.is_leaf()) {
    if (node.keys.empty() && !path_.empty()) return tree_->corrupt("a leaf without keys");
    if (visit_node_ != nullptr && has_leaf_ && next_leaf_ != mac) {
      return tree_->corrupt("a leaf that does not name " + mac.short_hex() + ", its neighbour");
    }
    has_leaf_ = true;
    next_leaf_ = node.next;
  }
  path_.push_back({std::move(handle), next});
  return {};
}

Status TreeCursor::cross(std::string_view separator) {
  if (tree_->order_ == KeyOrder::unknown) return {};
  if (has_key_ && !tree_->less(key_, separator)) return tree_->corrupt("a key in a wrong node");
  // Also what ends a tree that contains itself: its separators would have to come again.
  if (has_floor_ && !tree_->less(floor_, separator)) return tree_->corrupt("keys out of order");
  floor_ = separator;
  has_floor_ = true;
  return {};
}

Result<bool> TreeCursor::next() {
  if (!started_) {
    started_ = true;
    PLK_TRY(descend(tree_->root_));
  }
  while (!path_.empty()) {
    Level& level = path_.back();
    const TreeNode& node = level.node->node;
    const std::size_t at = level.next;
    if (at == (node.is_leaf() ? node.keys.size() : node.pointers.size())) {
      path_.pop_back();
      if (path_.empty()) break;
      // The node above is inner, and has another child or not.
      Level& above = path_.back();
      const auto& separators = above.node->node.keys;
      if (above.next <= separators.size()) PLK_TRY(cross(separators[above.next - 1]));
      continue;
    }
    ++level.next;
    if (!node.is_leaf()) {
      PLK_TRY(descend(node.pointers[at]));
      continue;
    }
    const std::string_view key = node.keys[at];
    // Nodes are in order in themselves, and between two leaves a separator was crossed.
    if (has_floor_ && tree_->less(key, floor_)) return tree_->corrupt("a key in a wrong node");
    key_ = key;
    value_ = node.values[at];
    has_key_ = true;
    return true;
  }
  return false;
}

}  // namespace plakar::kloset
