// The pipeline of one backup: one thread asks the source what there is and the last snapshot what
// it says of that; others read what is new or has changed, in batches of small files or a large
// one each, store it, and file the entries.
//
// What cannot be read is an error of the snapshot, and not of the backup.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "core/base/env.h"
#include "core/flow/cancel_token.h"
#include "core/kloset/chunking/chunker.h"
#include "core/kloset/repository/transaction.h"
#include "core/kloset/snapshot/object_writer.h"
#include "core/kloset/snapshot/snapshot_builder.h"
#include "core/kloset/source.h"
#include "core/ops/backup.h"
#include "core/ops/internal/parent_lookup.h"
#include "core/ops/internal/work_queue.h"

namespace plakar::ops {

// Used once, by one thread; starts its own.
class BackupRun {
 public:
  // All but the options and the token outlive the run.
  BackupRun(const Env& env, kloset::Source& source, kloset::Transaction& transaction,
            const kloset::Chunker& chunker, const BackupOptions& options, BackupObserver& observer,
            flow::CancelToken cancel);

  // Stores everything but the header.
  Result<kloset::HeaderSource> run(std::optional<ParentLookup> parent, kloset::Importer importer);

  std::uint64_t entries() const noexcept { return entries_; }
  std::uint64_t files_reused() const noexcept { return files_reused_; }
  std::uint64_t bytes_read() const noexcept { return bytes_read_; }
  std::uint64_t errors() const noexcept { return errors_; }

 private:
  struct Job {
    kloset::Record record;
    std::optional<KnownEntry> known;

    bool is_read() const noexcept {
      return record.kind == kloset::RecordKind::regular && !(known && known->content);
    }
  };
  using Batch = std::vector<Job>;
  class Worker;

  Status scan(std::optional<ParentLookup>& parent, const flow::CancelToken& token);
  Status work(const flow::CancelToken& token);
  // Of a source that is read in the order in which it is scanned, one thread does all.
  Status scan_and_work(std::optional<ParentLookup>& parent, const flow::CancelToken& token);
  // Calls `take` with what came together, in parts.
  template <class Take>
  Status for_each_batch(std::optional<ParentLookup>& parent, const Take& take);

  kloset::Source& source_;
  kloset::Transaction& transaction_;
  const kloset::Chunker& chunker_;
  const BackupOptions& options_;
  BackupObserver& observer_;
  flow::CancelToken cancel_;

  std::mutex mutex_;
  kloset::SnapshotBuilder builder_;  // guarded by mutex_, as are the observer and these
  std::uint64_t entries_ = 0;
  std::uint64_t files_reused_ = 0;
  std::uint64_t bytes_read_ = 0;
  std::uint64_t errors_ = 0;

  std::atomic<bool> root_is_file_ = false;
  WorkQueue<Batch> queue_;
};

}  // namespace plakar::ops
