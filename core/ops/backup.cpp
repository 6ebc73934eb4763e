#include "core/ops/backup.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/flow/channel.h"
#include "core/flow/task_group.h"
#include "core/kloset/repository/lock.h"
#include "core/kloset/snapshot/catalogue.h"
#include "core/kloset/snapshot/listing.h"
#include "core/kloset/snapshot/object_writer.h"
#include "core/kloset/snapshot/snapshot_builder.h"
#include "core/kloset/snapshot/snapshot_reader.h"
#include "core/kloset/tree/entry.h"
#include "core/kloset/tree/path.h"

namespace plakar::ops {
namespace {

using kloset::ContentReader;
using kloset::FoundEntry;
using kloset::Record;
using kloset::RecordKind;
using kloset::SnapshotReader;
using kloset::StoredContent;
using kloset::VfsEntry;

constexpr std::string_view not_regular = "application/x-not-regular-file";

// How many batches of records wait for a worker.
constexpr std::size_t batches_waiting_max = 8;

kloset::FileInfo file_info(const Record& record) {
  return {.name = kloset::name_of(record.path),
          .size = record.size,
          .mode = record.mode,
          .mod_time = record.mod_time,
          .dev = record.dev,
          .ino = record.ino,
          .uid = record.uid,
          .gid = record.gid,
          .nlink = record.nlink,
          .username = record.username,
          .groupname = record.groupname,
          .flags = 0};
}

VfsEntry entry_of(const Record& record) {
  VfsEntry entry;
  entry.parent_path = kloset::parent_of(record.path);
  entry.file_info = file_info(record);
  entry.symlink_target = record.target;
  for (const auto& attribute : record.attributes) {
    entry.extended_attributes.push_back(attribute.name);
  }
  if (record.kind == RecordKind::symlink || record.kind == RecordKind::special) {
    entry.content_type = not_regular;
  }
  return entry;
}

// What the last snapshot says of a file, as far as it can be used again.
struct Known {
  Mac object;
  std::uint64_t size = 0;
  std::uint64_t chunks = 0;
  double entropy = 0;
  std::string content_type;
};

struct Job {
  Record record;
  std::optional<Known> known;  // set: unchanged, not to be read
};

// Answers from the parent snapshot, directory by directory: records of one directory come one
// after the other.
class ParentLookup {
 public:
  ParentLookup(kloset::Repository& repository, SnapshotReader snapshot)
      : repository_(repository), snapshot_(std::move(snapshot)) {}

  std::optional<Known> find_unchanged(const Record& record) {
    if (record.kind != RecordKind::regular) return std::nullopt;
    if (record.identity != kloset::ContentIdentity::by_metadata) return std::nullopt;
    const std::string_view parent = kloset::parent_of(record.path);
    if (!loaded_ || directory_ != parent) load(parent);
    const auto found = entries_.find(std::string(kloset::name_of(record.path)));
    if (found == entries_.end()) return std::nullopt;
    const VfsEntry& old = *found->second;
    const VfsEntry now = entry_of(record);
    const bool same = old.file_info.same_file(now.file_info) &&
                      old.extended_attributes == now.extended_attributes &&
                      old.symlink_target.empty();
    // A snapshot may refer to what maintenance lost; then the file is read again, and healed.
    if (!same || !repository_.has(kloset::ResourceType::object, old.object)) return std::nullopt;
    return Known{.object = old.object,
                 .size = static_cast<std::uint64_t>(old.file_info.size),
                 .chunks = old.chunks,
                 .entropy = old.entropy,
                 .content_type = std::string(old.content_type)};
  }

 private:
  void load(std::string_view directory) {
    directory_ = directory;
    loaded_ = true;
    entries_.clear();
    // A directory that is new, or a listing that is damaged: everything in it is read.
    const Status listed = snapshot_.list(directory, [&](const VfsEntry& entry, const Mac& id) {
      Bytes encoded;
      kloset::encode_vfs_entry(encoded, entry);
      auto kept = FoundEntry::decode(std::move(encoded), id);
      if (kept) entries_.emplace(std::string(entry.file_info.name), *std::move(kept));
      return Status();
    });
    if (!listed) entries_.clear();
  }

  kloset::Repository& repository_;
  SnapshotReader snapshot_;
  std::string directory_;
  bool loaded_ = false;
  std::unordered_map<std::string, FoundEntry> entries_;
};

class Backup {
 public:
  Backup(kloset::Source& source, const BackupOptions& options, BackupObserver& observer,
         const flow::CancelToken& cancel, kloset::Chunker chunker, kloset::Transaction& transaction)
      : source_(source),
        options_(options),
        observer_(observer),
        cancel_(cancel),
        chunker_(chunker),
        transaction_(transaction),
        builder_(transaction, chunker_),
        jobs_({.items = batches_waiting_max}) {}

  Result<kloset::HeaderSource> run(std::optional<ParentLookup> parent, kloset::Importer importer) {
    const std::size_t workers =
        source_.traits().sequential ? 1 : std::max<std::size_t>(1, options_.threads);
    {
      flow::TaskGroup tasks(cancel_);
      for (std::size_t i = 0; i < workers; ++i) {
        tasks.spawn("store", [this](const flow::CancelToken& token) { return work(token); });
      }
      tasks.spawn("scan", [&](const flow::CancelToken& token) { return scan(parent, token); });
      PLK_TRY(tasks.wait());
    }
    PLK_TRY(cancel_.check());
    // A root that is a file: what was backed up is the directory that it is in.
    if (root_is_file_) importer.directory = kloset::parent_of(importer.directory);
    return builder_.finish(std::move(importer),
                           [this](std::string_view path, std::string_view why) {
                             ++errors_;
                             observer_.failed(path, why);
                           });
  }

  std::uint64_t entries() const noexcept { return entries_; }
  std::uint64_t files_reused() const noexcept { return files_reused_; }
  std::uint64_t bytes_read() const noexcept { return bytes_read_; }
  std::uint64_t errors() const noexcept { return errors_; }

 private:
  Status scan(std::optional<ParentLookup>& parent, const flow::CancelToken& token) {
    const std::string root = source_.identity().root;
    std::vector<Record> records;
    while (PLK_TRY(source_.next(records))) {
      std::vector<Job> batch;
      for (Record& record : records) {
        if (record.path == root && record.kind == RecordKind::regular) root_is_file_ = true;
        Job& job = batch.emplace_back();
        if (parent) job.known = parent->find_unchanged(record);
        job.record = std::move(record);
      }
      PLK_TRY(jobs_.push(std::move(batch), token));
    }
    jobs_.close();
    return {};
  }

  Status work(const flow::CancelToken& token) {
    kloset::ObjectWriter writer(transaction_, chunker_);
    std::vector<Job> batch;
    while (PLK_TRY(jobs_.pop(batch, token))) {
      for (Job& job : batch) {
        PLK_TRY(token.check());
        const Status outcome = process(job, writer);
        source_.acknowledge(job.record, outcome);
        PLK_TRY(outcome);
      }
    }
    return {};
  }

  // An error of the record itself is recorded, and not returned; what is returned ends it all.
  Status process(Job& job, kloset::ObjectWriter& writer) {
    Record& record = job.record;
    if (record.kind == RecordKind::error) return record_error(record.path, record.error);
    if (record.kind == RecordKind::xattr) return store_xattr_record(record, writer);
    if (!kloset::is_clean_path(record.path)) {
      return record_error(record.path, "a path that is not absolute and clean");
    }

    VfsEntry entry = entry_of(record);
    std::string content_type;
    std::uint64_t bytes = 0;
    if (record.kind == RecordKind::regular) {
      StoredContent content;
      if (job.known) {
        content = {.object = job.known->object,
                   .size = job.known->size,
                   .chunks = job.known->chunks,
                   .entropy = job.known->entropy,
                   .content_type = job.known->content_type};
      } else {
        auto [stored, source_failed] = store_file(record, writer);
        // A store that fails fails for all; a file that cannot be read, for itself.
        if (source_failed) return record_error(record.path, stored.error().message());
        content = PLK_TRY(std::move(stored));
        bytes = content.size;
        bytes_read_ += bytes;
      }
      const bool size_known = record.identity == kloset::ContentIdentity::by_metadata;
      if (size_known && content.size != static_cast<std::uint64_t>(record.size)) {
        PLK_TRY(record_error(record.path,
                             "the file changed while it was read: " + std::to_string(content.size) +
                                 " bytes instead of " + std::to_string(record.size)));
      }
      entry.object = content.object;
      entry.file_info.size = static_cast<std::int64_t>(content.size);
      entry.entropy = content.entropy;
      entry.chunks = content.chunks;
      content_type = std::move(content.content_type);
      entry.content_type = content_type;
    }
    PLK_TRY(store_attributes(record, writer));

    Bytes encoded;
    kloset::encode_vfs_entry(encoded, entry);
    const Mac id = PLK_TRY(transaction_.put(kloset::ResourceType::vfs_entry, encoded));
    const std::lock_guard guard(mutex_);
    builder_.add_stored_entry(entry, encoded, id);
    ++entries_;
    if (job.known) ++files_reused_;
    observer_.stored(record, bytes, job.known.has_value());
    return {};
  }

  // Tells the errors of the source from those of the store.
  class CheckedReader final : public ContentReader {
   public:
    explicit CheckedReader(ContentReader& inner) : inner_(inner) {}
    Result<std::size_t> read(std::span<std::byte> out) override {
      auto got = inner_.read(out);
      failed_ = failed_ || !got;
      return got;
    }
    bool failed() const noexcept { return failed_; }

   private:
    ContentReader& inner_;
    bool failed_ = false;
  };

  struct FileOutcome {
    Result<StoredContent> content;
    bool source_failed;  // and not the store; a cancel is neither's failure
  };
  FileOutcome store_file(const Record& record, kloset::ObjectWriter& writer) {
    auto reader = source_.open(record);
    if (!reader) {
      const bool failed = reader.error().code() != Errc::cancelled;
      return {.content = std::move(reader).error(), .source_failed = failed};
    }
    CheckedReader checked(**reader);
    auto stored = writer.store(checked);
    const bool failed = !stored && checked.failed() && stored.error().code() != Errc::cancelled;
    return {.content = std::move(stored), .source_failed = failed};
  }

  Status store_attributes(const Record& record, kloset::ObjectWriter& writer) {
    for (const auto& attribute : record.attributes) {
      const StoredContent content = PLK_TRY(writer.store(attribute.value));
      PLK_TRY(add_xattr(record.path, attribute.name, content));
    }
    return {};
  }

  Status store_xattr_record(const Record& record, kloset::ObjectWriter& writer) {
    auto [stored, source_failed] = store_file(record, writer);
    if (source_failed) return record_error(record.path, stored.error().message());
    const StoredContent content = PLK_TRY(std::move(stored));
    return add_xattr(record.path, record.xattr_name, content);
  }

  Status add_xattr(std::string_view path, std::string_view name, const StoredContent& content) {
    const std::lock_guard guard(mutex_);
    return builder_.add_xattr({.version = 0,
                               .path = path,
                               .name = name,
                               .size = static_cast<std::int64_t>(content.size),
                               .kind = kloset::XattrKind::extended,
                               .object = content.object});
  }

  Status record_error(std::string_view path, std::string_view error) {
    const std::lock_guard guard(mutex_);
    ++errors_;
    observer_.failed(path, error);
    return builder_.add_error(path, error);
  }

  kloset::Source& source_;
  const BackupOptions& options_;
  BackupObserver& observer_;
  flow::CancelToken cancel_;
  kloset::Chunker chunker_;
  kloset::Transaction& transaction_;

  std::mutex mutex_;
  kloset::SnapshotBuilder builder_;  // guarded by mutex_, as are the observer and these
  std::uint64_t entries_ = 0;
  std::uint64_t files_reused_ = 0;
  std::uint64_t errors_ = 0;

  std::atomic<std::uint64_t> bytes_read_ = 0;
  std::atomic<bool> root_is_file_ = false;
  flow::Channel<std::vector<Job>> jobs_;
};

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
  Backup run(source, options, observer, cancel, chunker, transaction);
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
  PLK_TRY(transaction->commit(id, stored.header));
  BackupReport report = std::move(stored.report);
  report.stored = transaction->stats();
  report.duration = env.clock.monotonic() - begin;
  if (lock) PLK_TRY(lock->release());
  repository.save_index();
  return report;
}

}  // namespace plakar::ops
