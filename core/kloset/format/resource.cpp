#include "core/kloset/format/resource.h"

#include <algorithm>
#include <array>
#include <utility>

namespace plakar::kloset {
namespace {

constexpr auto names = std::to_array<std::pair<ResourceType, std::string_view>>({
    {ResourceType::config, "config"},
    {ResourceType::lock, "lock"},
    {ResourceType::state, "state"},
    {ResourceType::packfile, "packfile"},
    {ResourceType::snapshot, "snapshot"},
    {ResourceType::signature, "signature"},
    {ResourceType::object, "object"},
    {ResourceType::chunk, "chunk"},
    {ResourceType::vfs_root, "vfs-btree"},
    {ResourceType::vfs_node, "vfs-node"},
    {ResourceType::vfs_entry, "vfs-entry"},
    {ResourceType::error_root, "error-btree"},
    {ResourceType::error_node, "error-node"},
    {ResourceType::error_entry, "error-entry"},
    {ResourceType::xattr_root, "xattr-btree"},
    {ResourceType::xattr_node, "xattr-node"},
    {ResourceType::xattr_entry, "xattr-entry"},
    {ResourceType::btree_root, "btree-root"},
    {ResourceType::btree_node, "btree-node"},
    {ResourceType::vfs_summary, "vfs-summary"},
    {ResourceType::random, "random"},
});

const std::string_view* find_name(ResourceType type) noexcept {
  const auto* found = std::find_if(names.begin(), names.end(),
                                   [&](const auto& named) { return named.first == type; });
  return found == names.end() ? nullptr : &found->second;
}

}  // namespace

std::string to_name(ResourceType type) {
  const std::string_view* name = find_name(type);
  return name != nullptr ? std::string(*name)
                         : "type " + std::to_string(static_cast<std::uint32_t>(type));
}

bool is_blob(ResourceType type) noexcept {
  return type >= ResourceType::snapshot && find_name(type) != nullptr;
}

std::string to_text(Version version) {
  const auto number = static_cast<std::uint32_t>(version);
  return std::to_string(number >> 16) + "." + std::to_string(number >> 8 & 255) + "." +
         std::to_string(number & 255);
}

}  // namespace plakar::kloset
