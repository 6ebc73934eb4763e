// Collects what a backup found and makes the trees of a snapshot of it: VFS, errors, attributes,
// content types, listings and summaries, and from them the source part of the header.
//
// Entries come in any order. Ancestors that nobody added are made up, as the format says: a
// directory of mode 0750, of the epoch, of nobody.
//
// Not thread-safe. Holds all entries in encoded form until finish(): some 500 bytes each.
#pragma once

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

  // Stores the entry's blob. An entry of the same path that came before is replaced.
  Status add_entry(const VfsEntry& entry);
  // The same for one whose blob, `encoded`, is stored under `id` already.
  void add_stored_entry(const VfsEntry& entry, Bytes encoded, const Mac& id);
  Status add_error(std::string_view path, std::string_view error);
  // `entry.object` is stored already.
  Status add_xattr(const XattrEntry& entry);

  std::size_t error_count() const noexcept { return errors_.size(); }

  // Stores listings, summaries and trees. Called once, last.
  Result<HeaderSource> finish(Importer importer);

 private:
  struct Child {
    Bytes encoded;
    Mac id;
    std::string content_type;
    SummaryItem item;  // its content_type is empty: see the member above
    bool is_directory = false;
  };
  using Children = std::map<std::string, Child, std::less<>>;  // by name

  void make_up_ancestors();
  Result<Mac> store_listing(const Children& children);
  Result<Summary> store_summary(const std::string& directory, const Children& children,
                                std::map<std::string, Summary>& finished, Mac& id);

  BlobSink* sink_;
  const Chunker* chunker_;
  std::map<std::string, Children, std::less<>> directories_;  // by path; the root is in ""
  std::map<std::string, Mac> errors_;
  std::map<std::string, Mac> xattrs_;
};

}  // namespace plakar::kloset
