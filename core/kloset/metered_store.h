// A store in front of another one that counts what goes through: how much a command read from
// the medium and wrote to it.
#pragma once

#include <atomic>

#include "core/kloset/store.h"

namespace plakar::kloset {

// Thread-safe, as far as the store behind it is, which outlives this one.
class MeteredStore final : public Store {
 public:
  explicit MeteredStore(Store& inner) noexcept : inner_(inner) {}

  std::uint64_t bytes_read() const noexcept { return read_; }
  std::uint64_t bytes_written() const noexcept { return written_; }

  StoreTraits traits() const override { return inner_.traits(); }
  std::string location() const override { return inner_.location(); }
  Status create(BytesView config) override;
  Result<Bytes> load_config() override;
  Status list(ItemKind kind, const std::function<Status(const ItemInfo&)>& visit) override {
    return inner_.list(kind, visit);
  }
  Result<std::uint64_t> size(ItemKind kind, const ItemName& name) override {
    return inner_.size(kind, name);
  }
  Result<std::size_t> read(ItemKind kind, const ItemName& name, std::uint64_t offset,
                           std::span<std::byte> out) override;
  Status put(ItemKind kind, const ItemName& name, BytesView bytes, PutMode mode) override;
  Result<std::unique_ptr<ItemWriter>> start(ItemKind kind, std::uint64_t size_hint) override;
  Status remove(ItemKind kind, const ItemName& name) override { return inner_.remove(kind, name); }
  Status ping() override { return inner_.ping(); }
  Result<std::optional<std::uint64_t>> used_bytes() override { return inner_.used_bytes(); }
  Status close() override { return inner_.close(); }

 private:
  Store& inner_;
  std::atomic<std::uint64_t> read_ = 0;
  std::atomic<std::uint64_t> written_ = 0;
};

}  // namespace plakar::kloset
