#include "core/ops/internal/snapshot_copy.h"

#include <algorithm>
#include <utility>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/flow/channel.h"
#include "core/flow/task_group.h"
#include "core/kloset/format/object.h"
#include "core/kloset/snapshot/snapshot_builder.h"
#include "core/kloset/snapshot/snapshot_reader.h"
#include "core/kloset/tree/entry.h"
#include "core/kloset/tree/path.h"
#include "core/kloset/tree/tree_reader.h"
#include "core/ops/internal/base_lookup.h"

namespace plakar::ops {
namespace {

using kloset::BlobSource;
using kloset::ChunkRef;
using kloset::Object;
using kloset::Repository;
using kloset::ResourceType;
using kloset::SnapshotReader;
using kloset::StoredContent;
using kloset::VfsEntry;
using kloset::XattrEntry;

// How many entries go from hand to hand together, and how many such batches wait for a worker.
constexpr std::size_t batch_size = 64;
constexpr std::size_t batches_waiting_max = 8;

// An entry, or an attribute, in encoded form.
struct Job {
  enum class Kind : std::uint8_t { entry, xattr };
  Kind kind = Kind::entry;
  Bytes encoded;
  std::optional<StoredContent> known;  // what it has in the target; not to be read
};

// What can be recorded as the error of a path: that the source has not got it any more. A source
// that cannot be reached has it still.
bool is_recordable(const Error& error) noexcept {
  return kloset::is_damage(error) || error.code() == Errc::io;
}

bool same_chunking(const kloset::ChunkingParams& a, const kloset::ChunkingParams& b) {
  return a.algorithm == b.algorithm && a.size_min == b.size_min && a.size_normal == b.size_normal &&
         a.size_max == b.size_max;
}

bool has_content(const VfsEntry& entry) noexcept {
  return is_regular(entry.file_info.mode) && entry.symlink_target.empty();
}

}  // namespace

std::optional<StoredContent> ObjectMap::find(const Mac& source) const {
  const std::lock_guard guard(mutex_);
  const auto found = objects_.find(source);
  if (found == objects_.end()) return std::nullopt;
  const Content& content = found->second;
  return StoredContent{.object = content.object,
                       .size = content.size,
                       .chunks = content.chunks,
                       .entropy = content.entropy,
                       .content_type = *content.content_type};
}

void ObjectMap::insert(const Mac& source, const StoredContent& target) {
  if (size() >= size_max_) clear();
  const std::lock_guard guard(mutex_);
  const std::string* content_type = &*content_types_.insert(target.content_type).first;
  objects_.insert_or_assign(source, Content{.object = target.object,
                                            .size = target.size,
                                            .chunks = target.chunks,
                                            .entropy = target.entropy,
                                            .content_type = content_type});
}

void ObjectMap::clear() {
  const std::lock_guard guard(mutex_);
  objects_.clear();
  content_types_.clear();
}

std::size_t ObjectMap::size() const {
  const std::lock_guard guard(mutex_);
  return objects_.size();
}

// The copying of one snapshot.
class SnapshotCopier::Copy {
 public:
  Copy(SnapshotCopier& copier, const SnapshotId& id, kloset::Transaction& transaction,
       const kloset::Chunker& chunker, const flow::CancelToken& cancel)
      : copier_(copier),
        source_(copier.source_),
        transaction_(transaction),
        chunker_(chunker),
        cancel_(cancel),
        same_chunking_(
            same_chunking(copier.source_.config().chunking, copier.target_.config().chunking)),
        builder_(transaction, chunker_,
                 {.spill = {.files = &copier.target_.env().files,
                            .random = &copier.target_.env().random,
                            .directory = copier.options_.temporary_directory},
                  .memory_bytes = copier.options_.sort_memory_bytes}),
        jobs_({.items = batches_waiting_max}) {
    report_.id = id;
  }

  Result<kloset::HeaderSource> run(SnapshotReader& snapshot, std::optional<BaseLookup>& base) {
    {
      flow::TaskGroup tasks(cancel_);
      for (std::size_t i = 0; i < std::max<std::size_t>(1, copier_.options_.threads); ++i) {
        tasks.spawn("copy", [this](const flow::CancelToken& token) { return work(token); });
      }
      tasks.spawn("walk", [&](const flow::CancelToken& token) -> Status {
        PLK_TRY(scan(snapshot, base, token));
        jobs_.close();
        return {};
      });
      PLK_TRY(tasks.wait());
    }
    PLK_TRY(cancel_.check());
    kloset::HeaderSource made = PLK_TRY(builder_.finish(
        snapshot.header().source().importer, [this](std::string_view path, std::string_view why) {
          ++report_.errors;
          left_out_ = escape(path) + ": " + std::string(why);
          copier_.observer_.failed(report_.id, path, why);
        }));
    if (!left_out_.empty() && copier_.options_.damage == SourceDamage::refuse) {
      failed_at_source_ = true;
      return Error(Errc::corrupt, left_out_);
    }
    made.context = snapshot.header().source().context;
    return made;
  }

  const SyncedSnapshot& report() const noexcept { return report_; }
  bool failed_at_source() const noexcept { return failed_at_source_; }

 private:
  Status scan(SnapshotReader& snapshot, std::optional<BaseLookup>& base,
              const flow::CancelToken& token) {
    PLK_TRY(scan_errors(snapshot));
    PLK_TRY(scan_xattrs(snapshot, token));
    std::optional<Status> stopped;  // by us, and not by the source
    const auto stop = [&](Status why) -> Status {
      stopped = why;
      return why;
    };
    const Status walked = snapshot.walk(
        "/",
        [&](const VfsEntry& entry, const Mac&) -> Status {
          Job job;
          kloset::encode_vfs_entry(job.encoded, entry);
          if (base && has_content(entry)) job.known = base->find(entry);
          Status added = add(std::move(job), token);
          return added ? added : stop(std::move(added));
        },
        [&](const std::string& path, const Error& error) -> Status {
          Status kept = keep(path, error);
          return kept ? kept : stop(std::move(kept));
        });
    if (stopped) return *std::move(stopped);
    // Not to be recorded: what would have come behind is not known.
    if (!walked) return fail("/", walked.error());
    return flush(token);
  }

  Status scan_errors(SnapshotReader& snapshot) {
    std::optional<Error> of_target;
    const Status scanned =
        snapshot.errors("/", [&](std::string_view path, std::string_view error) -> Status {
          const std::lock_guard guard(mutex_);
          Status added = builder_.add_error(path, error);
          if (!added) of_target = added.error();
          return added;
        });
    if (scanned) return {};
    if (of_target) return *std::move(of_target);
    return keep("/", Error(scanned.error()).context("read the list of errors"));
  }

  // By a scan of the whole tree: whichever order it is in, and also those that no entry names.
  Status scan_xattrs(SnapshotReader& snapshot, const flow::CancelToken& token) {
    std::optional<Status> stopped;
    const auto read = [&]() -> Status {
      auto tree = PLK_TRY(kloset::TreeReader::open(source_, ResourceType::xattr_root,
                                                   snapshot.header().source().roots.xattrs,
                                                   kloset::KeyOrder::unknown));
      return tree.scan("", [&](std::string_view key, const Mac& id) -> Result<bool> {
        auto encoded = source_.load(ResourceType::xattr_entry, id, kloset::entry_size_max);
        Status added;
        if (encoded) {
          added =
              add({.kind = Job::Kind::xattr, .encoded = *std::move(encoded), .known = {}}, token);
        } else {
          added = keep(key, encoded.error());
        }
        if (!added) {
          stopped = added;
          return std::move(added).error();
        }
        return true;
      });
    };
    const Status scanned = read();
    if (stopped) return *std::move(stopped);
    if (scanned) return {};
    return keep("/", Error(scanned.error()).context("read the list of extended attributes"));
  }

  // What another file, of this snapshot or of one before, has brought along.
  std::optional<StoredContent> find_copied(const VfsEntry& entry) const {
    auto known = copier_.objects_.find(entry.object);
    const auto size = static_cast<std::uint64_t>(entry.file_info.size);
    return known && known->size == size ? known : std::nullopt;
  }

  Status add(Job job, const flow::CancelToken& token) {
    batch_.push_back(std::move(job));
    return batch_.size() < batch_size ? Status() : flush(token);
  }

  Status flush(const flow::CancelToken& token) {
    if (batch_.empty()) return {};
    return jobs_.push(std::exchange(batch_, {}), token);
  }

  // An error of the source at `path`: recorded, or the end.
  Status keep(std::string_view path, const Error& error) {
    if (copier_.options_.damage == SourceDamage::refuse || !is_recordable(error)) {
      return fail(path, error);
    }
    const std::lock_guard guard(mutex_);
    ++report_.errors;
    copier_.observer_.failed(report_.id, path, error.message());
    return builder_.add_error(path, error.message());
  }

  Status fail(std::string_view path, const Error& error) {
    if (error.code() == Errc::cancelled) return Error(error);
    failed_at_source_ = true;
    const std::lock_guard guard(mutex_);
    copier_.observer_.failed(report_.id, path, error.message());
    return Error(error).context(escape(path));
  }

  Status work(const flow::CancelToken& token) {
    kloset::ObjectWriter cutter(transaction_, chunker_);
    std::vector<Job> batch;
    while (PLK_TRY(jobs_.pop(batch, token))) {
      for (Job& job : batch) {
        PLK_TRY(token.check());
        PLK_TRY(job.kind == Job::Kind::xattr ? copy_xattr(job, cutter, token)
                                             : copy_entry(job, cutter, token));
      }
    }
    return {};
  }

  Status copy_entry(const Job& job, kloset::ObjectWriter& cutter, const flow::CancelToken& token) {
    VfsEntry entry = PLK_TRY(kloset::decode_vfs_entry(job.encoded));
    const std::string path = entry.path();
    std::uint64_t bytes = 0;
    std::optional<StoredContent> known = job.known;
    if (has_content(entry)) {
      if (!known) known = find_copied(entry);
      StoredContent content;
      if (known) {
        content = *known;
      } else {
        bool of_source = false;
        auto copied = copy_content(entry, cutter, token, of_source);
        if (!copied && of_source) return keep(path, copied.error());
        content = PLK_TRY(std::move(copied));
        bytes = content.size;
      }
      entry.object = content.object;
      entry.entropy = content.entropy;
      entry.chunks = content.chunks;
      return store_entry(entry, path, content.content_type, bytes, known.has_value());
    }
    return store_entry(entry, path, std::string(entry.content_type), bytes, false);
  }

  Status store_entry(VfsEntry& entry, const std::string& path, const std::string& content_type,
                     std::uint64_t bytes, bool known) {
    entry.content_type = content_type;
    make_canonical(entry);
    Bytes encoded;
    kloset::encode_vfs_entry(encoded, entry);
    const Mac id = PLK_TRY(transaction_.put(ResourceType::vfs_entry, encoded));
    const std::lock_guard guard(mutex_);
    builder_.add_stored_entry(entry, encoded, id);
    ++report_.entries;
    report_.bytes_read += bytes;
    if (known) ++report_.files_known;
    copier_.observer_.stored(report_.id, path, bytes, known);
    return {};
  }

  // Nothing but what genuine Plakar would write again when it takes the entry over.
  static void make_canonical(VfsEntry& entry) {
    if (!has_content(entry)) entry.object = {};
    entry.alternate_data_streams.clear();
    entry.security_descriptor = {};
    entry.file_attributes = 0;
    entry.classifications.clear();
    entry.custom_metadata.clear();
    entry.tags.clear();
    auto& names = entry.extended_attributes;
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
  }

  Status copy_xattr(const Job& job, kloset::ObjectWriter& cutter, const flow::CancelToken& token) {
    const auto decoded = kloset::decode_xattr_entry(job.encoded);
    if (!decoded) return keep("/", Error(decoded.error()).context("an extended attribute"));
    XattrEntry xattr = *decoded;
    bool of_source = false;
    auto copied = copy_object(xattr.object, cutter, token, of_source);
    if (!copied && of_source) {
      return keep(xattr.path, Error(copied.error()).context("attribute " + escape(xattr.name)));
    }
    const StoredContent content = PLK_TRY(std::move(copied));
    xattr.object = content.object;
    xattr.size = static_cast<std::int64_t>(content.size);
    const std::lock_guard guard(mutex_);
    return builder_.add_xattr(xattr);
  }

  // `of_source` is set when it is the source that failed, here and below.
  Result<StoredContent> copy_content(const VfsEntry& entry, kloset::ObjectWriter& cutter,
                                     const flow::CancelToken& token, bool& of_source) {
    if (entry.object.is_zero()) {
      of_source = true;
      return Error(Errc::corrupt, "a regular file without content");
    }
    StoredContent content = PLK_TRY(copy_object(entry.object, cutter, token, of_source));
    if (content.size == static_cast<std::uint64_t>(entry.file_info.size)) return content;
    of_source = true;
    return Error(Errc::corrupt, "a content of " + std::to_string(content.size) +
                                    " bytes instead of " + std::to_string(entry.file_info.size));
  }

  Result<StoredContent> copy_object(const Mac& id, kloset::ObjectWriter& cutter,
                                    const flow::CancelToken& token, bool& of_source) {
    // Values of attributes are often the same.
    if (auto known = copier_.objects_.find(id)) return *std::move(known);
    const auto mark = [&](auto result) {
      of_source = !result && result.error().code() != Errc::cancelled;
      return result;
    };
    const Bytes bytes =
        PLK_TRY(mark(source_.load(ResourceType::object, id, kloset::object_size_max)));
    const Object object = PLK_TRY(mark(kloset::decode_object(bytes)));
    ChunkStream chunks(source_, object, token);
    StoredContent content;
    if (can_keep_chunks(object)) {
      auto copied = copy_chunks(object, chunks);
      of_source = chunks.failed();
      content = PLK_TRY(std::move(copied));
    } else {
      auto copied = cutter.store(chunks);
      of_source = chunks.failed();
      content = PLK_TRY(std::move(copied));
    }
    copier_.objects_.insert(id, content);
    return content;
  }

  // Where both sides cut alike, the source's cuts are those that the target would make, and what
  // was found out about the content holds too.
  bool can_keep_chunks(const Object& object) const {
    return same_chunking_ && !object.content_type.empty() &&
           std::all_of(object.chunks.begin(), object.chunks.end(), [this](const ChunkRef& chunk) {
             return chunk.length <= chunker_.size_max();
           });
  }

  // The content of an object of the source, chunk by chunk or as a stream: every chunk is checked
  // as it comes, and the whole at its end.
  class ChunkStream final : public kloset::ContentReader {
   public:
    ChunkStream(Repository& source, const Object& object, const flow::CancelToken& token)
        : source_(source), object_(object), token_(token), whole_(source.mac().hasher()) {}

    // The next chunk; at the end, nothing.
    Result<bool> next(Bytes& chunk) {
      auto loaded = load(chunk);
      failed_ = failed_ || (!loaded && loaded.error().code() != Errc::cancelled);
      return loaded;
    }

    Result<std::size_t> read(std::span<std::byte> out) override {
      while (at_ == current_.size()) {
        at_ = 0;
        current_.clear();
        if (!PLK_TRY(next(current_))) return std::size_t{0};
      }
      const std::size_t got = std::min(out.size(), current_.size() - at_);
      std::copy_n(current_.begin() + static_cast<std::ptrdiff_t>(at_), got, out.begin());
      at_ += got;
      return got;
    }

    // It was the source that failed.
    bool failed() const noexcept { return failed_; }

   private:
    Result<bool> load(Bytes& chunk) {
      PLK_TRY(token_.check());
      const bool is_single = object_.chunks.size() == 1;
      if (next_ == object_.chunks.size()) {
        if (!ended_ && !is_single && whole_.finish() != object_.content) return wrong_whole();
        ended_ = true;
        return false;
      }
      const ChunkRef& wanted = object_.chunks[next_];
      if (is_single && wanted.content != object_.content) return wrong_whole();
      if (wanted.length > kloset::chunk_size_limit) {
        return Error(Errc::corrupt, "a chunk of " + std::to_string(wanted.length) + " bytes");
      }
      chunk = PLK_TRY(source_.load(ResourceType::chunk, wanted.content, wanted.length));
      if (chunk.size() != wanted.length) {
        return Error(Errc::corrupt, "chunk " + wanted.content.short_hex() + " has " +
                                        std::to_string(chunk.size()) + " bytes instead of " +
                                        std::to_string(wanted.length));
      }
      if (!is_single) whole_.update(chunk);
      ++next_;
      return true;
    }
    static Error wrong_whole() {
      return Error(Errc::corrupt, "its chunks do not make the content that the object names");
    }

    Repository& source_;
    const Object& object_;
    const flow::CancelToken& token_;
    crypto::MacHasher whole_;
    std::size_t next_ = 0;
    bool ended_ = false;
    bool failed_ = false;
    Bytes current_;
    std::size_t at_ = 0;
  };

  Result<StoredContent> copy_chunks(const Object& object, ChunkStream& chunks) {
    Object copy;
    copy.content_type = object.content_type;
    copy.entropy = object.entropy;
    StoredContent content;
    const auto whole = object.chunks.size() == 1 ? nullptr : transaction_.mac_stream();
    for (Bytes chunk; PLK_TRY(chunks.next(chunk));) {
      const ChunkRef& original = object.chunks[copy.chunks.size()];
      if (whole != nullptr) whole->update(chunk);
      copy.chunks.push_back({.version = 0,
                             .content = PLK_TRY(transaction_.put(ResourceType::chunk, chunk)),
                             .length = original.length,
                             .entropy = original.entropy,
                             .flags = 0});
      content.size += chunk.size();
    }
    copy.content = whole == nullptr ? copy.chunks.front().content : whole->finish();
    content.chunks = copy.chunks.size();
    content.entropy = copy.entropy;
    content.content_type = copy.content_type;
    Bytes encoded;
    kloset::encode_object(encoded, copy);
    content.object = PLK_TRY(transaction_.put(ResourceType::object, encoded));
    return content;
  }

  SnapshotCopier& copier_;
  Repository& source_;
  kloset::Transaction& transaction_;
  const kloset::Chunker& chunker_;
  const flow::CancelToken cancel_;
  const bool same_chunking_;
  std::string left_out_;
  std::atomic<bool> failed_at_source_ = false;

  std::mutex mutex_;
  kloset::SnapshotBuilder builder_;  // guarded by mutex_, as are the observer and the report
  SyncedSnapshot report_;

  std::vector<Job> batch_;  // of the walking thread
  flow::Channel<std::vector<Job>> jobs_;
};

Result<SnapshotCopier::Copied> SnapshotCopier::copy(const SnapshotId& id, const SnapshotId& as,
                                                    kloset::Transaction& transaction,
                                                    const flow::CancelToken& cancel) {
  Clock& clock = target_.env().clock;
  const MonotonicTime begin = clock.monotonic();
  failed_at_source_ = false;
  auto opened = SnapshotReader::open(source_, id);
  if (!opened) {
    failed_at_source_ = opened.error().code() != Errc::cancelled;
    return std::move(opened).error();
  }
  SnapshotReader snapshot = *std::move(opened);
  PLK_TRY(load_known());
  std::optional<BaseLookup> base;
  if (const Known* known = find_base(snapshot.header())) {
    // What cannot be read is no base, and nothing else depends on it.
    if (auto lookup = BaseLookup::open(source_, target_, known->id)) base = *std::move(lookup);
  }

  const auto chunker = PLK_TRY(kloset::Chunker::create(target_.config().chunking));
  Copy run(*this, id, transaction, chunker, cancel);
  auto made = run.run(snapshot, base);
  if (!made) {
    failed_at_source_ = run.failed_at_source();
    // What it stored will not be committed.
    objects_.clear();
    return std::move(made).error();
  }
  kloset::SnapshotHeader header = snapshot.header();
  last_ = Known{.id = id, .importer = header.source().importer, .timestamp = header.timestamp};
  header.identifier = as;
  header.identity = {};
  header.sources.assign(1, *std::move(made));
  Copied copied{.snapshot = run.report(), .header = {}};
  copied.snapshot.target_id = as;
  copied.snapshot.duration = clock.monotonic() - begin;
  header.duration_ns = copied.snapshot.duration.count();
  copied.header = kloset::encode_header(header);
  return copied;
}

void SnapshotCopier::remember(const SnapshotId& id) {
  if (last_ && last_->id == id) known_->push_back(*last_);
}

Status SnapshotCopier::load_known() {
  if (known_) return {};
  known_.emplace();
  for (const SnapshotId& id : target_.index().snapshots()) {
    if (!source_.has(ResourceType::snapshot, Mac{.bytes = id.bytes})) continue;
    const auto snapshot = SnapshotReader::open(source_, id);
    if (!snapshot) {
      if (snapshot.error().code() == Errc::cancelled) return Error(snapshot.error());
      continue;
    }
    known_->push_back({.id = id,
                       .importer = snapshot->header().source().importer,
                       .timestamp = snapshot->header().timestamp});
  }
  return {};
}

const SnapshotCopier::Known* SnapshotCopier::find_base(const kloset::SnapshotHeader& header) const {
  const auto distance = [&](const Known& known) {
    // Seconds may be anything that a header says.
    const auto a = static_cast<std::uint64_t>(known.timestamp.seconds);
    const auto b = static_cast<std::uint64_t>(header.timestamp.seconds);
    return known.timestamp.seconds < header.timestamp.seconds ? b - a : a - b;
  };
  const Known* best = nullptr;
  for (const Known& known : *known_) {
    if (known.importer != header.source().importer) continue;
    if (best == nullptr || distance(known) < distance(*best)) best = &known;
  }
  return best;
}

}  // namespace plakar::ops
