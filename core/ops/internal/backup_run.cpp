#include "core/ops/internal/backup_run.h"

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "core/flow/task_group.h"
#include "core/kloset/tree/entry.h"
#include "core/kloset/tree/path.h"

namespace plakar::ops {

using kloset::BlobToPut;
using kloset::ContentReader;
using kloset::Record;
using kloset::RecordKind;
using kloset::ResourceType;
using kloset::StoredContent;
using kloset::VfsEntry;

namespace {

// How many batches wait for a worker.
constexpr std::size_t batches_waiting_max = 8;
// How much a batch has: enough that what is done once for each does not count, and little enough
// that its content stays in the cache.
constexpr std::size_t batch_records_max = 64;
constexpr std::size_t batch_bytes_max = 1u << 20;
// Larger files are not read with others.
constexpr std::size_t small_size_max = batch_bytes_max / 2;

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

std::string changed_message(std::uint64_t got, std::int64_t wanted) {
  return "the file changed while it was read: " + std::to_string(got) + " bytes instead of " +
         std::to_string(wanted);
}

}  // namespace

// One thread's work, and the memory it uses for it.
class BackupRun::Worker {
 public:
  explicit Worker(BackupRun& run)
      : run_(run), writer_(run.transaction_, run.chunker_, &run.queue_) {}

  // What is returned ends the backup.
  Status process(Batch& batch, const flow::CancelToken& token) {
    const Status outcome = store(batch, token);
    for (const Job& job : batch) run_.source_.acknowledge(job.record, outcome);
    return outcome;
  }

 private:
  // What became of a job.
  struct Item {
    Job* job = nullptr;
    StoredContent content;  // of a regular file
    std::string error;      // not empty: there is no entry
    std::string warning;    // not empty: there is one, but
    VfsEntry entry;
    Mac id;
  };
  struct Attribute {
    const Record* record;
    std::string_view name;
    StoredContent content;
  };

  Status store(Batch& batch, const flow::CancelToken& token) {
    items_.clear();
    items_.resize(batch.size());
    attributes_.clear();
    PLK_TRY(store_contents(batch, token));
    PLK_TRY(store_attributes());
    PLK_TRY(store_entries());
    return file();
  }

  // In the order of the records: a sequential source has no other.
  Status store_contents(Batch& batch, const flow::CancelToken& token) {
    small_.clear();
    small_items_.clear();
    filled_ = 0;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      PLK_TRY(token.check());
      Item& item = items_[i];
      Job& job = batch[i];
      item.job = &job;
      if (job.record.kind == RecordKind::error) {
        item.error = job.record.error;
      } else if (!kloset::is_clean_path(job.record.path)) {
        item.error = "a path that is not absolute and clean";
      } else if (job.record.kind == RecordKind::xattr || job.is_read()) {
        PLK_TRY(store_content(item));
      } else if (job.record.kind == RecordKind::regular) {
        auto& known = *job.known->content;
        item.content = {.object = known.object,
                        .size = known.size,
                        .chunks = known.chunks,
                        .entropy = known.entropy,
                        .content_type = std::move(known.content_type)};
      }
    }
    if (small_.empty()) return {};
    small_contents_.clear();
    small_contents_.resize(small_.size());
    PLK_TRY(writer_.store_many(small_, small_contents_));
    for (std::size_t i = 0; i < small_.size(); ++i) {
      small_items_[i]->content = std::move(small_contents_[i]);
    }
    return {};
  }

  Status store_content(Item& item) {
    const Record& record = item.job->record;
    auto reader = run_.source_.open(record);
    if (!reader) return source_failed(item, std::move(reader).error());
    const auto expected = static_cast<std::uint64_t>(std::max<std::int64_t>(record.size, 0));
    if (record.kind == RecordKind::regular && expected <= small_size_max) {
      if (buffer_ == nullptr) buffer_ = std::make_unique_for_overwrite<std::byte[]>(buffer_size);
      const auto size = read_small(**reader, static_cast<std::size_t>(expected));
      if (!size) return source_failed(item, std::move(size).error());
      if (*size) {
        confirm(item, **reader);
        small_.push_back({buffer_.get() + filled_, **size});
        small_items_.push_back(&item);
        filled_ += **size;
        return {};
      }
      // It has grown: once more, and not with others.
      reader = run_.source_.open(record);
      if (!reader) return source_failed(item, std::move(reader).error());
    }
    return store_large(item, **reader);
  }

  Status store_large(Item& item, ContentReader& reader) {
    CheckedReader checked(reader);
    auto stored = writer_.store(checked);
    if (stored) {
      confirm(item, reader);
      item.content = *std::move(stored);
      return {};
    }
    // A store that fails fails for all; a file that cannot be read, for itself.
    if (!checked.failed()) return std::move(stored).error();
    return source_failed(item, std::move(stored).error());
  }

  static void confirm(Item& item, ContentReader& reader) {
    const Status confirmed = reader.confirm();
    if (!confirmed) item.warning = confirmed.error().message();
  }

  static Status source_failed(Item& item, Error error) {
    if (error.code() == Errc::cancelled) return error;
    item.error = error.message();
    return {};
  }

  // Behind what is in the buffer. Nothing when there is more than was expected, by some.
  Result<std::optional<std::size_t>> read_small(ContentReader& reader, std::size_t expected) {
    const std::size_t room = std::min(expected + growth_max, buffer_size - filled_);
    std::size_t size = 0;
    while (size < room) {
      const std::size_t got = PLK_TRY(reader.read({buffer_.get() + filled_ + size, room - size}));
      if (got == 0) return std::optional(size);
      size += got;
    }
    return std::optional<std::size_t>();
  }

  Status store_attributes() {
    for (Item& item : items_) {
      if (!item.error.empty()) continue;
      for (const auto& attribute : item.job->record.attributes) {
        attributes_.push_back({.record = &item.job->record, .name = attribute.name, .content = {}});
        values_.push_back(attribute.value);
      }
    }
    if (attributes_.empty()) return {};
    std::vector<StoredContent> stored(values_.size());
    Status outcome = writer_.store_many(values_, stored);
    values_.clear();
    for (std::size_t i = 0; i < stored.size(); ++i) attributes_[i].content = std::move(stored[i]);
    return outcome;
  }

  // An entry that is octet for octet that of the last snapshot keeps its blob.
  Status store_entries() {
    encoded_.clear();
    ends_.clear();
    for (Item& item : items_) {
      if (has_entry(item)) make_entry(item);
      ends_.push_back(encoded_.size());
    }
    to_put_.clear();
    put_items_.clear();
    for (std::size_t i = 0; i < items_.size(); ++i) {
      Item& item = items_[i];
      if (!has_entry(item)) continue;
      const BytesView encoded = encoded_of(i);
      const auto& known = item.job->known;
      if (known && std::ranges::equal(known->encoded, encoded) &&
          run_.transaction_.has(ResourceType::vfs_entry, known->id)) {
        item.id = known->id;
        continue;
      }
      to_put_.push_back({.type = ResourceType::vfs_entry, .plain = encoded});
      put_items_.push_back(&item);
    }
    if (to_put_.empty()) return {};
    PLK_TRY(run_.transaction_.put_many(to_put_));
    for (std::size_t i = 0; i < to_put_.size(); ++i) put_items_[i]->id = to_put_[i].mac;
    return {};
  }

  static bool has_entry(const Item& item) noexcept {
    return item.error.empty() && item.job->record.kind != RecordKind::xattr;
  }

  BytesView encoded_of(std::size_t i) const {
    const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    return BytesView(encoded_).subspan(begin, ends_[i] - begin);
  }

  void make_entry(Item& item) {
    const Record& record = item.job->record;
    item.entry = entry_of(record);
    if (record.kind == RecordKind::regular) {
      const StoredContent& content = item.content;
      // Where the source cannot tell, or the file changed before it was opened.
      if (item.warning.empty() && record.identity == kloset::ContentIdentity::by_metadata &&
          content.size != static_cast<std::uint64_t>(record.size)) {
        item.warning = changed_message(content.size, record.size);
      }
      item.entry.object = content.object;
      item.entry.file_info.size = static_cast<std::int64_t>(content.size);
      item.entry.entropy = content.entropy;
      item.entry.chunks = content.chunks;
      item.entry.content_type = content.content_type;
    }
    kloset::encode_vfs_entry(encoded_, item.entry);
  }

  // Gives everything to the builder, and tells of it.
  Status file() {
    const std::lock_guard guard(run_.mutex_);
    for (const Attribute& attribute : attributes_) {
      PLK_TRY(add_xattr(attribute.record->path, attribute.name, attribute.content));
    }
    for (std::size_t i = 0; i < items_.size(); ++i) {
      Item& item = items_[i];
      const Record& record = item.job->record;
      if (!item.error.empty()) {
        PLK_TRY(add_error(record.path, item.error));
        continue;
      }
      if (record.kind == RecordKind::xattr) {
        PLK_TRY(add_xattr(record.path, record.xattr_name, item.content));
        continue;
      }
      if (!item.warning.empty()) PLK_TRY(add_error(record.path, item.warning));
      run_.builder_.add_stored_entry(item.entry, encoded_of(i), item.id);
      ++run_.entries_;
      const bool read = item.job->is_read();
      if (record.kind == RecordKind::regular && !read) ++run_.files_reused_;
      if (read) run_.bytes_read_ += item.content.size;
      run_.observer_.stored(record, read ? item.content.size : 0,
                            record.kind == RecordKind::regular && !read);
    }
    return {};
  }

  Status add_error(std::string_view path, std::string_view error) {
    ++run_.errors_;
    run_.observer_.failed(path, error);
    return run_.builder_.add_error(path, error);
  }

  Status add_xattr(std::string_view path, std::string_view name, const StoredContent& content) {
    return run_.builder_.add_xattr({.version = 0,
                                    .path = path,
                                    .name = name,
                                    .size = static_cast<std::int64_t>(content.size),
                                    .kind = kloset::XattrKind::extended,
                                    .object = content.object});
  }

  // What a file may have grown by without being read again.
  static constexpr std::size_t growth_max = 64;
  static constexpr std::size_t buffer_size =
      batch_bytes_max + small_size_max + batch_records_max * growth_max;

  BackupRun& run_;
  kloset::ObjectWriter writer_;
  std::vector<Item> items_;
  std::vector<Attribute> attributes_;
  std::vector<BytesView> values_;

  std::unique_ptr<std::byte[]> buffer_;
  std::size_t filled_ = 0;
  std::vector<BytesView> small_;  // in buffer_
  std::vector<Item*> small_items_;
  std::vector<StoredContent> small_contents_;

  Bytes encoded_;
  std::vector<std::size_t> ends_;  // of each item's entry in encoded_
  std::vector<BlobToPut> to_put_;
  std::vector<Item*> put_items_;
};

BackupRun::BackupRun(const Env& env, kloset::Source& source, kloset::Transaction& transaction,
                     const kloset::Chunker& chunker, const BackupOptions& options,
                     BackupObserver& observer, flow::CancelToken cancel)
    : source_(source),
      transaction_(transaction),
      chunker_(chunker),
      options_(options),
      observer_(observer),
      cancel_(std::move(cancel)),
      builder_(transaction, chunker,
               {.spill = {.files = &env.files,
                          .random = &env.random,
                          .directory = options.temporary_directory},
                .memory_bytes = options.sort_memory_bytes}),
      queue_(batches_waiting_max) {}

Result<kloset::HeaderSource> BackupRun::run(std::optional<ParentLookup> parent,
                                            kloset::Importer importer) {
  {
    flow::TaskGroup tasks(cancel_);
    if (source_.traits().sequential) {
      tasks.spawn("store",
                  [&](const flow::CancelToken& token) { return scan_and_work(parent, token); });
    } else {
      for (std::size_t i = 0; i < std::max<std::size_t>(1, options_.threads); ++i) {
        tasks.spawn("store", [this](const flow::CancelToken& token) { return work(token); });
      }
      tasks.spawn("scan", [&](const flow::CancelToken& token) { return scan(parent, token); });
    }
    PLK_TRY(tasks.wait());
  }
  PLK_TRY(cancel_.check());
  observer_.entered(BackupPhase::trees);
  // A root that is a file: what was backed up is the directory that it is in.
  if (root_is_file_) importer.directory = kloset::parent_of(importer.directory);
  return builder_.finish(
      std::move(importer),
      [this](std::string_view path, std::string_view why) {
        ++errors_;
        observer_.failed(path, why);
      },
      cancel_);
}

template <class Take>
Status BackupRun::for_each_batch(std::optional<ParentLookup>& parent, const Take& take) {
  const std::string root = source_.identity().root;
  std::vector<Record> records;
  while (PLK_TRY(source_.next(records))) {
    Batch batch;
    std::uint64_t bytes = 0;
    for (Record& record : records) {
      if (record.path == root && record.kind == RecordKind::regular) root_is_file_ = true;
      Job job;
      if (parent) job.known = parent->find(record);
      job.record = std::move(record);
      const std::uint64_t size =
          job.is_read() ? static_cast<std::uint64_t>(std::max<std::int64_t>(job.record.size, 0))
                        : 0;
      if (!batch.empty() && (batch.size() == batch_records_max || size > small_size_max ||
                             bytes > batch_bytes_max - size)) {
        PLK_TRY(take(std::exchange(batch, {})));
        bytes = 0;
      }
      batch.push_back(std::move(job));
      bytes += size;
      if (size > small_size_max) {
        PLK_TRY(take(std::exchange(batch, {})));
        bytes = 0;
      }
    }
    if (!batch.empty()) PLK_TRY(take(std::move(batch)));
  }
  return {};
}

Status BackupRun::scan(std::optional<ParentLookup>& parent, const flow::CancelToken& token) {
  PLK_TRY(
      for_each_batch(parent, [&](Batch batch) { return queue_.push(std::move(batch), token); }));
  queue_.close();
  return {};
}

Status BackupRun::work(const flow::CancelToken& token) {
  Worker worker(*this);
  Batch batch;
  for (bool first = true; PLK_TRY(queue_.pop(batch, first, token)); first = false) {
    PLK_TRY(worker.process(batch, token));
  }
  return {};
}

Status BackupRun::scan_and_work(std::optional<ParentLookup>& parent,
                                const flow::CancelToken& token) {
  Worker worker(*this);
  return for_each_batch(parent, [&](Batch batch) { return worker.process(batch, token); });
}

}  // namespace plakar::ops
