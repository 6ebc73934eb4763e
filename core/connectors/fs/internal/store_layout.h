// Where a store in a directory has what, and what may lie in a directory before a store is made
// in it.
#pragma once

#include <string>
#include <string_view>

#include "core/base/file_system.h"
#include "core/base/result.h"
#include "core/kloset/store.h"

namespace plakar::connectors {

inline constexpr std::string_view temporary_prefix = "tmp.";
inline constexpr std::uint32_t store_directory_mode = 0700;

class StoreLayout {
 public:
  explicit StoreLayout(std::string root) : root_(std::move(root)) {}

  const std::string& root() const noexcept { return root_; }
  std::string config_path() const { return root_ + "/CONFIG"; }
  std::string kind_directory(kloset::ItemKind kind) const;
  // Where items of a kind are while they have no name yet.
  std::string temporary_directory(kloset::ItemKind kind) const;
  // The directory that an item is in.
  std::string bucket(kloset::ItemKind kind, const kloset::ItemName& name) const;
  std::string item_path(kloset::ItemKind kind, const kloset::ItemName& name) const;

 private:
  std::string root_;
};

// 64 lower-case hexadecimal digits.
bool is_item_file_name(std::string_view name) noexcept;

// Makes the directories of an empty store, and their names durable. In the root, which is made as
// well, there may be what a creation that was cut off has left: our directories without anything
// in them, and temporary files. Anything else is Errc::already_exists.
Status make_store_directories(const FileSystem& files, const StoreLayout& layout);

// The path itself, or the closest directory above it that exists.
Result<std::string> find_existing_ancestor(const FileSystem& files, std::string path);

}  // namespace plakar::connectors
