#include "core/kloset/repository/transaction.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/kloset/repository/internal/put_set.h"
#include "core/kloset/state/delta.h"

namespace plakar::kloset {
namespace {

class StoreMacStream final : public MacStream {
 public:
  explicit StoreMacStream(crypto::MacHasher hasher) : hasher_(std::move(hasher)) {}
  void update(BytesView bytes) override { hasher_.update(bytes); }
  Mac finish() override { return hasher_.finish(); }

 private:
  crypto::MacHasher hasher_;
};

// What is known of the blobs of a packfile is in memory until a state tells of them: of tiny ones,
// 64 MiB would hold half a million.
constexpr std::size_t packfile_blobs_max = 32 * 1024;

// How much of a batch is encoded before it is appended.
constexpr std::size_t encoded_together_max = 1u << 20;

class StoreTransaction final : public Transaction {
 public:
  StoreTransaction(Repository& repository, const Options& options)
      : repository_(repository),
        options_(options),
        one_packfile_(repository.store().traits().archive),
        data_(options.data_packfiles),
        metadata_(1),
        begin_(repository.env().clock.monotonic()),
        last_checkpoint_(begin_) {}

  Mac mac(BytesView plain) const override { return repository_.mac().compute(plain); }
  std::unique_ptr<MacStream> mac_stream() const override {
    return std::make_unique<StoreMacStream>(repository_.mac().hasher());
  }

  Result<Mac> put(ResourceType type, BytesView plain) override {
    const Mac name = mac(plain);
    PLK_TRY(put_known(type, name, plain));
    return name;
  }

  Status put_known(ResourceType type, const Mac& mac, BytesView plain) override {
    if (!is_new(type, mac)) return {};
    const BlobToPut blob{.type = type, .plain = plain, .mac = mac};
    return append_counted({&blob, 1});
  }

  Status put_many(std::span<BlobToPut> blobs) override {
    std::vector<BytesView> plains;
    std::vector<Mac> macs(blobs.size());
    plains.reserve(blobs.size());
    for (const BlobToPut& blob : blobs) plains.push_back(blob.plain);
    repository_.mac().compute_many(plains, macs);
    std::vector<BlobToPut> fresh;
    for (std::size_t i = 0; i < blobs.size(); ++i) {
      blobs[i].mac = macs[i];
      if (is_new(blobs[i].type, blobs[i].mac)) fresh.push_back(blobs[i]);
    }
    // The blobs of one packfile are appended together.
    const auto metadata = std::stable_partition(
        fresh.begin(), fresh.end(),
        [this](const BlobToPut& blob) { return &pool_of(blob.type) == &data_; });
    PLK_TRY(append_counted(std::span(fresh.begin(), metadata)));
    return append_counted(std::span(metadata, fresh.end()));
  }

  bool has(ResourceType type, const Mac& mac) const override {
    return put_.contains(type, mac) || repository_.has(type, mac);
  }

  Status put_snapshot(const SnapshotId& id, BytesView header) override {
    if (repository_.index().find_colour(ResourceType::snapshot, Mac{.bytes = id.bytes})) {
      return Error(Errc::conflict, "snapshot " + id.short_hex() +
                                       " was removed from this store: its identifier is spent");
    }
    // What the header refers to is durable before the packfile with the header is.
    PLK_TRY(seal_all(data_));
    const BlobToPut blob{
        .type = ResourceType::snapshot, .plain = header, .mac = Mac{.bytes = id.bytes}};
    return append({&blob, 1});
  }

  Status commit(const SnapshotId& id, BytesView header) override {
    PLK_TRY(put_snapshot(id, header));
    // Not by the snapshot, as genuine Plakar names its first state: when it copies a removed
    // snapshot once more, it puts the new state in the place of any that has that name.
    return commit(StateId::random(repository_.env().random));
  }

  Status commit(const StateId& id) override {
    PLK_TRY(seal_all(data_));
    PLK_TRY(seal_all(metadata_));
    const std::lock_guard guard(pending_mutex_);
    Status published = publish_pending(id);
    if (!published) fail(published.error());
    return published;
  }

  TransactionStats stats() const override {
    return {.blobs_new = blobs_new_,
            .blobs_known = blobs_known_,
            .plain_bytes_new = plain_bytes_new_,
            .packfiles = packfiles_,
            .written_bytes = written_bytes_};
  }

 private:
  // Packfiles under way. A thread takes one, appends to it, and gives it back.
  struct Pool {
    explicit Pool(std::size_t count) : slots(count) {}

    std::mutex mutex;
    std::condition_variable returned;
    std::vector<std::optional<PackfileWriter>> slots;  // those not taken; empty: none started
  };

  Pool& pool_of(ResourceType type) noexcept {
    const bool is_data = type == ResourceType::chunk || type == ResourceType::object;
    return is_data && !one_packfile_ ? data_ : metadata_;
  }

  // Whether it has to be stored, by the caller, who is the only one told so.
  bool is_new(ResourceType type, const Mac& mac) {
    const std::uint64_t published = states_published_;
    const bool known = repository_.has(type, mac) || !put_.insert(type, mac) ||
                       // Between the two it may have gone from one to the other.
                       (states_published_ != published && repository_.has(type, mac));
    if (known) ++blobs_known_;
    return !known;
  }

  // Of one pool, and new.
  Status append(std::span<const BlobToPut> blobs) {
    if (blobs.empty()) return {};
    PLK_TRY(check());
    const auto lease = PLK_TRY(repository_.codec());
    Pool& pool = pool_of(blobs[0].type);
    if (blobs.size() == 1) {
      // Encoded before a packfile is taken: others may use it meanwhile.
      const BytesView encoded = PLK_TRY(lease->encode(blobs[0].plain));
      PLK_TRY(append_to_pool(pool, [&](std::optional<PackfileWriter>& writer) {
        return append_to(writer, *lease, blobs[0], encoded);
      }));
    } else {
      PLK_TRY(append_encoded(pool, *lease, blobs));
    }
    return {};
  }

  Status append_counted(std::span<const BlobToPut> blobs) {
    PLK_TRY(append(blobs));
    blobs_new_ += blobs.size();
    for (const BlobToPut& blob : blobs) plain_bytes_new_ += blob.plain.size();
    return {};
  }

  // Encodes small blobs together, as far as that takes little memory.
  Status append_encoded(Pool& pool, BlobCodec& codec, std::span<const BlobToPut> blobs) {
    Bytes encoded = take_buffer();
    std::vector<std::size_t> sizes;
    for (std::size_t begin = 0; begin < blobs.size();) {
      encoded.clear();
      sizes.clear();
      while (begin + sizes.size() < blobs.size() && encoded.size() < encoded_together_max) {
        const BytesView one = PLK_TRY(codec.encode(blobs[begin + sizes.size()].plain));
        plakar::append(encoded, one);
        sizes.push_back(one.size());
      }
      PLK_TRY(append_to_pool(pool, [&](std::optional<PackfileWriter>& writer) -> Status {
        BytesView rest = encoded;
        for (std::size_t i = 0; i < sizes.size(); ++i) {
          PLK_TRY(append_to(writer, codec, blobs[begin + i], rest.first(sizes[i])));
          rest = rest.subspan(sizes[i]);
        }
        return {};
      }));
      begin += sizes.size();
    }
    give_back_buffer(std::move(encoded));
    return {};
  }

  // Memory that was used once costs no faults: there is a buffer for each thread before long.
  Bytes take_buffer() {
    const std::lock_guard guard(buffers_mutex_);
    if (buffers_.empty()) return {};
    Bytes buffer = std::move(buffers_.back());
    buffers_.pop_back();
    return buffer;
  }
  void give_back_buffer(Bytes buffer) {
    const std::lock_guard guard(buffers_mutex_);
    buffers_.push_back(std::move(buffer));
  }

  template <class Append>
  Status append_to_pool(Pool& pool, Append&& append) {
    std::optional<PackfileWriter> writer = take(pool);
    Status appended = append(writer);
    if (!appended) {
      writer.reset();
      fail(appended.error());
    }
    give_back(pool, std::move(writer));
    return appended;
  }

  // With a packfile every blob in it is lost, and who put them was told that all is well: nothing
  // of this transaction may be relied upon any more.
  void fail(const Error& error) {
    const std::lock_guard guard(failure_mutex_);
    if (!failure_) failure_ = error;
    failed_ = true;
  }
  Status check() const {
    if (!failed_) [[likely]]
      return {};
    const std::lock_guard guard(failure_mutex_);
    return Error(*failure_);
  }

  std::optional<PackfileWriter> take(Pool& pool) {
    std::unique_lock lock(pool.mutex);
    pool.returned.wait(lock, [&] { return !pool.slots.empty(); });
    // The one given back last: a thread alone fills one packfile and not several in turn.
    std::optional<PackfileWriter> writer = std::move(pool.slots.back());
    pool.slots.pop_back();
    return writer;
  }

  void give_back(Pool& pool, std::optional<PackfileWriter> writer) {
    {
      const std::lock_guard guard(pool.mutex);
      pool.slots.push_back(std::move(writer));
    }
    pool.returned.notify_one();
  }

  Status append_to(std::optional<PackfileWriter>& writer, BlobCodec& codec, const BlobToPut& blob,
                   BytesView encoded) {
    const std::uint64_t size_max = repository_.config().packfile.size_max;
    if (!writer) {
      writer = PLK_TRY(PackfileWriter::start(repository_.store(), repository_.keys(),
                                             repository_.env().random,
                                             repository_.env().clock.wall(), size_max));
    }
    PLK_TRY(writer->append(blob.type, blob.mac, encoded));
    const bool is_full = writer->blob_bytes() > size_max ||
                         (!one_packfile_ && writer->blob_count() >= packfile_blobs_max);
    if (!is_full) return {};
    SealedPackfile sealed = PLK_TRY(std::move(*writer).seal(codec));
    writer.reset();
    return keep(std::move(sealed));
  }

  Status seal_all(Pool& pool) {
    const auto lease = PLK_TRY(repository_.codec());
    std::vector<std::optional<PackfileWriter>> taken;
    {
      const std::lock_guard guard(pool.mutex);
      taken.swap(pool.slots);
    }
    Status result = check();
    for (auto& writer : taken) {
      if (writer && result) {
        auto sealed = std::move(*writer).seal(*lease);
        result = sealed ? keep(*std::move(sealed)) : Status(std::move(sealed).error());
      }
      writer.reset();
      give_back(pool, std::nullopt);
    }
    if (!result) fail(result.error());
    return result;
  }

  // Remembers where the blobs of a packfile are until a state says so.
  Status keep(SealedPackfile sealed) {
    ++packfiles_;
    written_bytes_ += sealed.size;
    const std::lock_guard guard(pending_mutex_);
    pending_locations_ += sealed.records.size();
    pending_.push_back(std::move(sealed));
    const MonotonicTime now = repository_.env().clock.monotonic();
    // A day's backup is not to leave a thousand states behind.
    const auto interval = std::max(options_.checkpoint_interval, (now - begin_) / 8);
    if (one_packfile_ ||
        (pending_locations_ < options_.checkpoint_locations && now - last_checkpoint_ < interval)) {
      return {};
    }
    return publish_pending(StateId::random(repository_.env().random));
  }

  // Precondition: pending_mutex_ is held.
  Status publish_pending(const StateId& id) {
    if (pending_.empty()) return {};
    StateWriter writer(repository_.index().last_state());
    for (const SealedPackfile& packfile : pending_) {
      for (const PackfileRecord& record : packfile.records) {
        writer.add(LocationEntry{.type = record.type,
                                 .version = record.version,
                                 .blob = record.mac,
                                 .packfile = packfile.mac,
                                 .offset = record.offset,
                                 .length = record.length,
                                 .flags = 0});
      }
    }
    for (const SealedPackfile& packfile : pending_) {
      writer.add(
          PackfileEntry{.packfile = packfile.mac, .state = id, .time_ns = packfile.timestamp_ns});
    }
    const auto now = repository_.env().clock.wall().time_since_epoch();
    const Bytes plain =
        std::move(writer).finish(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
    PLK_TRY_CONTEXT(repository_.publish_state(id, plain), "publish state " + id.short_hex());
    written_bytes_ += plain.size();
    // The index has them now: what is remembered here does not grow with the run.
    ++states_published_;
    for (const SealedPackfile& packfile : pending_) {
      for (const PackfileRecord& record : packfile.records) put_.erase(record.type, record.mac);
    }
    pending_.clear();
    pending_locations_ = 0;
    last_checkpoint_ = repository_.env().clock.monotonic();
    return {};
  }

  Repository& repository_;
  Options options_;
  bool one_packfile_;  // an archive has no more
  PutSet put_;
  std::atomic<std::uint64_t> states_published_ = 0;
  Pool data_;
  Pool metadata_;

  std::atomic<bool> failed_ = false;
  mutable std::mutex failure_mutex_;
  std::optional<Error> failure_;  // guarded by failure_mutex_

  std::mutex buffers_mutex_;
  std::vector<Bytes> buffers_;  // guarded by buffers_mutex_

  std::mutex pending_mutex_;
  std::vector<SealedPackfile> pending_;  // these guarded by pending_mutex_
  std::size_t pending_locations_ = 0;
  const MonotonicTime begin_;
  MonotonicTime last_checkpoint_;

  std::atomic<std::uint64_t> blobs_new_ = 0;
  std::atomic<std::uint64_t> blobs_known_ = 0;
  std::atomic<std::uint64_t> plain_bytes_new_ = 0;
  std::atomic<std::uint64_t> packfiles_ = 0;
  std::atomic<std::uint64_t> written_bytes_ = 0;
};

}  // namespace

std::unique_ptr<Transaction> Transaction::begin(Repository& repository, const Options& options) {
  return std::make_unique<StoreTransaction>(repository, options);
}

}  // namespace plakar::kloset
