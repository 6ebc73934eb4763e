#include "core/ops/restore.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "core/flow/channel.h"
#include "core/flow/memory_budget.h"
#include "core/flow/task_group.h"
#include "core/kloset/chunking/chunker.h"
#include "core/kloset/format/object.h"
#include "core/kloset/repository/blob_reader.h"
#include "core/kloset/tree/path.h"

namespace plakar::ops {
namespace {

using kloset::ChunkRef;
using kloset::ContentWriter;
using kloset::Record;
using kloset::RecordKind;
using kloset::ResourceType;
using kloset::VfsEntry;

// Files up to this size are read together, and written by one thread after the other; larger ones
// are cut into parts.
constexpr std::uint64_t small_size_max = 1u << 20;
constexpr std::size_t batch_files_max = 256;
constexpr std::uint64_t batch_bytes_max = 4u << 20;
// Where files may be skipped each is opened before it is read: that many at once.
constexpr std::size_t batch_files_max_open = 32;
// Of a large file, so much is decoded at once, or one chunk.
constexpr std::uint64_t part_size_max = 8u << 20;
// How much work is ready, for each thread.
constexpr std::size_t tasks_waiting_max = 2;
// A run of zeros that is worth a hole.
constexpr std::size_t hole_unit = 64 * 1024;
// Chunks of zeros that are known. There is one of each length.
constexpr std::size_t zero_chunks_max = 1000;

bool is_zeros(BytesView bytes) {
  // The first bytes tell in most cases; in the others, each equals the one before.
  constexpr std::size_t look = 64;
  const auto front = bytes.first(std::min(look, bytes.size()));
  for (const std::byte b : front) {
    if (b != std::byte{0}) return false;
  }
  return bytes.size() <= look ||
         std::memcmp(bytes.data(), bytes.data() + look, bytes.size() - look) == 0;
}

// Chunks that are known to be nothing but zeros: they need not be read again.
class ZeroChunks {
 public:
  void add(const ChunkRef& chunk) {
    const std::lock_guard guard(mutex_);
    if (known_.size() < zero_chunks_max) known_.insert({chunk.content, chunk.length});
  }
  bool contains(const ChunkRef& chunk) const {
    const std::lock_guard guard(mutex_);
    return known_.contains({chunk.content, chunk.length});
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::pair<Mac, std::uint32_t>> known_;
};

struct FileJob {
  Record record;     // as the destination gets it
  std::string path;  // in the snapshot
  Mac object;

  std::uint64_t size() const noexcept { return static_cast<std::uint64_t>(record.size); }
};

// Small files, to be read together.
using Batch = std::vector<FileJob>;

// A file whose parts are written by several threads. The last one that is done finishes it.
struct LargeFile {
  FileJob job;
  std::unique_ptr<ContentWriter> writer;
  std::vector<ChunkRef> chunks;
  std::atomic<std::size_t> parts_left = 0;
  std::mutex mutex;
  std::optional<Error> failure;  // guarded by mutex
  std::atomic<bool> failed = false;

  void fail(Error error) {
    const std::lock_guard guard(mutex);
    if (!failure) failure = std::move(error);
    failed = true;
  }
};

struct Part {
  std::shared_ptr<LargeFile> file;  // of all its parts
  std::size_t first = 0;            // chunk
  std::size_t last = 0;
  std::uint64_t offset = 0;
};

// A large file for a destination that takes content front to back.
struct WholeFile {
  FileJob job;
};

using Task = std::variant<Batch, Part, WholeFile>;

// What one thread works with.
struct Worker {
  kloset::BlobReader reader;
  flow::Block room{};

  // Page-aligned memory, as large as is wanted.
  Result<std::span<std::byte>> take(flow::MemoryBudget& budget, std::size_t size,
                                    const flow::CancelToken& cancel) {
    if (room.size() < size) {
      room = flow::Block();
      room = PLK_TRY(budget.acquire(size, cancel));
    }
    return room.bytes().first(size);
  }
};

constexpr std::size_t room_size = part_size_max + 2 * flow::Block::alignment;

Error as_damage(const Error& error) {
  return error.code() == Errc::not_found ? Error(Errc::corrupt, error.message()) : error;
}

class Restore {
 public:
  Restore(kloset::Repository& repository, kloset::SnapshotReader& snapshot,
          kloset::Destination& destination, const RestoreOptions& options,
          RestoreObserver& observer, const flow::CancelToken& cancel)
      : repository_(repository),
        snapshot_(snapshot),
        destination_(destination),
        traits_(destination.traits()),
        options_(options),
        observer_(observer),
        cancel_(cancel),
        threads_(std::max<std::size_t>(1, options.threads)),
        // A chunk may be larger than a part is to be.
        memory_(threads_ * flow::Block::rounded_up(std::max<std::size_t>(
                               room_size, kloset::chunk_size_limit + 2 * flow::Block::alignment))),
        tasks_({.items = threads_ * tasks_waiting_max}) {}

  Result<RestoreReport> run() {
    announce();
    {
      flow::TaskGroup threads(cancel_);
      for (std::size_t i = 0; i < threads_; ++i) {
        threads.spawn("restore", [this](const flow::CancelToken& token) { return work(token); });
      }
      threads.spawn("walk", [this](const flow::CancelToken& token) { return walk(token); });
      PLK_TRY(threads.wait());
    }
    PLK_TRY(cancel_.check());
    // Their first names are there now, if they could be restored at all.
    if (!links_.empty()) {
      Worker worker{.reader = PLK_TRY(kloset::BlobReader::create(repository_))};
      for (FileJob& job : links_) PLK_TRY(restore_link(job, worker));
    }
    PLK_TRY(destination_.finish([this](const std::string& path, const Error& error) {
      const std::lock_guard guard(mutex_);
      ++report_.errors;
      observer_.failed(path, error.message());
    }));
    return report_;
  }

 private:
  void announce() {
    // That there is none, or that it is damaged, is for the walk to say, which may go on all the
    // same.
    const auto start = snapshot_.find(options_.path);
    if (start && *start && !kloset::is_directory((**start)->file_info.mode)) {
      // A file alone needs the directory that it goes into.
      base_ = kloset::parent_of(options_.path);
      observer_.expected(1, static_cast<std::uint64_t>((**start)->file_info.size));
      return;
    }
    base_ = options_.path;
    // Informational, and so is that it cannot be read.
    const auto summary = snapshot_.summary(options_.path);
    if (!summary || !*summary) return;
    std::uint64_t entries = 1;
    std::uint64_t bytes = 0;
    for (const kloset::Totals& totals : {(*summary)->directory, (*summary)->below}) {
      entries += totals.directories + totals.files + totals.symlinks + totals.devices +
                 totals.pipes + totals.sockets;
      bytes += totals.size;
    }
    observer_.expected(entries, bytes);
  }

  Status walk(const flow::CancelToken& token) {
    PLK_TRY(snapshot_.walk(
        options_.path,
        [&](const VfsEntry& entry, const Mac&) -> Status {
          PLK_TRY(token.check());
          return restore_entry(entry, token);
        },
        [this](const std::string& path, const Error& error) { return keep(path, error); }));
    if (!batch_.empty()) PLK_TRY(tasks_.push(std::exchange(batch_, {}), token));
    tasks_.close();
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
    std::string path = entry.path();
    Record record = record_of(entry, path);
    if (traits_.xattrs && !entry.extended_attributes.empty()) {
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
    if (record.size < 0) return keep(path, Error(Errc::corrupt, "a size below zero"));
    FileJob job{.record = std::move(record), .path = std::move(path), .object = entry.object};
    if (traits_.hardlinks && PLK_TRY(is_restored_as_link(job))) return {};
    if (job.size() > small_size_max) return start_large(std::move(job), token);

    const std::size_t files_max = traits_.skips ? batch_files_max_open : batch_files_max;
    if (batch_.size() >= files_max || batch_bytes_ + job.size() > batch_bytes_max) {
      PLK_TRY(tasks_.push(std::exchange(batch_, {}), token));
      batch_bytes_ = 0;
    }
    batch_bytes_ += job.size();
    batch_.push_back(std::move(job));
    return {};
  }

  // Whether this is another name of a file that was met before: then it is linked now, or later if
  // that is still under way.
  Result<bool> is_restored_as_link(FileJob& job) {
    const Record& record = job.record;
    if (record.nlink < 2) return false;
    const auto [found, is_new] = first_names_.try_emplace({record.dev, record.ino});
    FirstName& first = found->second;
    if (is_new) {
      first = {.path = record.path, .names_left = record.nlink - 1u};
      return false;
    }
    job.record.kind = RecordKind::hardlink;
    job.record.target = first.path;
    // All names of most files are in the snapshot: nothing need be remembered any longer.
    if (--first.names_left == 0) first_names_.erase(found);
    const auto put = destination_.put(job.record);
    if (put) {
      done(job.path, 0);
      return true;
    }
    if (put.error().code() == Errc::cancelled) return put.error();
    links_.push_back(std::move(job));
    return true;
  }

  // Another name of a file whose first one has been restored; a copy where that cannot be.
  Status restore_link(FileJob& job, Worker& worker) {
    PLK_TRY(cancel_.check());
    const auto put = destination_.put(job.record);
    if (put) {
      done(job.path, 0);
      return {};
    }
    if (put.error().code() == Errc::cancelled) return put.error();
    job.record.kind = RecordKind::regular;
    job.record.target.clear();
    return keep(job.path, restore_whole(job, worker, cancel_));
  }

  // The object and a writer; null for a file that is skipped.
  Result<std::shared_ptr<LargeFile>> open_large(FileJob job) {
    auto file = std::make_shared<LargeFile>();
    file->writer = PLK_TRY(destination_.put(job.record));
    if (file->writer == nullptr) {
      skipped(job);
      return std::shared_ptr<LargeFile>();
    }
    const Bytes bytes =
        PLK_TRY(repository_.load(ResourceType::object, job.object, kloset::object_size_max));
    file->chunks = PLK_TRY(chunks_of(job, bytes));
    file->job = std::move(job);
    return file;
  }

  // What the object is made of, if it is what the entry says.
  static Result<std::vector<ChunkRef>> chunks_of(const FileJob& job, BytesView object) {
    kloset::Object decoded = PLK_TRY(kloset::decode_object(object));
    for (const ChunkRef& chunk : decoded.chunks) {
      if (chunk.length > kloset::chunk_size_limit) {
        return Error(Errc::corrupt, "a chunk of " + std::to_string(chunk.length) + " bytes");
      }
    }
    if (decoded.size() != job.size()) {
      return Error(Errc::corrupt, "its content has " + std::to_string(decoded.size()) +
                                      " bytes, its entry says " + std::to_string(job.size()));
    }
    return std::move(decoded.chunks);
  }

  static Part next_part(const std::shared_ptr<LargeFile>& file, std::size_t first,
                        std::uint64_t offset) {
    Part part{.file = file, .first = first, .last = first, .offset = offset};
    std::uint64_t size = 0;
    for (; part.last < file->chunks.size(); ++part.last) {
      size += file->chunks[part.last].length;
      if (size > part_size_max && part.last > first) break;
    }
    return part;
  }

  static std::uint64_t size_of(const Part& part) {
    std::uint64_t size = 0;
    for (std::size_t i = part.first; i < part.last; ++i) size += part.file->chunks[i].length;
    return size;
  }

  Status start_large(FileJob job, const flow::CancelToken& token) {
    if (!traits_.random_access) return tasks_.push(WholeFile{std::move(job)}, token);
    const std::string path = job.path;
    auto opened = open_large(std::move(job));
    if (!opened) return keep(path, as_damage(opened.error()));
    const std::shared_ptr<LargeFile> file = *std::move(opened);
    if (file == nullptr) return {};
    std::vector<Part> parts;
    std::uint64_t offset = 0;
    for (std::size_t first = 0; first < file->chunks.size();) {
      parts.push_back(next_part(file, first, offset));
      offset += size_of(parts.back());
      first = parts.back().last;
    }
    file->parts_left = parts.size();
    for (Part& part : parts) PLK_TRY(tasks_.push(std::move(part), token));
    return {};
  }

  // From here on in several threads.

  Status work(const flow::CancelToken& token) {
    Worker worker{.reader = PLK_TRY(kloset::BlobReader::create(repository_))};
    for (Task task; PLK_TRY(tasks_.pop(task, token));) {
      if (auto* batch = std::get_if<Batch>(&task)) {
        PLK_TRY(restore_batch(*batch, worker, token));
      } else if (auto* part = std::get_if<Part>(&task)) {
        PLK_TRY(restore_part(*part, worker, token));
      } else if (auto* whole = std::get_if<WholeFile>(&task)) {
        PLK_TRY(keep(whole->job.path, restore_whole(whole->job, worker, token)));
      }
      task = Task();
    }
    return {};
  }

  // One small file of a batch.
  struct Small {
    FileJob* job = nullptr;
    std::unique_ptr<ContentWriter> writer{};  // made ahead where files may be skipped
    std::vector<ChunkRef> chunks{};
    std::span<std::byte> content{};
    std::optional<Error> failure{};
  };

  Status restore_batch(Batch& batch, Worker& worker, const flow::CancelToken& token) {
    std::vector<Small> files;
    files.reserve(batch.size());
    for (FileJob& job : batch) {
      Small file{.job = &job};
      if (traits_.skips) {
        auto writer = destination_.put(job.record);
        if (!writer) {
          PLK_TRY(keep(job.path, writer.error()));
          continue;
        }
        if (*writer == nullptr) {
          skipped(job);
          continue;
        }
        file.writer = *std::move(writer);
      }
      files.push_back(std::move(file));
    }
    PLK_TRY(load_objects(files, worker, token));
    PLK_TRY(load_contents(files, worker, token));
    for (Small& file : files) {
      PLK_TRY(token.check());
      PLK_TRY(keep(file.job->path, write_small(file)));
    }
    return {};
  }

  Status load_objects(std::vector<Small>& files, Worker& worker, const flow::CancelToken& token) {
    std::vector<kloset::WantedBlob> wanted;
    for (const Small& file : files) {
      wanted.push_back({.type = ResourceType::object,
                        .mac = file.job->object,
                        .plain_size_max = kloset::object_size_max});
    }
    return worker.reader.read(
        wanted,
        [&](std::size_t number, Result<BytesView> plain) -> Status {
          Small& file = files[number];
          auto chunks = plain ? chunks_of(*file.job, *plain)
                              : Result<std::vector<ChunkRef>>(as_damage(plain.error()));
          if (chunks) {
            file.chunks = *std::move(chunks);
          } else {
            file.failure = std::move(chunks).error();
          }
          return {};
        },
        token);
  }

  Status load_contents(std::vector<Small>& files, Worker& worker, const flow::CancelToken& token) {
    const auto room = PLK_TRY(worker.take(memory_, room_size, token));
    std::vector<kloset::WantedBlob> wanted;
    std::vector<std::size_t> whose;
    std::size_t used = 0;
    for (std::size_t i = 0; i < files.size(); ++i) {
      Small& file = files[i];
      if (file.failure) continue;
      // That it fits was seen to when the batch was made.
      file.content = room.subspan(used, file.job->size());
      used += file.content.size();
      std::size_t at = 0;
      for (const ChunkRef& chunk : file.chunks) {
        const auto out = file.content.subspan(at, chunk.length);
        at += chunk.length;
        // The chunk of an empty file, too, has to be there.
        wanted.push_back({.type = ResourceType::chunk,
                          .mac = chunk.content,
                          .plain_size_max = chunk.length,
                          .out = out});
        whose.push_back(i);
      }
    }
    return read_chunks(wanted, worker, token, [&](std::size_t number, const Error& error) {
      std::optional<Error>& failure = files[whose[number]].failure;
      if (!failure) failure = error;
    });
  }

  template <class Failed>
  static Status read_chunks(const std::vector<kloset::WantedBlob>& wanted, Worker& worker,
                            const flow::CancelToken& token, const Failed& failed) {
    return worker.reader.read(
        wanted,
        [&](std::size_t number, Result<BytesView> plain) -> Status {
          const kloset::WantedBlob& chunk = wanted[number];
          if (!plain) {
            failed(number, as_damage(plain.error()));
          } else if (plain->size() != chunk.plain_size_max) {
            failed(number,
                   Error(Errc::corrupt, "chunk " + chunk.mac.short_hex() + " has " +
                                            std::to_string(plain->size()) + " bytes instead of " +
                                            std::to_string(chunk.plain_size_max)));
          }
          return {};
        },
        token);
  }

  Status write_small(Small& file) {
    if (file.failure) return *std::move(file.failure);
    if (!file.writer) file.writer = PLK_TRY(destination_.put(file.job->record));
    if (!file.writer) {
      skipped(*file.job);
      return {};
    }
    PLK_TRY(write_runs(0, file.content, [&](std::uint64_t, BytesView run, bool zeros) {
      return zeros ? file.writer->write_zeros(run.size()) : file.writer->write(run);
    }));
    PLK_TRY(file.writer->commit());
    wrote(file.content.size());
    done(file.job->path, file.content.size());
    return {};
  }

  // Cuts content, which lies at `offset` of its file, into runs that are zeros and runs that are
  // not.
  template <class Write>
  static Status write_runs(std::uint64_t offset, BytesView content, const Write& write) {
    const auto unit_at = [&](std::size_t at) {
      const std::size_t to_boundary = hole_unit - (offset + at) % hole_unit;
      return content.subspan(at, std::min(to_boundary, content.size() - at));
    };
    // A shorter piece is no hole.
    const auto is_hole = [&](std::size_t at) {
      const BytesView unit = unit_at(at);
      return unit.size() == hole_unit && is_zeros(unit);
    };
    for (std::size_t begin = 0; begin < content.size();) {
      const bool zeros = is_hole(begin);
      std::size_t end = begin + unit_at(begin).size();
      while (end < content.size() && is_hole(end) == zeros) end += unit_at(end).size();
      PLK_TRY(write(offset + begin, content.subspan(begin, end - begin), zeros));
      begin = end;
    }
    return {};
  }

  // Reads the chunks of a part into page-aligned memory, where they lie as in the file.
  Result<BytesView> load_part(const Part& part, Worker& worker, const flow::CancelToken& token) {
    const std::uint64_t size = size_of(part);
    const std::size_t skew = part.offset % flow::Block::alignment;
    const auto room =
        PLK_TRY(worker.take(memory_, std::max<std::size_t>(room_size, skew + size), token));
    const auto content = room.subspan(skew, size);
    std::vector<kloset::WantedBlob> wanted;
    std::size_t at = 0;
    for (std::size_t i = part.first; i < part.last; ++i) {
      const ChunkRef& chunk = part.file->chunks[i];
      const auto out = content.subspan(at, chunk.length);
      at += chunk.length;
      if (zeros_.contains(chunk)) {
        std::fill(out.begin(), out.end(), std::byte{0});
        continue;
      }
      wanted.push_back({.type = ResourceType::chunk,
                        .mac = chunk.content,
                        .plain_size_max = chunk.length,
                        .out = out});
    }
    std::optional<Error> failure;
    PLK_TRY(read_chunks(wanted, worker, token, [&](std::size_t, const Error& error) {
      if (!failure) failure = error;
    }));
    if (failure) return *std::move(failure);
    at = 0;
    for (std::size_t i = part.first; i < part.last; ++i) {
      const ChunkRef& chunk = part.file->chunks[i];
      const auto out = content.subspan(at, chunk.length);
      at += chunk.length;
      if (out.size() >= hole_unit && is_zeros(out)) zeros_.add(chunk);
    }
    return BytesView(content);
  }

  Status restore_part(const Part& part, Worker& worker, const flow::CancelToken& token) {
    LargeFile& file = *part.file;
    const auto write = [&]() -> Status {
      const BytesView content = PLK_TRY(load_part(part, worker, token));
      return write_runs(part.offset, content,
                        [&](std::uint64_t offset, BytesView run, bool zeros) -> Status {
                          if (!zeros) PLK_TRY(file.writer->write_at(offset, run));
                          wrote(run.size());
                          return {};
                        });
    };
    // Nothing of a file that failed will stay.
    if (!file.failed) {
      Status written = write();
      if (!written && written.error().code() == Errc::cancelled) return written;
      if (!written) file.fail(std::move(written).error());
    }
    if (--file.parts_left > 0) return {};
    const auto finish = [&]() -> Status {
      const std::lock_guard guard(file.mutex);
      if (file.failure) {
        file.writer.reset();
        return *file.failure;
      }
      // Zeros at the end, or nothing but zeros, were not written.
      PLK_TRY(file.writer->write_at(file.job.size(), {}));
      PLK_TRY(file.writer->commit());
      done(file.job.path, file.job.size());
      return {};
    };
    return keep(file.job.path, finish());
  }

  // Front to back, a part at a time.
  Status restore_whole(const FileJob& job, Worker& worker, const flow::CancelToken& token) {
    auto opened = open_large(job);
    if (!opened) return as_damage(opened.error());
    const std::shared_ptr<LargeFile> file = *std::move(opened);
    if (file == nullptr) return {};
    std::uint64_t offset = 0;
    for (std::size_t first = 0; first < file->chunks.size();) {
      PLK_TRY(token.check());
      const Part part = next_part(file, first, offset);
      const BytesView content = PLK_TRY(load_part(part, worker, token));
      PLK_TRY(write_runs(offset, content, [&](std::uint64_t, BytesView run, bool zeros) {
        wrote(run.size());
        return zeros ? file->writer->write_zeros(run.size()) : file->writer->write(run);
      }));
      offset += content.size();
      first = part.last;
    }
    PLK_TRY(file->writer->commit());
    done(job.path, job.size());
    return {};
  }

  void wrote(std::uint64_t bytes) {
    const std::lock_guard guard(mutex_);
    observer_.wrote(bytes);
  }

  void done(const std::string& path, std::uint64_t bytes) {
    const std::lock_guard guard(mutex_);
    ++report_.entries;
    report_.bytes_written += bytes;
    observer_.restored(rebased(path), bytes);
  }

  void skipped(const FileJob& job) {
    const std::lock_guard guard(mutex_);
    ++report_.skipped;
    observer_.skipped(rebased(job.path), job.size());
  }

  Status keep(const std::string& path, const Status& outcome) {
    if (outcome) return {};
    if (outcome.error().code() == Errc::cancelled) return outcome;
    const std::lock_guard guard(mutex_);
    ++report_.errors;
    observer_.failed(rebased(path), outcome.error().message());
    return {};
  }

  struct FirstName {
    std::string path;
    unsigned names_left = 0;
  };

  kloset::Repository& repository_;
  kloset::SnapshotReader& snapshot_;
  kloset::Destination& destination_;
  const kloset::DestinationTraits traits_;
  const RestoreOptions& options_;
  RestoreObserver& observer_;
  flow::CancelToken cancel_;
  const std::size_t threads_;
  std::string base_;
  ZeroChunks zeros_;
  flow::MemoryBudget memory_;
  flow::Channel<Task> tasks_;

  // Of the walk alone: what comes together, and of files with several names the first ones, and
  // those that could not be linked yet.
  Batch batch_;
  std::uint64_t batch_bytes_ = 0;
  std::map<std::pair<std::uint64_t, std::uint64_t>, FirstName> first_names_;
  std::vector<FileJob> links_;

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
