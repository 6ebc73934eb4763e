// The B+trees of a snapshot: a root blob, inner nodes, and leaves chained to the right. Keys
// are bytes, values and pointers MACs. Six trees, two key orders: see path.h.
//
// A decoded node is a view of its bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/id.h"
#include "core/base/result.h"

namespace plakar::kloset {

inline constexpr std::int64_t tree_order = 50;
// Deeper trees are corrupt: at 24 keys a node, ten levels hold more than any file system.
inline constexpr std::size_t tree_depth_max = 64;

struct TreeRoot {
  std::uint32_t version = 0;  // 0 in what is written, as is `count`
  std::int64_t order = 0;
  std::int64_t count = 0;
  Mac root;
};

struct TreeNode {
  std::uint32_t version = 0;
  std::vector<std::string_view> keys;
  std::vector<Mac> pointers;  // inner nodes: one more than keys
  std::vector<Mac> values;    // leaves: one a key
  std::optional<Mac> prev;    // never written
  std::optional<Mac> next;    // the leaf to the right, in every leaf but the last

  bool is_leaf() const noexcept { return pointers.empty(); }
};

// Errc::corrupt for what is not one, for an order below 3, and for a node whose numbers of keys,
// pointers and values do not fit. The order of keys is the reader's to check, who knows it.
Result<TreeRoot> decode_tree_root(BytesView bytes);
Result<TreeNode> decode_tree_node(BytesView bytes);

Bytes encode_tree_root(const Mac& root);
// As genuine Plakar writes it: what a leaf or an inner node does not have is nil.
void encode_tree_node(Bytes& out, const TreeNode& node);

}  // namespace plakar::kloset
