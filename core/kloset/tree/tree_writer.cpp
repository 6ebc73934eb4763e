#include "core/kloset/tree/tree_writer.h"

#include <utility>

#include "core/base/assert.h"

namespace plakar::kloset {
namespace {

constexpr std::size_t keys_max = static_cast<std::size_t>(tree_order) - 1;
constexpr std::size_t children_max = keys_max + 1;

}  // namespace

TreeWriter::TreeWriter(BlobSink& sink, ResourceType root_type, KeyOrder order)
    : sink_(&sink), root_type_(root_type), order_(order) {}

Status TreeWriter::add(std::string_view key, const Mac& value) {
  const std::string_view last = !leaf_.empty()     ? std::string_view(leaf_.back().first)
                                : !levels_.empty() ? levels_[0].back().first_key
                                                   : std::string_view();
  PLK_ASSERT(size_ == 0 || key_less(order_, key, last));
  leaf_.emplace_back(key, value);
  ++size_;
  return leaf_.size() < keys_max ? Status() : store_leaf();
}

Result<Mac> TreeWriter::finish() {
  if (!leaf_.empty() || levels_.empty()) PLK_TRY(store_leaf());
  // Storing the rest of a level may begin the one above it.
  for (std::size_t level = 0; level + 1 < levels_.size() || levels_[level].size() > 1; ++level) {
    // Two nodes rather than one of a single child.
    if (levels_[level].size() > children_max) PLK_TRY(store_inner(level, children_max - 1));
    PLK_TRY(store_inner(level, levels_[level].size()));
  }
  return sink_->put(root_type_, encode_tree_root(levels_.back().front().mac));
}

Status TreeWriter::store_leaf() {
  TreeNode node;
  node.keys.reserve(leaf_.size());
  node.values.reserve(leaf_.size());
  for (auto at = leaf_.rbegin(); at != leaf_.rend(); ++at) {
    node.keys.push_back(at->first);
    node.values.push_back(at->second);
  }
  node.next = next_leaf_;
  next_leaf_ = PLK_TRY(store(node));
  std::string first_key = leaf_.empty() ? std::string() : std::move(leaf_.back().first);
  leaf_.clear();
  return add_child(0, {.first_key = std::move(first_key), .mac = *next_leaf_});
}

Status TreeWriter::add_child(std::size_t level, Child child) {
  if (level == levels_.size()) levels_.emplace_back();
  levels_[level].push_back(std::move(child));
  // One more than a node holds, and one: so that two or more are left for the next.
  return levels_[level].size() < children_max + 2 ? Status() : store_inner(level, children_max);
}

Status TreeWriter::store_inner(std::size_t level, std::size_t count) {
  std::vector<Child>& children = levels_[level];
  TreeNode node;
  node.keys.reserve(count - 1);
  node.pointers.reserve(count);
  for (std::size_t i = count; i > 0; --i) {
    // The first key of the leftmost child is a separator further up, or nowhere.
    if (i < count) node.keys.push_back(children[i - 1].first_key);
    node.pointers.push_back(children[i - 1].mac);
  }
  // Not within the braces below: g++ 12 leaks the members before one that returns.
  const Mac mac = PLK_TRY(store(node));
  Child stored{.first_key = children[count - 1].first_key, .mac = mac};
  children.erase(children.begin(), children.begin() + static_cast<std::ptrdiff_t>(count));
  return add_child(level + 1, std::move(stored));
}

Result<Mac> TreeWriter::store(const TreeNode& node) {
  buffer_.clear();
  encode_tree_node(buffer_, node);
  return sink_->put(static_cast<ResourceType>(static_cast<std::uint32_t>(root_type_) + 1), buffer_);
}

}  // namespace plakar::kloset
