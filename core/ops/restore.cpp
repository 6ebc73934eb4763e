#include "core/ops/restore.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "core/flow/channel.h"
#include "core/flow/task_group.h"
#include "core/kloset/tree/path.h"

namespace plakar::ops {
namespace {

using kloset::Record;
using kloset::RecordKind;
using kloset::VfsEntry;

constexpr std::size_t files_waiting_max = 64;
// A run of zeros that is worth a hole.
constexpr std::size_t hole_size_min = 64 * 1024;

bool is_zeros(BytesView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

struct FileJob {
  Record record;     // as the destination gets it
  std::string path;  // in the snapshot
  Mac object;
  std::uint64_t size = 0;
};

class Restore {
 public:
  Restore(kloset::Repository& repository, kloset::SnapshotReader& snapshot,
          kloset::Destination& destination, const RestoreOptions& options,
          RestoreObserver& observer, const flow::CancelToken& cancel)
      : repository_(repository),
        snapshot_(snapshot),
        destination_(destination),
        options_(options),
        observer_(observer),
        cancel_(cancel),
        files_({.items = files_waiting_max}) {}

  Result<RestoreReport> run() {
    {
      flow::TaskGroup tasks(cancel_);
      for (std::size_t i = 0; i < std::max<std::size_t>(1, options_.threads); ++i) {
        tasks.spawn("restore", [this](const flow::CancelToken& token) { return work(token); });
      }
      tasks.spawn("walk", [this](const flow::CancelToken& token) { return walk(token); });
      PLK_TRY(tasks.wait());
    }
    PLK_TRY(cancel_.check());
    // Their first names are there now, if they could be restored at all.
    for (auto& [record, path] : links_) PLK_TRY(restore_link(record, path));
    PLK_TRY(destination_.finish([this](const std::string& path, const Error& error) {
      const std::lock_guard guard(mutex_);
      ++report_.errors;
      observer_.failed(path, error.message());
    }));
    return report_;
  }

 private:
  Status walk(const flow::CancelToken& token) {
    const auto start = PLK_TRY(snapshot_.find(options_.path));
    if (start && !kloset::is_directory((*start)->file_info.mode)) {
      // A file alone needs the directory that it goes into.
      base_ = kloset::parent_of(options_.path);
    } else {
      base_ = options_.path;
    }
    PLK_TRY(snapshot_.walk(
        options_.path,
        [&](const VfsEntry& entry, const Mac&) -> Status {
          PLK_TRY(token.check());
          return restore_entry(entry, token);
        },
        [this](const std::string& path, const Error& error) { return keep(path, error); }));
    files_.close();
    return {};
  }

  // "/base/a/b" becomes "/a/b".
  std::string rebased(const std::string& path) const {
    if (base_ == "/") return path;
    std::string rest = path.substr(base_.size());
    return rest.empty() ? "/" : rest;
  }

  Record record_of(const VfsEntry& entry, const std::string& path) const {
    Record record;
    record.path = rebased(path);
    record.target = entry.symlink_target;
    const kloset::FileInfo& info = entry.file_info;
    record.mode = info.mode;
    record.size = info.size;
    record.mod_time = info.mod_time;
    record.dev = info.dev;
    record.ino = info.ino;
    record.uid = info.uid;
    record.gid = info.gid;
    record.nlink = info.nlink;
    record.username = info.username;
    record.groupname = info.groupname;
    if (!entry.symlink_target.empty()) {
      record.kind = RecordKind::symlink;
    } else if (kloset::is_directory(info.mode)) {
      record.kind = RecordKind::directory;
    } else {
      record.kind = kloset::is_regular(info.mode) ? RecordKind::regular : RecordKind::special;
    }
    return record;
  }

  Status restore_entry(const VfsEntry& entry, const flow::CancelToken& token) {
    const std::string path = entry.path();
    Record record = record_of(entry, path);
    if (destination_.traits().xattrs) {
      auto attributes = snapshot_.attributes(entry);
      if (attributes) {
        for (auto& attribute : *attributes) {
          record.attributes.push_back(
              {.name = std::move(attribute.name), .value = std::move(attribute.value)});
        }
      } else {
        PLK_TRY(keep(path, attributes.error()));  // And without them, then.
      }
    }
    if (record.kind != RecordKind::regular) {
      const auto put = destination_.put(record);
      if (!put) return keep(path, put.error());
      done(path, 0);
      return {};
    }
    if (record.nlink > 1 && destination_.traits().hardlinks) {
      const auto [first, is_new] = first_names_.try_emplace({record.dev, record.ino}, record.path);
      if (!is_new) {
        record.kind = RecordKind::hardlink;
        record.target = first->second;
        links_.emplace_back(FileJob{.record = std::move(record),
                                    .path = path,
                                    .object = entry.object,
                                    .size = static_cast<std::uint64_t>(entry.file_info.size)},
                            path);
        return {};
      }
    }
    return files_.push(FileJob{.record = std::move(record),
                               .path = path,
                               .object = entry.object,
                               .size = static_cast<std::uint64_t>(entry.file_info.size)},
                       token);
  }

  Status work(const flow::CancelToken& token) {
    FileJob job;
    while (PLK_TRY(files_.pop(job, token))) PLK_TRY(keep(job.path, restore_file(job)));
    return {};
  }

  Status restore_file(const FileJob& job) {
    auto writer = PLK_TRY(destination_.put(job.record));
    if (writer == nullptr) {
      const std::lock_guard guard(mutex_);
      ++report_.skipped;
      observer_.skipped(job.path, job.size);
      return {};
    }
    kloset::ObjectReader reader = PLK_TRY(kloset::ObjectReader::open(repository_, job.object));
    if (reader.size() != job.size) {
      return Error(Errc::corrupt, "its content has " + std::to_string(reader.size()) +
                                      " bytes, its entry says " + std::to_string(job.size));
    }
    for (Bytes chunk; PLK_TRY(reader.next_chunk(chunk));) {
      if (chunk.size() >= hole_size_min && is_zeros(chunk)) {
        PLK_TRY(writer->write_zeros(chunk.size()));
      } else {
        PLK_TRY(writer->write(chunk));
      }
    }
    PLK_TRY(writer->commit());
    done(job.path, job.size);
    return {};
  }

  // Another name of a file whose first one has been restored; a copy where that cannot be.
  Status restore_link(FileJob& job, const std::string& path) {
    PLK_TRY(cancel_.check());
    const auto put = destination_.put(job.record);
    if (put) {
      done(path, 0);
      return {};
    }
    if (put.error().code() == Errc::cancelled) return put.error();
    job.record.kind = RecordKind::regular;
    job.record.target.clear();
    return keep(path, restore_file(job));
  }

  void done(const std::string& path, std::uint64_t bytes) {
    const std::lock_guard guard(mutex_);
    ++report_.entries;
    report_.bytes_written += bytes;
    observer_.restored(path, bytes);
  }

  Status keep(const std::string& path, const Status& outcome) {
    if (outcome) return {};
    if (outcome.error().code() == Errc::cancelled) return outcome;
    const std::lock_guard guard(mutex_);
    ++report_.errors;
    observer_.failed(path, outcome.error().message());
    return {};
  }

  kloset::Repository& repository_;
  kloset::SnapshotReader& snapshot_;
  kloset::Destination& destination_;
  const RestoreOptions& options_;
  RestoreObserver& observer_;
  flow::CancelToken cancel_;
  std::string base_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> first_names_;
  std::vector<std::pair<FileJob, std::string>> links_;
  flow::Channel<FileJob> files_;
  std::mutex mutex_;
  RestoreReport report_;  // guarded by mutex_, as is the observer
};

}  // namespace

Result<RestoreReport> restore(kloset::Repository& repository, const SnapshotId& snapshot,
                              kloset::Destination& destination, const RestoreOptions& options,
                              RestoreObserver& observer, const flow::CancelToken& cancel) {
  kloset::SnapshotReader reader = PLK_TRY(kloset::SnapshotReader::open(repository, snapshot));
  return Restore(repository, reader, destination, options, observer, cancel).run();
}

}  // namespace plakar::ops
