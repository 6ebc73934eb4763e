// Collects what a backup found and makes the trees of a snapshot of it: VFS, errors, attributes,
// content types, listings and summaries, and from them the source part of the header.
//
// Entries come in any order. Ancestors that nobody added are made up, as the format says: a
// directory of mode 0750, of the epoch, of nobody. What lies below something that turns out to be
// no directory could be listed by nobody: it becomes an error of its path. Object stores have
// such names.
//
// Not thread-safe. Holds all entries in encoded form until finish(): see the readme for how much.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/kloset/blob_source.h"
#include "core/kloset/chunking/chunker.h"
#include "core/kloset/snapshot/header.h"
#include "core/kloset/tree/entry.h"
#include "core/kloset/tree/summary.h"

namespace plakar::kloset {

class SnapshotBuilder {
 public:
  // Both outlive the builder.
  SnapshotBuilder(BlobSink& sink, const Chunker& chunker) : sink_(&sink), chunker_(&chunker) {}

  // Stores the entry's blob. An entry of the same path that came before is replaced. Precondition,
  // here and below: paths are clean, and names are names.
  Status add_entry(const VfsEntry& entry);
  // The same for one whose blob, `encoded`, is stored under `id` already.
  void add_stored_entry(const VfsEntry& entry, BytesView encoded, const Mac& id);
  Status add_error(std::string_view path, std::string_view error);
  // `entry.object` is stored already.
  Status add_xattr(const XattrEntry& entry);

  std::size_t error_count() const noexcept { return errors_.size(); }

  // Stores listings, summaries and trees. Called once, last. `left_out` hears of each entry that
  // became an error only now, and of why.
  using LeftOut = std::function<void(std::string_view path, std::string_view error)>;
  Result<HeaderSource> finish(Importer importer, const LeftOut& left_out);

 private:
  // What else is to be known of an entry is decoded from it again: memory is what there is least
  // of.
  struct Child {
    Bytes encoded;
    Mac id;
    bool is_directory = false;
  };
  using Children = std::map<std::string, Child, std::less<>>;  // by name

  // Until it is stored with the others.
  static bool is_made_up(const Child& child) noexcept { return child.id.is_zero(); }
  const Child* find_entry(std::string_view path) const;
  void make_up_ancestors();
  Status leave_out_root(const LeftOut& left_out);
  // After all directories have entries.
  Status leave_out_unreachable(const LeftOut& left_out);
  Status leave_out(const std::string& path, std::string_view why, const LeftOut& left_out);
  Result<Mac> store_listing(const Children& children);
  // Takes those of the directories in here out of `finished`.
  Result<Mac> store_summary(const std::string& directory, const Children& children,
                            std::map<std::string, Summary>& finished);
  Status store_paths(HeaderSource& source) const;

  BlobSink* sink_;
  const Chunker* chunker_;
  std::map<std::string, Children, std::less<>> directories_;  // by path; the root is in ""
  std::map<std::string, Mac> errors_;
  std::map<std::string, Mac> xattrs_;
};

}  // namespace plakar::kloset
