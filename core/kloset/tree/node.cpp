#include "core/kloset/tree/node.h"

#include "core/codec/msgpack_struct.h"

namespace plakar::kloset {

using codec::field;
using codec::plain_int_field;

constexpr auto msgpack_fields(const TreeRoot*) {
  return std::array{field<&TreeRoot::version>("Version"),
                    plain_int_field<&TreeRoot::order>("Order"),
                    plain_int_field<&TreeRoot::count>("Count"), field<&TreeRoot::root>("Root")};
}

constexpr auto msgpack_fields(const TreeNode*) {
  return std::array{field<&TreeNode::version>("version"),
                    field<&TreeNode::keys>("keys").nil_if_empty(),
                    field<&TreeNode::pointers>("pointers").nil_if_empty(),
                    field<&TreeNode::values>("values").nil_if_empty(),
                    field<&TreeNode::prev>("prev").omit_empty(),
                    field<&TreeNode::next>("next").omit_empty()};
}

Result<TreeRoot> decode_tree_root(BytesView bytes) {
  const TreeRoot root = PLK_TRY(codec::msgpack_decode<TreeRoot>(bytes));
  if (root.order < 3) {
    return Error(Errc::corrupt, "a tree of order " + std::to_string(root.order));
  }
  return root;
}

Result<TreeNode> decode_tree_node(BytesView bytes) {
  TreeNode node = PLK_TRY(codec::msgpack_decode<TreeNode>(bytes));
  const bool fits = node.is_leaf() ? node.values.size() == node.keys.size()
                                   : node.pointers.size() == node.keys.size() + 1;
  if (!fits) return Error(Errc::corrupt, "a tree node with a wrong number of keys");
  return node;
}

Bytes encode_tree_root(const Mac& root) {
  return codec::msgpack_encode(
      TreeRoot{.version = 0, .order = tree_order, .count = 0, .root = root});
}

void encode_tree_node(Bytes& out, const TreeNode& node) { codec::msgpack_encode(out, node); }

}  // namespace plakar::kloset
