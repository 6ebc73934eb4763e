#include "core/kloset/repository/lock.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "core/base/text.h"
#include "core/codec/msgpack_struct.h"
#include "core/kloset/format/envelope.h"
#include "core/kloset/format/stored_version.h"
#include "core/kloset/repository/blob_codec.h"

namespace plakar::kloset {

struct LockRecord {
  std::uint32_t version = 0;
  UnixTime timestamp;
  std::string hostname;
  bool exclusive = false;
};

constexpr auto msgpack_fields(const LockRecord*) {
  using codec::field;
  return std::array{field<&LockRecord::version, StoredVersion>("version"),
                    field<&LockRecord::timestamp>("timestamp"),
                    field<&LockRecord::hostname>("hostname"),
                    field<&LockRecord::exclusive>("exclusive")};
}

namespace {

constexpr std::uint64_t lock_size_max = 64 * 1024;

bool is_stale(const LockInfo& lock, WallTime now) {  // Subtracted on the side that cannot overflow:
                                                     // a hostile lock may have any time.
  return lock.refreshed < now - lock_stale_age;
}

class HeldLock final : public RepositoryLock {
 public:
  HeldLock(Store& store, const StoreKeys& keys, BlobCodec codec, Env env, Request request)
      : store_(store),
        keys_(keys),
        codec_(std::move(codec)),
        env_(env),
        request_(std::move(request)) {}

  ~HeldLock() override { static_cast<void>(release()); }

  Status put() {
    const WallTime now = env_.clock.wall();
    const Bytes plain =
        codec::msgpack_encode(LockRecord{.version = 0,
                                         .timestamp = to_unix_time(now),
                                         .hostname = request_.hostname,
                                         .exclusive = request_.mode == LockMode::exclusive});
    const BytesView encoded = PLK_TRY(codec_.encode(plain));
    PLK_TRY(store_.put(ItemKind::lock, item_name(request_.id),
                       seal_envelope(ResourceType::lock, encoded, keys_.mac), PutMode::replace));
    refreshed_ = env_.clock.monotonic();
    return {};
  }

  void start_refreshing() {
    refresher_ = std::jthread([this] { refresh(); });
  }

  Status release() override {
    {
      const std::lock_guard guard(mutex_);
      if (released_) return {};
      released_ = true;
    }
    stop_.notify_all();
    if (refresher_.joinable()) refresher_.join();
    return store_.remove(ItemKind::lock, item_name(request_.id));
  }

  Status check() const override {
    if (env_.clock.monotonic() - refreshed_.load() <= lock_stale_age) return {};
    return Error(Errc::conflict,
                 "the store's lock could not be refreshed for ten minutes, and others may have "
                 "taken it for abandoned");
  }

 private:
  void refresh() {
    std::unique_lock lock(mutex_);
    MonotonicTime next = env_.clock.monotonic() + lock_refresh_interval;
    for (;;) {
      if (env_.clock.wait_until(lock, stop_, next, [this] { return released_; })) return;
      lock.unlock();
      // A failure is tried again soon; check() tells when it is too late.
      const bool done = put().has_value();
      lock.lock();
      next = env_.clock.monotonic() +
             (done ? std::chrono::nanoseconds(lock_refresh_interval) : std::chrono::seconds(15));
    }
  }

  Store& store_;
  const StoreKeys& keys_;
  BlobCodec codec_;  // of acquire() at first, then of the refresher alone
  Env env_;
  Request request_;
  std::atomic<MonotonicTime> refreshed_{};
  std::mutex mutex_;
  std::condition_variable stop_;
  bool released_ = false;  // guarded by mutex_
  std::jthread refresher_;
};

std::string describe(const LockInfo& lock, WallTime now) {
  const auto left = lock.refreshed + lock_stale_age - now;
  return std::string(lock.mode == LockMode::exclusive ? "maintenance" : "a backup or sync") +
         " on " + escape(lock.hostname) + ", last heard of " +
         format_duration(std::chrono::duration_cast<std::chrono::seconds>(now - lock.refreshed)) +
         " ago; if it no longer runs, its lock goes stale in " +
         format_duration(std::chrono::duration_cast<std::chrono::seconds>(left));
}

}  // namespace

Result<std::vector<LockInfo>> list_locks(Store& store, const StoreConfig& config,
                                         const StoreKeys& keys, Random& random) {
  BlobCodec codec = PLK_TRY(BlobCodec::create(config, keys, random));
  std::vector<ItemName> names;
  PLK_TRY(store.list(ItemKind::lock, [&](const ItemInfo& item) -> Status {
    names.push_back(item.name);
    return {};
  }));
  std::vector<LockInfo> locks;
  for (const ItemName& name : names) {
    const auto item = load_item(store, ItemKind::lock, name, lock_size_max);
    if (!item && item.error().code() == Errc::not_found) continue;
    if (!item) return Error(item.error()).context("read lock " + name.short_hex());
    const auto read = [&]() -> Result<LockRecord> {
      const Envelope envelope = PLK_TRY(open_envelope(*item, ResourceType::lock, keys.mac));
      return codec::msgpack_decode<LockRecord>(PLK_TRY(codec.decode(envelope.body, lock_size_max)));
    };
    const LockRecord record = PLK_TRY_CONTEXT(read(), "read lock " + name.short_hex());
    locks.push_back({.id = LockId{.bytes = name.bytes},
                     .hostname = record.hostname,
                     .mode = record.exclusive ? LockMode::exclusive : LockMode::shared,
                     .refreshed = to_wall_time(record.timestamp)});
  }
  return locks;
}

Result<std::unique_ptr<RepositoryLock>> RepositoryLock::acquire(Store& store,
                                                                const StoreConfig& config,
                                                                const StoreKeys& keys, Env env,
                                                                const Request& request) {
  BlobCodec codec = PLK_TRY(BlobCodec::create(config, keys, env.random));
  auto held = std::make_unique<HeldLock>(store, keys, std::move(codec), env, request);
  PLK_TRY_CONTEXT(held->put(), "lock the store");
  const std::vector<LockInfo> locks =
      PLK_TRY_CONTEXT(list_locks(store, config, keys, env.random), "lock the store");
  const WallTime now = env.clock.wall();
  for (const LockInfo& lock : locks) {
    if (lock.id == request.id) continue;
    if (is_stale(lock, now)) {
      PLK_TRY_CONTEXT(store.remove(ItemKind::lock, item_name(lock.id)), "remove a stale lock");
      continue;
    }
    if (request.mode == LockMode::exclusive) {
      return Error(Errc::conflict, "Can't take exclusive lock, repository is already locked: " +
                                       describe(lock, now));
    }
    if (lock.mode == LockMode::exclusive) {
      return Error(
          Errc::conflict,
          "Can't take repository lock, it's already locked by maintenance: " + describe(lock, now));
    }
  }
  held->start_refreshing();
  return std::unique_ptr<RepositoryLock>(std::move(held));
}

}  // namespace plakar::kloset
