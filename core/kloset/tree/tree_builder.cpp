#include "core/kloset/tree/tree_builder.h"

#include <algorithm>
#include <utility>

namespace plakar::kloset {

struct TreeBuilder::Key {
  std::string text;
  std::ptrdiff_t depth;  // the number of slashes, for the order of paths
};

struct TreeBuilder::Node {
  std::vector<Key> keys;
  std::vector<Mac> values;                      // of a leaf, one a key
  std::vector<std::unique_ptr<Node>> children;  // of an inner node, one more than keys

  bool is_leaf() const noexcept { return children.empty(); }
};

TreeBuilder::TreeBuilder(KeyOrder order) : order_(order), root_(std::make_unique<Node>()) {}
TreeBuilder::~TreeBuilder() = default;
TreeBuilder::TreeBuilder(TreeBuilder&&) noexcept = default;
TreeBuilder& TreeBuilder::operator=(TreeBuilder&&) noexcept = default;

TreeBuilder::Key TreeBuilder::make_key(std::string text) const {
  const auto depth =
      order_ == KeyOrder::path ? std::count(text.begin(), text.end(), '/') : std::ptrdiff_t{0};
  return {.text = std::move(text), .depth = depth};
}

bool TreeBuilder::less(const Key& a, const Key& b) const noexcept {
  return a.depth != b.depth ? a.depth < b.depth : a.text < b.text;
}

void TreeBuilder::insert(std::string text, const Mac& value) {
  Key key = make_key(std::move(text));
  const auto position = [&](const Node& node) {
    return std::lower_bound(node.keys.begin(), node.keys.end(), key,
                            [this](const Key& a, const Key& b) { return less(a, b); }) -
           node.keys.begin();
  };
  std::vector<Node*> path{root_.get()};
  while (!path.back()->is_leaf()) {
    Node& node = *path.back();
    auto at = static_cast<std::size_t>(position(node));
    // A separator is the first key of what is to its right.
    if (at < node.keys.size() && !less(key, node.keys[at])) ++at;
    path.push_back(node.children[at].get());
  }
  Node& leaf = *path.back();
  const auto at = position(leaf);
  if (static_cast<std::size_t>(at) < leaf.keys.size() &&
      !less(key, leaf.keys[static_cast<std::size_t>(at)])) {
    return;
  }
  leaf.keys.insert(leaf.keys.begin() + at, std::move(key));
  leaf.values.insert(leaf.values.begin() + at, value);
  ++size_;
  split(path);
}

// Splits the nodes of `path`, from the leaf up, as far as they are full.
void TreeBuilder::split(std::vector<Node*>& path) {
  while (path.back()->keys.size() == static_cast<std::size_t>(tree_order)) {
    Node& left = *path.back();
    path.pop_back();
    const auto cut = static_cast<std::ptrdiff_t>((left.keys.size() + 1) / 2 - 1);
    auto right = std::make_unique<Node>();
    Key separator = left.keys[static_cast<std::size_t>(cut)];
    // An inner node gives its separator away, a leaf keeps it as the first key of the right.
    const std::ptrdiff_t from = left.is_leaf() ? cut : cut + 1;
    right->keys.assign(std::make_move_iterator(left.keys.begin() + from),
                       std::make_move_iterator(left.keys.end()));
    left.keys.resize(static_cast<std::size_t>(cut));
    if (left.is_leaf()) {
      right->values.assign(left.values.begin() + cut, left.values.end());
      left.values.resize(static_cast<std::size_t>(cut));
    } else {
      right->children.assign(std::make_move_iterator(left.children.begin() + cut + 1),
                             std::make_move_iterator(left.children.end()));
      left.children.resize(static_cast<std::size_t>(cut) + 1);
    }
    if (path.empty()) {
      auto root = std::make_unique<Node>();
      root->keys.push_back(std::move(separator));
      root->children.push_back(std::move(root_));
      root->children.push_back(std::move(right));
      root_ = std::move(root);
      return;
    }
    Node& parent = *path.back();
    const auto child = std::find_if(parent.children.begin(), parent.children.end(),
                                    [&](const auto& one) { return one.get() == &left; });
    const auto index = child - parent.children.begin();
    parent.keys.insert(parent.keys.begin() + index, std::move(separator));
    parent.children.insert(child + 1, std::move(right));
  }
}

Result<Mac> TreeBuilder::store(BlobSink& sink, ResourceType root_type) const {
  const auto node_type = static_cast<ResourceType>(static_cast<std::uint32_t>(root_type) + 1);
  std::optional<Mac> next_leaf;
  Bytes buffer;
  const Mac root = PLK_TRY(store_node(*root_, sink, node_type, next_leaf, buffer));
  return sink.put(root_type, encode_tree_root(root));
}

// Right to left, because a leaf names the one to its right.
Result<Mac> TreeBuilder::store_node(const Node& node, BlobSink& sink, ResourceType type,
                                    std::optional<Mac>& next_leaf, Bytes& buffer) const {
  TreeNode stored;
  stored.pointers.resize(node.children.size());
  for (std::size_t i = node.children.size(); i > 0; --i) {
    stored.pointers[i - 1] =
        PLK_TRY(store_node(*node.children[i - 1], sink, type, next_leaf, buffer));
  }
  for (const Key& key : node.keys) stored.keys.push_back(key.text);
  if (node.is_leaf()) {
    stored.values = node.values;
    stored.next = next_leaf;
  }
  buffer.clear();
  encode_tree_node(buffer, stored);
  const Mac mac = PLK_TRY(sink.put(type, buffer));
  if (node.is_leaf()) next_leaf = mac;
  return mac;
}

}  // namespace plakar::kloset
