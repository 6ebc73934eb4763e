// Makes a snapshot of a source.
//
//   source.next ─► match with the parent snapshot ─► [ read ─► chunk ─► store ] ─► trees ─► header
//                                                      several threads
//
// One thread pulls records and looks up what the last snapshot of the same source says of each;
// workers read what is new or has changed and store it; entries are collected, and at the end
// become the trees of the snapshot. What could not be read is an error of the snapshot and not of
// the backup: it is recorded, reported, and counted.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/flow/cancel_token.h"
#include "core/kloset/record.h"
#include "core/kloset/repository/repository.h"
#include "core/kloset/repository/transaction.h"
#include "core/kloset/snapshot/header.h"
#include "core/kloset/source.h"

namespace plakar::ops {

struct BackupOptions {
  std::string name = "default";
  std::string category{};
  std::string environment{};
  std::string perimeter{};
  std::string job{};
  std::string dataset{};
  std::vector<std::string> data_classes{};
  std::vector<std::string> tags{};
  std::vector<kloset::KeyValue> context{};
  std::optional<SnapshotId> id{};       // else a random one
  std::optional<UnixTime> timestamp{};  // else when the backup began
  std::string hostname{};               // for the lock
  bool use_parent = true;               // build on the last snapshot of the same source
  bool strict = false;                  // any error: no snapshot
  bool lock = true;
  // Goes through the source and reports what it finds, under the lock; reads and stores nothing.
  bool dry_run = false;
  std::size_t threads = 2;
  // Where entries go that are too many to be held in memory; files there have no names.
  std::string temporary_directory = "/tmp";
  // How much of them is held.
  std::size_t sort_memory_bytes = std::size_t{8} << 20;
};

// What there is left to do when every path has been read. Of many files it takes long enough to be
// told.
enum class BackupPhase : std::uint8_t { trees, commit };

// Hears what happens to each path. Called from several threads, one at a time.
class BackupObserver {
 public:
  virtual ~BackupObserver() = default;
  // `reused`: unchanged since the last snapshot, not read.
  virtual void stored(const kloset::Record& record, std::uint64_t bytes, bool reused) = 0;
  virtual void failed(std::string_view path, std::string_view error) = 0;
  // In their order, each once; with backup_into() without the commit.
  virtual void entered(BackupPhase) {}
};

struct BackupReport {
  SnapshotId id;  // zero after a dry run
  std::optional<SnapshotId> parent;
  std::uint64_t entries = 0;
  std::uint64_t files_reused = 0;
  std::uint64_t bytes_read = 0;
  std::uint64_t errors = 0;  // not 0: the snapshot is partial
  kloset::TransactionStats stored;
  std::chrono::nanoseconds duration{};
};

// The repository is refreshed here, under the lock. On an error there is no snapshot, but for what
// checkpoints published nothing is visible, and the lock is gone. Several sources are merged first:
// merged_source.h.
Result<BackupReport> backup(kloset::Repository& repository, kloset::Source& source,
                            const BackupOptions& options, BackupObserver& observer,
                            const flow::CancelToken& cancel);

// The same for one of several snapshots of a run: it is there once `transaction` is committed,
// which is left to the caller, as are lock and refresh.
Result<BackupReport> backup_into(kloset::Repository& repository, kloset::Transaction& transaction,
                                 kloset::Source& source, const BackupOptions& options,
                                 BackupObserver& observer, const flow::CancelToken& cancel);

// The newest snapshot of the same source, if there is one.
Result<std::optional<SnapshotId>> find_parent(kloset::Repository& repository,
                                              const kloset::Importer& importer);

}  // namespace plakar::ops
