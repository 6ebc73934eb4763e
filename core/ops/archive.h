// Makes a single-file archive: of snapshots in other stores, which keep their identifiers, and of
// sources, one snapshot each.
//
// An archive is written once, front to back, with one packfile and one state for everything in it:
// there is a whole archive at the end, or none.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "core/base/env.h"
#include "core/base/result.h"
#include "core/base/secret.h"
#include "core/flow/cancel_token.h"
#include "core/kloset/repository/config.h"
#include "core/kloset/repository/repository.h"
#include "core/kloset/source.h"
#include "core/kloset/store.h"
#include "core/ops/backup.h"
#include "core/ops/sync.h"

namespace plakar::ops {

// What goes in. All outlive the making; repositories are open and refreshed.
struct ArchiveContent {
  struct Source {
    kloset::Source* source = nullptr;
    SnapshotId id{};
    BackupObserver* observer = nullptr;
  };
  struct Snapshots {
    kloset::Repository* repository = nullptr;
    std::vector<SnapshotId> ids{};
  };
  // One that is in several stores goes in once.
  std::vector<Snapshots> snapshots{};
  std::vector<Source> sources{};
};

struct ArchiveOptions {
  // From default_config(), with its id and time still to be set; its packfile has no limit.
  kloset::StoreConfig config{};
  const Secret* passphrase = nullptr;  // null: not encrypted
  kloset::KdfParams kdf{};
  // Of each source. No parent, no lock: there is nothing yet.
  BackupOptions backup{};
  SourceDamage damage = SourceDamage::refuse;
};

struct ArchiveReport {
  std::vector<SyncedSnapshot> copies;
  std::vector<BackupReport> backups;  // in the order of the sources
  std::uint64_t errors = 0;           // paths in both
  kloset::TransactionStats stored;
  std::chrono::nanoseconds duration{};
};

// `archive` is a store that does not exist yet, of a medium whose traits say that it is an archive.
// After success it is complete and closed. After a failure it is not: whoever made the store
// destroys it, and nothing is left.
//
// Errc::invalid_argument when nothing would be in it; Errc::already_exists as the medium has it;
// the error of a snapshot that cannot be read whole.
Result<ArchiveReport> make_archive(kloset::Store& archive, Env env, const ArchiveContent& content,
                                   const ArchiveOptions& options, SyncObserver& observer,
                                   const flow::CancelToken& cancel);

}  // namespace plakar::ops
