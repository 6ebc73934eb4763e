#include "core/kloset/repository/transaction.h"

#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <span>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/kloset/state/delta.h"

namespace plakar::kloset {
namespace {

// Which blobs this run has put that no state tells of yet. Striped: threads seldom meet.
class PutSet {
 public:
  bool insert(ResourceType type, const Mac& mac) {
    Stripe& stripe = stripes_[stripe_of(mac)];
    const std::lock_guard guard(stripe.mutex);
    return stripe.keys.insert({type, mac}).second;
  }
  void erase(ResourceType type, const Mac& mac) {
    Stripe& stripe = stripes_[stripe_of(mac)];
    const std::lock_guard guard(stripe.mutex);
    stripe.keys.erase({type, mac});
  }
  bool contains(ResourceType type, const Mac& mac) const {
    const Stripe& stripe = stripes_[stripe_of(mac)];
    const std::lock_guard guard(stripe.mutex);
    return stripe.keys.contains({type, mac});
  }

 private:
  struct Key {
    ResourceType type{};
    Mac mac;

    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept {
      return std::hash<Mac>()(key.mac) ^ static_cast<std::size_t>(key.type);
    }
  };
  struct Stripe {
    mutable std::mutex mutex;
    std::unordered_set<Key, KeyHash> keys;
  };

  static std::size_t stripe_of(const Mac& mac) noexcept {
    return std::to_integer<std::size_t>(mac.bytes[31]) % stripe_count;
  }

  static constexpr std::size_t stripe_count = 16;
  std::array<Stripe, stripe_count> stripes_;
};

class StoreMacStream final : public MacStream {
 public:
  explicit StoreMacStream(crypto::MacHasher hasher) : hasher_(std::move(hasher)) {}
  void update(BytesView bytes) override { hasher_.update(bytes); }
  Mac finish() override { return hasher_.finish(); }

 private:
  crypto::MacHasher hasher_;
};

class StoreTransaction final : public Transaction {
 public:
  StoreTransaction(Repository& repository, const Options& options)
      : repository_(repository),
        options_(options),
        one_packfile_(repository.store().traits().archive),
        data_(options.data_packfiles),
        metadata_(1),
        last_checkpoint_(repository.env().clock.monotonic()) {}

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
    const std::uint64_t published = states_published_;
    const bool is_known = repository_.has(type, mac) || !put_.insert(type, mac) ||
                          // Between the two it may have gone from one to the other.
                          (states_published_ != published && repository_.has(type, mac));
    if (is_known) {
      ++blobs_known_;
      return {};
    }
    PLK_TRY(append(type, mac, plain));
    ++blobs_new_;
    plain_bytes_new_ += plain.size();
    return {};
  }

  bool has(ResourceType type, const Mac& mac) const override {
    return put_.contains(type, mac) || repository_.has(type, mac);
  }

  Status put_snapshot(const SnapshotId& id, BytesView header) override {
    // What the header refers to is durable before the packfile with the header is.
    PLK_TRY(seal_all(data_));
    PLK_TRY(append(ResourceType::snapshot, Mac{.bytes = id.bytes}, header));
    const std::lock_guard guard(pending_mutex_);
    snapshots_.push_back(id);
    return {};
  }

  Status commit(const SnapshotId& id, BytesView header) override {
    PLK_TRY(put_snapshot(id, header));
    // Genuine Plakar names the first state of a run by its snapshot, and so can be told apart.
    const StateId named_so{.bytes = id.bytes};
    const bool is_free = !checkpointed_ && !repository_.index().has_state(named_so);
    return commit(is_free ? named_so : StateId::random(repository_.env().random));
  }

  Status commit(const StateId& id) override {
    PLK_TRY(seal_all(data_));
    PLK_TRY(seal_all(metadata_));
    const std::lock_guard guard(pending_mutex_);
    std::vector<StateEntry> deletions;
    for (const SnapshotId& snapshot : snapshots_) forget_removal(snapshot, deletions);
    Status published = publish_pending(id, deletions);
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

  Status append(ResourceType type, const Mac& mac, BytesView plain) {
    PLK_TRY(check());
    const auto lease = PLK_TRY(repository_.codec());
    const BytesView encoded = PLK_TRY(lease->encode(plain));
    Pool& pool = pool_of(type);
    std::optional<PackfileWriter> writer = take(pool);
    const Status appended = append_to(writer, *lease, type, mac, encoded);
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

  Status append_to(std::optional<PackfileWriter>& writer, BlobCodec& codec, ResourceType type,
                   const Mac& mac, BytesView encoded) {
    const std::uint64_t size_max = repository_.config().packfile.size_max;
    if (!writer) {
      writer = PLK_TRY(PackfileWriter::start(repository_.store(), repository_.keys(),
                                             repository_.env().random,
                                             repository_.env().clock.wall(), size_max));
    }
    PLK_TRY(writer->append(type, mac, encoded));
    if (writer->blob_bytes() <= size_max) return {};
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
    if (one_packfile_ || (pending_locations_ < options_.checkpoint_locations &&
                          now - last_checkpoint_ < options_.checkpoint_interval)) {
      return {};
    }
    checkpointed_ = true;
    return publish_pending(StateId::random(repository_.env().random), {});
  }

  // A snapshot that was removed from the store and comes back is marked as removed no longer. Of
  // what it was before, the trees may be gone: nothing may lead there.
  void forget_removal(const SnapshotId& id, std::vector<StateEntry>& deletions) const {
    const Mac mac{.bytes = id.bytes};
    if (!repository_.index().find_colour(ResourceType::snapshot, mac)) return;
    for (const BlobLocation& old : repository_.index().find_all(ResourceType::snapshot, mac)) {
      deletions.push_back(
          DeletedLocation{.type = ResourceType::snapshot, .blob = mac, .packfile = old.packfile});
    }
    deletions.push_back(DeletedColour{.type = ResourceType::snapshot, .mac = mac});
  }

  // Precondition: pending_mutex_ is held.
  Status publish_pending(const StateId& id, std::span<const StateEntry> deletions) {
    if (pending_.empty()) return {};
    StateWriter writer(repository_.index().last_state());
    for (const StateEntry& deletion : deletions) writer.add(deletion);
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

  std::mutex pending_mutex_;
  std::vector<SealedPackfile> pending_;  // these guarded by pending_mutex_
  std::size_t pending_locations_ = 0;
  std::vector<SnapshotId> snapshots_;
  MonotonicTime last_checkpoint_;
  std::atomic<bool> checkpointed_ = false;

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
