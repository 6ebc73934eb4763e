#include "core/connectors/fs/internal/store_layout.h"

#include <algorithm>
#include <array>

#include "core/base/files.h"
#include "core/base/hex.h"
#include "core/base/text.h"

namespace plakar::connectors {
namespace {

using kloset::ItemKind;
using kloset::ItemName;

constexpr std::size_t bucket_count = 256;

bool is_hex(std::string_view text, std::size_t size) noexcept {
  return text.size() == size && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string bucket_name(std::size_t number) {
  const std::array byte{static_cast<std::byte>(number)};
  return to_hex(byte);
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

Result<bool> is_directory(const FileSystem& files, const std::string& path) {
  const auto found = PLK_TRY(files.find(path));
  return found && found->type == FileType::directory;
}

// Whether `path` is a directory with nothing in it but, where there are buckets, empty buckets
// and temporary files.
Result<bool> is_left_empty(const FileSystem& files, const std::string& path, bool has_buckets) {
  if (!PLK_TRY(is_directory(files, path))) return false;
  for (const OwnedDirectoryEntry& entry : PLK_TRY(list_directory(files, path))) {
    if (!has_buckets) return false;
    const std::string inner = path + "/" + entry.name;
    if (entry.name.starts_with(temporary_prefix)) {
      if (PLK_TRY(is_directory(files, inner))) return false;
      continue;
    }
    if (!is_hex(entry.name, 2) || !PLK_TRY(is_left_empty(files, inner, false))) return false;
  }
  return true;
}

Status check_creatable(const FileSystem& files, const StoreLayout& layout) {
  const std::string& root = layout.root();
  const auto entries = list_directory(files, root);
  if (!entries && entries.error().code() == Errc::not_found) return {};
  if (!entries) return Error(entries.error());
  for (const OwnedDirectoryEntry& entry : *entries) {
    const std::string path = root + "/" + entry.name;
    bool ours = false;
    if (entry.name == "packfiles" || entry.name == "states") {
      ours = PLK_TRY(is_left_empty(files, path, true));
    } else if (entry.name == "locks") {
      ours = PLK_TRY(is_left_empty(files, path, false));
    } else if (entry.name.starts_with(temporary_prefix)) {
      ours = !PLK_TRY(is_directory(files, path));
    }
    if (!ours) return Error(Errc::already_exists, "directory " + escape(root) + " is not empty");
  }
  return {};
}

Status make_directory(const FileSystem& files, const std::string& path) {
  Status made = files.make_directory(path, store_directory_mode);
  if (!made && made.error().code() == Errc::already_exists) return {};
  return made;
}

// Makes the way to `path` durable. Names that this process made have to be; older ones may have
// been made by a creation that was killed, and are made durable as far as we may open where they
// are.
Status sync_ancestors(const FileSystem& files, std::string path, const std::string& existing) {
  while (path != "/") {
    const bool is_ours = path.size() > existing.size();
    path = parent_of(path);
    Status synced = sync_directory(files, path);
    if (!synced && is_ours) return synced;
  }
  return {};
}

}  // namespace

std::string StoreLayout::kind_directory(ItemKind kind) const {
  switch (kind) {
    case ItemKind::packfile:
      return root_ + "/packfiles";
    case ItemKind::state:
      return root_ + "/states";
    case ItemKind::lock:
      return root_ + "/locks";
  }
  return root_;
}

std::string StoreLayout::temporary_directory(ItemKind kind) const {
  return kind == ItemKind::lock ? root_ : kind_directory(kind);
}

std::string StoreLayout::bucket(ItemKind kind, const ItemName& name) const {
  if (kind == ItemKind::lock) return kind_directory(kind);
  return kind_directory(kind) + "/" + to_hex(name.view().first<1>());
}

std::string StoreLayout::item_path(ItemKind kind, const ItemName& name) const {
  return bucket(kind, name) + "/" + name.hex();
}

bool is_item_file_name(std::string_view name) noexcept { return is_hex(name, 64); }

Status make_store_directories(const FileSystem& files, const StoreLayout& layout) {
  PLK_TRY(check_creatable(files, layout));
  const std::string& root = layout.root();
  const std::string existing = PLK_TRY(find_existing_ancestor(files, root));
  PLK_TRY(make_directories(files, root, store_directory_mode));
  for (const ItemKind kind : {ItemKind::packfile, ItemKind::state}) {
    const std::string directory = layout.kind_directory(kind);
    PLK_TRY(make_directory(files, directory));
    for (std::size_t number = 0; number < bucket_count; ++number) {
      PLK_TRY(make_directory(files, directory + "/" + bucket_name(number)));
    }
    PLK_TRY(sync_directory(files, directory));
  }
  PLK_TRY(make_directory(files, layout.kind_directory(ItemKind::lock)));
  PLK_TRY(sync_directory(files, root));
  return sync_ancestors(files, root, existing);
}

Result<std::string> find_existing_ancestor(const FileSystem& files, std::string path) {
  while (true) {
    const auto found = PLK_TRY(files.find(path, Follow::yes));
    if (found && found->type != FileType::directory) {
      return Error(Errc::invalid_argument, escape(path) + " is not a directory");
    }
    if (found || path == "/") return path;
    path = parent_of(path);
  }
}

}  // namespace plakar::connectors
