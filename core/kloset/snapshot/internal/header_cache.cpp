#include "core/kloset/snapshot/internal/header_cache.h"

#include <utility>

#include "core/base/files.h"

namespace plakar::kloset {
namespace {

constexpr std::string_view magic = "PLKHEADS";
constexpr std::uint32_t cache_version = 1;
constexpr std::size_t batch_head_size = 4 + 32;
constexpr std::size_t entry_head_size = 32 + 32 + 8 + 4 + 8 + 4 + 8 + 4;
// A batch is full when it has so much plaintext, and no header that is kept has more.
constexpr std::size_t batch_plain_bytes = 256 * 1024;
constexpr std::size_t plain_bytes_max = 2 * batch_plain_bytes + entry_head_size;
// No codec makes a plaintext longer than this.
constexpr std::size_t body_bytes_max = 2 * plain_bytes_max;
// So much may be of no use in any file.
constexpr std::size_t unused_bytes_min = 64 * 1024;

template <class Id>
Id take_id(BytesView& rest) noexcept {
  Id id;
  std::memcpy(id.bytes.data(), rest.data(), id.bytes.size());
  rest = rest.subspan(id.bytes.size());
  return id;
}

template <class T>
T take(BytesView& rest) noexcept {
  const T value = load_le<T>(rest);
  rest = rest.subspan(sizeof value);
  return value;
}

void append_entry(Bytes& out, const CachedHeader& entry) {
  append(out, entry.id.view());
  append(out, entry.location.packfile.view());
  append_le(out, entry.location.offset);
  append_le(out, entry.location.length);
  append_le(out, static_cast<std::uint64_t>(entry.timestamp.seconds));
  append_le(out, entry.timestamp.nanoseconds);
  append_le(out, entry.importer);
  append_le(out, static_cast<std::uint32_t>(entry.header.size()));
  append(out, entry.header);
}

}  // namespace

HeaderCache::HeaderCache(Repository& repository) : repository_(&repository) {
  if (repository.cache_directory().empty()) return;
  path_ = repository.cache_directory() + "/snapshots";
  head_ = to_bytes(magic);
  append_le(head_, cache_version);
  append_le(head_, std::uint32_t{0});
  append(head_, repository.config().repository_id.view());

  const FileSystem& files = repository.env().files;
  static_cast<void>(make_directories(files, repository.cache_directory()));
  auto file = files.open(
      path_,
      {.access = Access::read_write, .create = Create::if_missing, .mode = 0600, .follow = false});
  if (file) {
    file_ = *std::move(file);
    // Where there are no locks, two who write at once make what has no right MAC.
    const Status locked = file_.lock(LockMode::exclusive, Wait::no);
    writable_ = locked || locked.error().code() != Errc::conflict;
  } else {
    auto readable = files.open(path_, {.follow = false});
    if (readable) file_ = *std::move(readable);
  }
}

Mac HeaderCache::mac_of(std::uint64_t offset, BytesView body) const {
  crypto::MacHasher hasher = repository_->mac().hasher();
  Bytes head = head_;
  append_le(head, offset);
  hasher.update(head);
  hasher.update(body);
  return hasher.finish();
}

Result<std::uint64_t> HeaderCache::read_batch(BlobCodec& codec, std::uint64_t offset,
                                              BatchText& text) const {
  Bytes head(batch_head_size);
  PLK_TRY(file_.read_exactly(offset, head));
  BytesView rest(head);
  const auto length = take<std::uint32_t>(rest);
  const Mac mac = take_id<Mac>(rest);
  if (length > body_bytes_max) return Error(Errc::corrupt, "a batch that is too long");
  text.body.resize(length);
  PLK_TRY(file_.read_exactly(offset + batch_head_size, text.body));
  if (mac_of(offset, text.body) != mac) return Error(Errc::corrupt, "a batch with another MAC");
  text.plain = PLK_TRY(codec.decode(text.body, plain_bytes_max));
  return batch_head_size + std::uint64_t{length};
}

Status HeaderCache::visit_entries(BytesView plain, const VisitEntry& visit) {
  const Error corrupt(Errc::corrupt, "a batch that ends in the middle of an entry");
  while (!plain.empty()) {
    if (plain.size() < entry_head_size) return corrupt;
    const BytesView begin = plain;
    CachedHeader entry;
    entry.id = take_id<SnapshotId>(plain);
    entry.location.packfile = take_id<PackfileMac>(plain);
    entry.location.offset = take<std::uint64_t>(plain);
    entry.location.length = take<std::uint32_t>(plain);
    entry.timestamp.seconds = static_cast<std::int64_t>(take<std::uint64_t>(plain));
    entry.timestamp.nanoseconds = take<std::uint32_t>(plain);
    entry.importer = take<std::uint64_t>(plain);
    const auto length = take<std::uint32_t>(plain);
    if (length > plain.size()) return corrupt;
    entry.header = plain.first(length);
    plain = plain.subspan(length);
    PLK_TRY(visit(entry, begin.first(entry_head_size + length)));
  }
  return {};
}

Status HeaderCache::for_each(const std::function<Result<bool>(const CachedHeader&)>& visit) {
  if (!file_) return {};
  Bytes head(head_.size());
  const auto read = file_.read_up_to(0, head);
  if (!read || *read != head.size() || head != head_) return {};
  end_ = head.size();
  const auto lease = PLK_TRY(repository_->codec());
  while (true) {
    BatchText text;
    const auto size = read_batch(*lease, end_, text);
    // The end of the file, damage, or what somebody else is just writing.
    if (!size || !visit_entries(text.plain, [](const auto&, BytesView) { return Status(); }))
      return {};
    Batch batch{.offset = end_, .size = *size, .first_entry = used_.size()};
    batch.plain_bytes = text.plain.size();
    PLK_TRY(visit_entries(text.plain, [&](const CachedHeader& entry, BytesView encoded) -> Status {
      const bool used = PLK_TRY(visit(entry));
      used_.push_back(used);
      ++batch.entry_count;
      if (used) batch.used_bytes += encoded.size();
      return {};
    }));
    end_ += batch.size;
    batches_.push_back(batch);
  }
}

void HeaderCache::add(const CachedHeader& header) {
  if (!writable_ || header.header.size() > batch_plain_bytes) return;
  append_entry(added_, header);
  ++added_count_;
  if (added_.size() < batch_plain_bytes) return;
  writable_ = cut(batches_.size()).has_value() && write_added(file_).has_value();
}

void HeaderCache::save() {
  if (!writable_) return;
  std::size_t used = 0, unused = 0;
  for (const Batch& batch : batches_) {
    used += batch.used_bytes;
    unused += batch.plain_bytes - batch.used_bytes;
  }
  // What fails here is as good as never begun: a batch that is there in part has no right MAC.
  static_cast<void>(unused > used + unused_bytes_min ? rewrite() : merge_tail());
}

Status HeaderCache::cut(std::size_t batch_count) {
  if (is_cut_ && batch_count == batches_.size()) return {};
  const bool has_head = end_ != 0;
  if (batch_count < batches_.size()) {
    end_ = batches_[batch_count].offset;
    used_.resize(batches_[batch_count].first_entry);
    batches_.resize(batch_count);
  }
  PLK_TRY(file_.truncate(end_));
  is_cut_ = true;
  if (has_head) return {};
  PLK_TRY(file_.write_at(0, head_));
  end_ = head_.size();
  return {};
}

Status HeaderCache::write_added(const File& file) {
  if (added_.empty()) return {};
  const auto lease = PLK_TRY(repository_->codec());
  const BytesView body = PLK_TRY(lease->encode(added_));
  if (body.size() > body_bytes_max) return Error(Errc::internal, "a batch that is too long");
  Bytes encoded;
  append_le(encoded, static_cast<std::uint32_t>(body.size()));
  append(encoded, mac_of(end_, body).view());
  append(encoded, body);
  PLK_TRY(file.write_at(end_, encoded));
  batches_.push_back({.offset = end_,
                      .size = encoded.size(),
                      .first_entry = used_.size(),
                      .entry_count = added_count_,
                      .plain_bytes = added_.size(),
                      .used_bytes = added_.size()});
  used_.resize(used_.size() + added_count_, true);
  end_ += encoded.size();
  added_.clear();
  added_count_ = 0;
  return {};
}

Status HeaderCache::add_again(const Batch& batch) {
  const auto lease = PLK_TRY(repository_->codec());
  BatchText text;
  PLK_TRY(read_batch(*lease, batch.offset, text));
  std::size_t number = batch.first_entry;
  return visit_entries(text.plain, [&](const CachedHeader&, BytesView encoded) -> Status {
    if (used_[number++]) {
      append(added_, encoded);
      ++added_count_;
    }
    return {};
  });
}

Status HeaderCache::merge_tail() {
  if (added_.empty()) return {};
  // Those at the end that are no larger than what follows: each entry is written again for every
  // doubling, and the number of batches grows with the logarithm of what is between full ones.
  std::size_t kept = batches_.size();
  std::size_t bytes = added_.size();
  while (kept > 0 && batches_[kept - 1].used_bytes <= bytes &&
         bytes + batches_[kept - 1].used_bytes <= batch_plain_bytes) {
    bytes += batches_[--kept].used_bytes;
  }
  Bytes newest = std::exchange(added_, {});
  const std::size_t newest_count = std::exchange(added_count_, 0);
  for (std::size_t i = kept; i < batches_.size(); ++i) PLK_TRY(add_again(batches_[i]));
  append(added_, newest);
  added_count_ += newest_count;
  PLK_TRY(cut(kept));
  return write_added(file_);
}

Status HeaderCache::rewrite() {
  const FileSystem& files = repository_->env().files;
  const std::string temporary = path_ + ".tmp";
  static_cast<void>(files.remove_file(temporary));
  const File file = PLK_TRY(files.open(
      temporary,
      {.access = Access::read_write, .create = Create::always_new, .mode = 0600, .follow = false}));
  PLK_TRY(file.write_at(0, head_));
  end_ = head_.size();
  const std::vector<Batch> old = std::exchange(batches_, {});
  for (const Batch& batch : old) {
    if (added_.size() + batch.used_bytes > batch_plain_bytes) PLK_TRY(write_added(file));
    PLK_TRY(add_again(batch));
  }
  PLK_TRY(write_added(file));
  return files.rename(temporary, path_);
}

}  // namespace plakar::kloset
