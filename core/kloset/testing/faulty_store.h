// A store in front of another one that fails, forgets, or lags behind, as media do.
//
// To let every single call of some work fail:
//
//   for (std::uint64_t nth = 1;; ++nth) {
//     MemoryPlace place;
//     MemoryStore sound(place);
//     FaultyStore store(sound, {.nth = nth});
//     const Status done = work(store);
//     if (!store.fired()) break;  // There was no nth call: all have been tried.
//     ...                         // What must hold although that call failed.
//   }
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "core/kloset/store.h"

namespace plakar::kloset::testing {

enum class StoreCall : std::uint8_t {
  create,
  load_config,
  list,
  size,
  read,
  put,
  start,
  write,  // of an ItemWriter, as the next one
  commit,
  remove,
  ping,
  used_bytes,
  close,
};

enum class StoreFaultEffect : std::uint8_t {
  fails,        // the call is not made, and returns the error
  is_done,      // the call is made, and returns the error all the same
  comes_short,  // of a read: it returns `short_bytes` at most
  is_lost,      // of a put, commit or removal: not made, and reported as success
};

struct StoreFault {
  std::uint64_t nth = 1;               // of the calls that match, from 1
  std::optional<StoreCall> call = {};  // any, if not set
  std::optional<ItemKind> kind = {};   // any, if not set; with it only calls that name a kind
  StoreFaultEffect effect = StoreFaultEffect::fails;
  Errc error = Errc::io;
  std::size_t short_bytes = 0;
  bool repeats = false;  // this and every later one that matches
};

// Thread-safe, as far as the store behind it is. Reading traits and location never fails.
class FaultyStore final : public Store {
 public:
  // `inner` outlives this. Without a fault all goes well.
  explicit FaultyStore(Store& inner, std::optional<StoreFault> fault = {})
      : inner_(&inner), fault_(fault) {}

  bool fired() const;
  // How many calls matched.
  std::uint64_t matched() const;

  // From now on, listings leave out what is written, until catch_up(); by its name it is there at
  // once. So do object stores whose listings are consistent only in the end.
  void lag_behind();
  void catch_up();

  StoreTraits traits() const override { return inner_->traits(); }
  std::string location() const override { return inner_->location(); }
  Status create(BytesView config) override;
  Result<Bytes> load_config() override;
  Status list(ItemKind kind, const std::function<Status(const ItemInfo&)>& visit) override;
  Result<std::uint64_t> size(ItemKind kind, const ItemName& name) override;
  Result<std::size_t> read(ItemKind kind, const ItemName& name, std::uint64_t offset,
                           std::span<std::byte> out) override;
  Status put(ItemKind kind, const ItemName& name, BytesView bytes, PutMode mode) override;
  Result<std::unique_ptr<ItemWriter>> start(ItemKind kind, std::uint64_t size_hint) override;
  Status remove(ItemKind kind, const ItemName& name) override;
  Status ping() override;
  Result<std::optional<std::uint64_t>> used_bytes() override;
  Status close() override;

 private:
  class Writer;

  // The fault, when it is this call's.
  std::optional<StoreFault> hit(StoreCall call, std::optional<ItemKind> kind);
  // Makes the call, or not, as the fault says.
  template <class Next>
  auto pass(StoreCall call, std::optional<ItemKind> kind, Next next) -> decltype(next());
  void note_written(ItemKind kind, const ItemName& name);

  Store* inner_;
  const std::optional<StoreFault> fault_;
  mutable std::mutex mutex_;
  std::uint64_t matched_ = 0;  // these guarded by mutex_
  bool fired_ = false;
  bool lagging_ = false;
  std::set<std::pair<ItemKind, ItemName>> unlisted_;
};

}  // namespace plakar::kloset::testing
