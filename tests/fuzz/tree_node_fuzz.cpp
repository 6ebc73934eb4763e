// Any bytes as the root and as a node of a tree: what decodes is a fixed point of encoding and
// decoding, and a node has as many pointers and values as its keys ask for.
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/kloset/tree/node.h"
#include "tests/fuzz/structure_checks.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plakar;
  using namespace plakar::kloset;
  const BytesView bytes = std::as_bytes(std::span(data, size));
  fuzz::check_structure(bytes, decode_tree_root,
                        [](const TreeRoot& root) { return encode_tree_root(root.root); });
  fuzz::check_structure(bytes, decode_tree_node, fuzz::returning<encode_tree_node>);
  const auto node = decode_tree_node(bytes);
  if (!node) return 0;
  if (node->is_leaf()) {
    fuzz::require(node->values.size() == node->keys.size());
  } else {
    fuzz::require(node->pointers.size() == node->keys.size() + 1);
  }
  return 0;
}
