// A store in memory, for tests: quick, exact, and open to tampering.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "core/flow/cancel_token.h"
#include "core/kloset/store.h"

namespace plakar::kloset::testing {

// The items of a store, which outlive the objects that use them: each is another process.
struct MemoryPlace {
  using Items = std::map<std::pair<ItemKind, ItemName>, Bytes>;

  std::mutex mutex;
  std::optional<Bytes> config;  // these two guarded by mutex
  Items items;
};

class MemoryStore final : public Store {
 public:
  // `place` outlives the store. A test may change it while nobody uses it.
  explicit MemoryStore(MemoryPlace& place, flow::CancelToken cancel = {})
      : place_(place), cancel_(std::move(cancel)) {}

  StoreTraits traits() const override { return {}; }
  std::string location() const override { return "memory:"; }

  Status create(BytesView config) override;
  Result<Bytes> load_config() override;
  Status list(ItemKind kind, const std::function<Status(const ItemInfo&)>& visit) override;
  Result<std::uint64_t> size(ItemKind kind, const ItemName& name) override;
  Result<std::size_t> read(ItemKind kind, const ItemName& name, std::uint64_t offset,
                           std::span<std::byte> out) override;
  Status put(ItemKind kind, const ItemName& name, BytesView bytes, PutMode mode) override;
  Result<std::unique_ptr<ItemWriter>> start(ItemKind kind, std::uint64_t size_hint) override;
  Status remove(ItemKind kind, const ItemName& name) override;
  Status ping() override { return cancel_.check(); }
  Result<std::optional<std::uint64_t>> used_bytes() override;

 private:
  MemoryPlace& place_;
  flow::CancelToken cancel_;
};

}  // namespace plakar::kloset::testing
