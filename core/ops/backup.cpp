#include "core/ops/backup.h"

#include <memory>
#include <utility>

#include "core/base/clock.h"
#include "core/kloset/repository/lock.h"
#include "core/kloset/snapshot/catalogue.h"
#include "core/kloset/snapshot/listing.h"
#include "core/kloset/snapshot/snapshot_reader.h"
#include "core/ops/internal/backup_run.h"
#include "core/ops/internal/parent_lookup.h"

namespace plakar::ops {
namespace {

using kloset::Record;
using kloset::RecordKind;
using kloset::SnapshotReader;

// A snapshot whose blobs are stored, but for that of its header.
struct Stored {
  BackupReport report;
  Bytes header;
};

// The caller holds the lock, and has refreshed the index.
Result<Stored> store_snapshot(kloset::Repository& repository, kloset::Transaction& transaction,
                              const SnapshotId& id, kloset::Source& source,
                              const BackupOptions& options, BackupObserver& observer,
                              const flow::CancelToken& cancel) {
  const Env& env = repository.env();
  const MonotonicTime begin = env.clock.monotonic();
  const WallTime now = env.clock.wall();
  BackupReport report;
  report.id = id;

  const kloset::SourceIdentity identity = source.identity();
  const kloset::Importer importer{
      .type = identity.type, .origin = identity.origin, .directory = identity.root};
  std::optional<ParentLookup> parent;
  if (options.use_parent) {
    report.parent = PLK_TRY(find_parent(repository, importer));
    if (report.parent) {
      auto snapshot = SnapshotReader::open(repository, *report.parent);
      if (snapshot) {
        parent.emplace(repository, *std::move(snapshot));
      } else if (kloset::is_damage(snapshot.error())) {
        // Its header is known from the cache only: everything is read, and `check` reports it.
        report.parent.reset();
      } else {
        return std::move(snapshot).error();
      }
    }
  }

  const kloset::Chunker chunker = PLK_TRY(kloset::Chunker::create(repository.config().chunking));
  BackupRun run(env, source, transaction, chunker, options, observer, cancel);
  kloset::HeaderSource header_source = PLK_TRY(run.run(std::move(parent), importer));
  report.entries = run.entries();
  report.files_reused = run.files_reused();
  report.bytes_read = run.bytes_read();
  report.errors = run.errors();
  if (options.strict && report.errors > 0) {
    return Error(Errc::io, std::to_string(report.errors) +
                               " paths could not be read; nothing was committed, as -strict asks");
  }

  report.duration = env.clock.monotonic() - begin;
  kloset::SnapshotHeader header;
  header.identifier = id;
  header.timestamp = options.timestamp.value_or(to_unix_time(now));
  header.duration_ns = report.duration.count();
  header.name = options.name;
  header.category = options.category;
  header.environment = options.environment;
  header.perimeter = options.perimeter;
  header.job = options.job;
  header.replicas = 1;
  header.dataset = options.dataset;
  header.data_classes = options.data_classes;
  header.tags = options.tags;
  header.context = options.context;
  header.sources.push_back(std::move(header_source));
  return Stored{.report = std::move(report), .header = kloset::encode_header(header)};
}

// What a dry run does.
Status walk_only(kloset::Source& source, BackupObserver& observer, const flow::CancelToken& cancel,
                 BackupReport& report) {
  std::vector<Record> records;
  while (PLK_TRY(source.next(records))) {
    PLK_TRY(cancel.check());
    for (const Record& record : records) {
      if (record.kind == RecordKind::error) {
        ++report.errors;
        observer.failed(record.path, record.error);
      } else if (record.kind != RecordKind::xattr) {
        ++report.entries;
        observer.stored(record, 0, false);
      }
      source.acknowledge(record, {});
    }
  }
  return {};
}

}  // namespace

Result<std::optional<SnapshotId>> find_parent(kloset::Repository& repository,
                                              const kloset::Importer& importer) {
  return kloset::find_newest_snapshot(repository, importer);
}

Result<BackupReport> backup_into(kloset::Repository& repository, kloset::Transaction& transaction,
                                 kloset::Source& source, const BackupOptions& options,
                                 BackupObserver& observer, const flow::CancelToken& cancel) {
  const SnapshotId id = options.id ? *options.id : SnapshotId::random(repository.env().random);
  Stored stored =
      PLK_TRY(store_snapshot(repository, transaction, id, source, options, observer, cancel));
  PLK_TRY(transaction.put_snapshot(id, stored.header));
  stored.report.stored = transaction.stats();
  return std::move(stored.report);
}

Result<BackupReport> backup(kloset::Repository& repository, kloset::Source& source,
                            const BackupOptions& options, BackupObserver& observer,
                            const flow::CancelToken& cancel) {
  const Env& env = repository.env();
  const MonotonicTime begin = env.clock.monotonic();
  const SnapshotId id = options.id ? *options.id : SnapshotId::random(env.random);

  // The lock first and the index afterwards: between the two, maintenance could colour what the
  // backup would rely on.
  std::unique_ptr<kloset::RepositoryLock> lock;
  if (options.lock && !repository.store().traits().archive) {
    lock = PLK_TRY(kloset::RepositoryLock::acquire(repository.store(), repository.config(),
                                                   repository.keys(), env,
                                                   {.id = kloset::LockId{.bytes = id.bytes},
                                                    .mode = kloset::LockMode::shared,
                                                    .hostname = options.hostname}));
  }
  if (options.dry_run) {
    BackupReport report;
    PLK_TRY(walk_only(source, observer, cancel, report));
    report.duration = env.clock.monotonic() - begin;
    if (lock) PLK_TRY(lock->release());
    return report;
  }
  PLK_TRY(repository.refresh());

  const auto transaction =
      kloset::Transaction::begin(repository, {.data_packfiles = options.threads});
  Stored stored =
      PLK_TRY(store_snapshot(repository, *transaction, id, source, options, observer, cancel));
  if (lock) PLK_TRY(lock->check());
  observer.entered(BackupPhase::commit);
  PLK_TRY(transaction->commit(id, stored.header));
  BackupReport report = std::move(stored.report);
  report.stored = transaction->stats();
  report.duration = env.clock.monotonic() - begin;
  if (lock) PLK_TRY(lock->release());
  repository.save_index();
  return report;
}

}  // namespace plakar::ops
