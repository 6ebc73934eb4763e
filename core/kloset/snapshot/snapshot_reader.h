// One snapshot, read: its header, its entries by path and by directory, the content of its files.
//
// Most of a snapshot is stored twice: entries by path as blobs in the VFS tree, and by directory
// in dirpacks. Where one copy is damaged the other is used, and told of where somebody listens;
// genuine Plakar also leaves trees that name entries nobody stored.
//
// Not thread-safe; several readers of one snapshot may be used side by side.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/kloset/blob_source.h"
#include "core/kloset/snapshot/header.h"
#include "core/kloset/snapshot/listing.h"
#include "core/kloset/snapshot/object_reader.h"
#include "core/kloset/tree/entry.h"
#include "core/kloset/tree/tree_reader.h"

namespace plakar::kloset {

// An entry that was found, with the bytes it is a view of. Moves only: its text stays in place.
class FoundEntry {
 public:
  static Result<FoundEntry> decode(Bytes bytes, const Mac& id);

  const VfsEntry& operator*() const noexcept { return entry_; }
  const VfsEntry* operator->() const noexcept { return &entry_; }
  BytesView bytes() const noexcept { return *bytes_; }
  const Mac& id() const noexcept { return id_; }

 private:
  FoundEntry(std::unique_ptr<Bytes> bytes, VfsEntry entry, const Mac& id)
      : bytes_(std::move(bytes)), entry_(std::move(entry)), id_(id) {}

  std::unique_ptr<Bytes> bytes_;
  VfsEntry entry_;
  Mac id_;
};

class SnapshotReader {
 public:
  // `blobs` outlives the reader. Errc::not_found when there is no such snapshot.
  static Result<SnapshotReader> open(BlobSource& blobs, const SnapshotId& id);

  const SnapshotHeader& header() const noexcept { return header_; }
  // The backed-up root: what a path without a leading slash is relative to.
  const std::string& root() const noexcept { return header_.source().importer.directory; }

  // The entry at a clean absolute path; nothing when there is none. Links are not followed.
  Result<std::optional<FoundEntry>> find(std::string_view path);
  // The same with links followed, component by component, within the snapshot. A link in a
  // circle is Errc::invalid_argument.
  Result<std::optional<FoundEntry>> resolve(std::string_view path);

  // What is in a directory, ascending by name. The entry that `visit` gets is valid during the
  // call; its first error ends the listing and is returned. With damage, everything that can
  // still be read is visited, and the first damage returned.
  using Visit = std::function<Status(const VfsEntry& entry, const Mac& id)>;
  Status list(std::string_view directory, const Visit& visit);

  // The same from the directory's listing alone, an entry at a time; null where the snapshot has no
  // listings. Without one of this directory it is Errc::corrupt. The reader outlives the listing.
  Result<std::unique_ptr<Listing>> open_listing(std::string_view directory);

  // The entry at `path` and everything below it, parents before their children, names ascending.
  // Memory is bounded by the depth, not by the number of entries. `damaged` hears of every listing
  // and every entry that cannot be read, by path, and decides whether to go on with what can; a
  // listing that the tree makes up for is among them, so that being told does not mean that
  // entries are missing.
  using Damaged = std::function<Status(const std::string& path, const Error& error)>;
  Status walk(std::string_view path, const Visit& visit, const Damaged& damaged);

  // The content of a regular file; Errc::invalid_argument for anything else, Errc::corrupt where
  // entry and content do not agree about its size.
  Result<ObjectReader> open_file(const VfsEntry& entry);

  // The values of the attributes that the entry names. One that is missing is Errc::corrupt.
  struct Attribute {
    std::string name;
    Bytes value;
  };
  Result<std::vector<Attribute>> attributes(const VfsEntry& entry);

  // The paths at and below `path` that could not be backed up, and why.
  Status errors(std::string_view path,
                const std::function<Status(std::string_view path, std::string_view error)>& visit);

  // Nothing when the snapshot has none of that directory.
  Result<std::optional<Summary>> summary(std::string_view directory);

 private:
  SnapshotReader(BlobSource& blobs, SnapshotHeader header)
      : blobs_(&blobs), header_(std::move(header)) {}

  Result<TreeReader*> tree(std::optional<TreeReader>& slot, ResourceType root_type, const Mac& root,
                           KeyOrder order);
  Result<TreeReader*> vfs_tree();
  // Null when the snapshot has no such index.
  Result<TreeReader*> index_tree(std::optional<TreeReader>& slot, std::string_view name);

  class Walk;

  Result<std::optional<FoundEntry>> find_in_listing(std::string_view path);
  Result<std::optional<Mac>> find_xattr(std::string_view key);
  Result<Bytes> attribute(std::string_view path, std::string_view name);

  BlobSource* blobs_;
  SnapshotHeader header_;
  std::optional<TreeReader> vfs_;
  std::optional<TreeReader> errors_;
  std::optional<TreeReader> xattrs_;
  KeyOrder xattr_order_ = KeyOrder::path;  // as far as is known
  bool xattr_order_known_ = false;
  std::optional<TreeReader> dirpacks_;
  std::optional<TreeReader> summaries_;
};

// The largest value of an extended attribute; the kernel's limit is 64 KiB.
inline constexpr std::uint64_t xattr_size_max = 64u << 20;

}  // namespace plakar::kloset
