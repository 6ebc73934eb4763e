// The kinds of things a store holds, and the versions in which we write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace plakar::kloset {

// As in envelopes and packfile indexes (32 bits) and in states (8 bits). Other numbers may come
// in from outside: a type is checked with is_blob() or compared, never switched over blindly.
enum class ResourceType : std::uint32_t {
  config = 1,
  lock = 2,
  state = 3,
  packfile = 4,
  snapshot = 5,
  signature = 6,
  object = 7,
  chunk = 9,
  vfs_root = 10,
  vfs_node = 11,
  vfs_entry = 12,
  error_root = 13,
  error_node = 14,
  error_entry = 15,
  xattr_root = 16,
  xattr_node = 17,
  xattr_entry = 18,
  btree_root = 19,
  btree_node = 20,
  vfs_summary = 21,
  random = 255,
};

// "chunk", "vfs-node": for messages and listings. "type 8" for what is not a type.
std::string to_name(ResourceType type);

// Whether packfiles hold such things: everything but the four items and unknown numbers.
bool is_blob(ResourceType type) noexcept;

// major << 16 | minor << 8 | patch. An item is readable when its version is not newer than
// the one we know.
enum class Version : std::uint32_t {};

constexpr Version make_version(std::uint32_t major, std::uint32_t minor, std::uint32_t patch) {
  return static_cast<Version>(major << 16 | minor << 8 | patch);
}

inline constexpr Version version_1_0_0 = make_version(1, 0, 0);
inline constexpr Version version_1_1_0 = make_version(1, 1, 0);

// What a writer records for `type`: 1.0.0, but for states 1.1.0.
constexpr Version written_version(ResourceType type) noexcept {
  return type == ResourceType::state ? version_1_1_0 : version_1_0_0;
}

// "1.0.0"
std::string to_text(Version version);

}  // namespace plakar::kloset
