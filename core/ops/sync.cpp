#include "core/ops/sync.h"

#include <memory>
#include <unordered_set>

#include "core/base/clock.h"
#include "core/kloset/repository/lock.h"
#include "core/ops/internal/snapshot_copy.h"

namespace plakar::ops {
namespace {

using kloset::Repository;
using kloset::ResourceType;

Status check_pair(const Repository& source, const Repository& target) {
  if (source.config().repository_id != target.config().repository_id) return {};
  return Error(Errc::invalid_argument, "cannot synchronize snapshots to the same store");
}

// How often one snapshot may have been removed from the target.
constexpr int removals_max = 1000;

class Sync {
 public:
  Sync(Repository& source, Repository& target, const SyncOptions& options, SyncObserver& observer,
       const flow::CancelToken& cancel)
      : target_(target),
        options_(options),
        observer_(observer),
        cancel_(cancel),
        copier_(source, target,
                {.threads = options.threads,
                 .damage = options.damage,
                 .temporary_directory = options.temporary_directory,
                 .sort_memory_bytes = options.sort_memory_bytes},
                observer) {}

  Result<SyncReport> run(std::span<const SnapshotId> snapshots,
                         const kloset::RepositoryLock* lock) {
    std::unordered_set<SnapshotId> present;
    for (const SnapshotId& id : target_.index().snapshots()) present.insert(id);
    for (const SnapshotId& id : snapshots) {
      PLK_TRY(cancel_.check());
      if (!options_.bring_back && was_removed(id)) {
        ++report_.removed;
        continue;
      }
      const SnapshotId as = PLK_TRY(unspent(id));
      if (!present.insert(as).second) {
        ++report_.present;
      } else {
        PLK_TRY(copy(id, as, lock));
      }
    }
    return report_;
  }

 private:
  bool was_removed(const SnapshotId& id) const {
    return target_.index().find_colour(ResourceType::snapshot, Mac{.bytes = id.bytes}).has_value();
  }

  // What the snapshot is called in the target: the first of its names that was not removed. Always
  // the same ones, so that a copy that is there is not made again.
  Result<SnapshotId> unspent(const SnapshotId& id) const {
    SnapshotId name = id;
    for (int i = 0; i < removals_max; ++i) {
      if (!was_removed(name)) return name;
      auto hasher = target_.mac().hasher();
      hasher.update(as_bytes("plakar: copied again "));
      hasher.update(name.view());
      name = SnapshotId{.bytes = hasher.finish().bytes};
    }
    return Error(Errc::conflict, "snapshot " + id.short_hex() + " was removed " +
                                     std::to_string(removals_max) +
                                     " times: name a copy that is still there");
  }

  Status copy(const SnapshotId& id, const SnapshotId& as, const kloset::RepositoryLock* lock) {
    observer_.started(id);
    auto copied = copy_and_commit(id, as, lock);
    if (copied) {
      ++report_.copied;
      report_.errors += copied->errors;
      observer_.finished(*copied);
      return {};
    }
    observer_.given_up(id, copied.error());
    if (!copier_.failed_at_source() || options_.strict || cancel_.cancelled()) {
      return std::move(copied).error();
    }
    ++report_.failed;
    return {};
  }

  // One transaction for each: the snapshot is there before the next one begins.
  Result<SyncedSnapshot> copy_and_commit(const SnapshotId& id, const SnapshotId& as,
                                         const kloset::RepositoryLock* lock) {
    const auto transaction =
        kloset::Transaction::begin(target_, {.data_packfiles = options_.threads});
    auto copied = PLK_TRY(copier_.copy(id, as, *transaction, cancel_));
    if (lock != nullptr) PLK_TRY(lock->check());
    PLK_TRY(target_.index().status());
    PLK_TRY(transaction->commit(as, copied.header));
    copied.snapshot.stored = transaction->stats();
    if (as == id) copier_.remember(id);
    return copied.snapshot;
  }

  Repository& target_;
  const SyncOptions& options_;
  SyncObserver& observer_;
  const flow::CancelToken& cancel_;
  SnapshotCopier copier_;
  SyncReport report_;
};

}  // namespace

Result<SyncReport> sync(Repository& source, Repository& target,
                        std::span<const SnapshotId> snapshots, const SyncOptions& options,
                        SyncObserver& observer, const flow::CancelToken& cancel) {
  PLK_TRY(check_pair(source, target));
  const Env& env = target.env();
  // The lock first and the index afterwards, as for a backup. It has a name of its own: two syncs
  // of one snapshot must not take each other's lock away.
  std::unique_ptr<kloset::RepositoryLock> lock;
  if (options.lock && !target.store().traits().archive) {
    lock =
        PLK_TRY(kloset::RepositoryLock::acquire(target.store(), target.config(), target.keys(), env,
                                                {.id = kloset::LockId::random(env.random),
                                                 .mode = kloset::LockMode::shared,
                                                 .hostname = options.hostname}));
  }
  PLK_TRY(target.refresh());
  Sync run(source, target, options, observer, cancel);
  SyncReport report = PLK_TRY(run.run(snapshots, lock.get()));
  if (lock) PLK_TRY(lock->release());
  return report;
}

}  // namespace plakar::ops
