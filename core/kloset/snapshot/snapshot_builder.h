// Collects what a backup found and makes the trees of a snapshot of it: VFS, errors, attributes,
// content types, listings and summaries, and from them the source part of the header.
//
// Entries come in any order. Ancestors that nobody added are made up, as the format says: a
// directory of mode 0750, of the epoch, of nobody. What lies below something that turns out to be
// no directory could be listed by nobody: it becomes an error of its path. Object stores have
// such names.
//
// Everything is sorted, on disk where it does not fit in memory, and then gone through once,
// directory by directory: memory is bounded by the depth and not by the number of entries, but for
// the paths of what is in the way of a directory.
//
// Not thread-safe. Storing the trees uses two threads of its own.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/flow/cancel_token.h"
#include "core/kloset/blob_source.h"
#include "core/kloset/chunking/chunker.h"
#include "core/kloset/snapshot/header.h"
#include "core/kloset/snapshot/record_sorter.h"
#include "core/kloset/tree/entry.h"

namespace plakar::kloset {

class SnapshotBuilder {
 public:
  struct Options {
    SpillPlace spill{};
    // How much is held before it is sorted on disk.
    std::size_t memory_bytes = std::size_t{16} << 20;
  };

  // Both outlive the builder. The sink is used from several threads.
  SnapshotBuilder(BlobSink& sink, const Chunker& chunker)
      : SnapshotBuilder(sink, chunker, Options()) {}
  SnapshotBuilder(BlobSink& sink, const Chunker& chunker, const Options& options);
  ~SnapshotBuilder();

  // Stores the entry's blob. An entry of the same path that came before is replaced. Precondition,
  // here and below: paths are clean, and names are names.
  Status add_entry(const VfsEntry& entry);
  // The same for one whose blob, `encoded`, is stored under `id` already. A failure is that of
  // finish().
  void add_stored_entry(const VfsEntry& entry, BytesView encoded, const Mac& id);
  Status add_error(std::string_view path, std::string_view error);
  // `entry.object` is stored already.
  Status add_xattr(const XattrEntry& entry);

  // Stores listings, summaries and trees. Called once, last. `left_out` hears of each entry that
  // became an error only now, and of why.
  using LeftOut = std::function<void(std::string_view path, std::string_view error)>;
  Result<HeaderSource> finish(Importer importer, const LeftOut& left_out,
                              const flow::CancelToken& cancel = {});

 private:
  class Sorted;
  class Pass;

  Status add_directory(std::string_view path);
  Status add_needed(std::string_view directory);
  Status make_up_ancestors();
  Status store_directories(Mac& dirpacks, Mac& summaries);

  BlobSink* sink_;
  const Chunker* chunker_;
  std::unique_ptr<Sorted> sorted_;
  Status failure_;  // the first of add_stored_entry()
};

}  // namespace plakar::kloset
