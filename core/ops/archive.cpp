#include "core/ops/archive.h"

#include <limits>
#include <memory>
#include <unordered_set>
#include <utility>

#include "core/base/clock.h"
#include "core/ops/internal/snapshot_copy.h"

namespace plakar::ops {
namespace {

// An archive cannot be read before it is complete, so there is no snapshot in it that a later one
// could be compared with; what remembers the objects is allowed more instead: as much as what
// is held of each blob anyway.
constexpr std::size_t objects_max = 2u << 20;

bool is_empty(const ArchiveContent& content) {
  if (!content.sources.empty()) return false;
  for (const ArchiveContent::Snapshots& snapshots : content.snapshots) {
    if (!snapshots.ids.empty()) return false;
  }
  return true;
}

Status copy_snapshots(const ArchiveContent::Snapshots& snapshots, kloset::Repository& archive,
                      kloset::Transaction& transaction, const ArchiveOptions& options,
                      std::unordered_set<SnapshotId>& present, SyncObserver& observer,
                      const flow::CancelToken& cancel, ArchiveReport& report) {
  SnapshotCopier copier(
      *snapshots.repository, archive,
      {.threads = options.backup.threads, .damage = options.damage, .objects_max = objects_max},
      observer);
  for (const SnapshotId& id : snapshots.ids) {
    PLK_TRY(cancel.check());
    if (!present.insert(id).second) continue;
    observer.started(id);
    auto copied = copier.copy(id, id, transaction, cancel);
    if (!copied) {
      observer.given_up(id, copied.error());
      return std::move(copied).error();
    }
    PLK_TRY(transaction.put_snapshot(id, copied->header));
    report.errors += copied->snapshot.errors;
    observer.finished(copied->snapshot);
    report.copies.push_back(copied->snapshot);
  }
  return {};
}

}  // namespace

Result<ArchiveReport> make_archive(kloset::Store& archive, Env env, const ArchiveContent& content,
                                   const ArchiveOptions& options, SyncObserver& observer,
                                   const flow::CancelToken& cancel) {
  if (is_empty(content)) {
    return Error(Errc::invalid_argument, "there is nothing to put into the archive");
  }
  const MonotonicTime begin = env.clock.monotonic();
  kloset::StoreConfig config = options.config;
  config.packfile.size_max = std::numeric_limits<std::uint64_t>::max();
  const auto repository = PLK_TRY(kloset::Repository::create_open(
      archive, std::move(config), options.passphrase, options.kdf, env,
      {.make_index = {}, .interrupt = [&cancel] { return cancel.check(); }}));
  const auto transaction =
      kloset::Transaction::begin(*repository, {.data_packfiles = options.backup.threads});

  ArchiveReport report;
  std::unordered_set<SnapshotId> present;
  for (const ArchiveContent::Snapshots& snapshots : content.snapshots) {
    PLK_TRY(copy_snapshots(snapshots, *repository, *transaction, options, present, observer, cancel,
                           report));
  }
  BackupOptions backup = options.backup;
  backup.use_parent = false;
  backup.lock = false;
  for (const ArchiveContent::Source& one : content.sources) {
    PLK_TRY(cancel.check());
    backup.id = one.id;
    report.backups.push_back(PLK_TRY(
        backup_into(*repository, *transaction, *one.source, backup, *one.observer, cancel)));
    report.errors += report.backups.back().errors;
  }
  PLK_TRY(transaction->commit(kloset::StateId::random(env.random)));
  PLK_TRY(archive.close());
  report.stored = transaction->stats();
  report.duration = env.clock.monotonic() - begin;
  return report;
}

}  // namespace plakar::ops
