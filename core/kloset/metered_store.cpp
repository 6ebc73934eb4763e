#include "core/kloset/metered_store.h"

#include <utility>

namespace plakar::kloset {
namespace {

class MeteredWriter final : public ItemWriter {
 public:
  MeteredWriter(std::unique_ptr<ItemWriter> inner, std::atomic<std::uint64_t>& written)
      : inner_(std::move(inner)), written_(written) {}

  Status write(BytesView bytes) override {
    PLK_TRY(inner_->write(bytes));
    written_ += bytes.size();
    return {};
  }
  Status commit(const ItemName& name) override { return inner_->commit(name); }

 private:
  std::unique_ptr<ItemWriter> inner_;
  std::atomic<std::uint64_t>& written_;
};

}  // namespace

Status MeteredStore::create(BytesView config) {
  PLK_TRY(inner_.create(config));
  written_ += config.size();
  return {};
}

Result<Bytes> MeteredStore::load_config() {
  Bytes config = PLK_TRY(inner_.load_config());
  read_ += config.size();
  return config;
}

Result<std::size_t> MeteredStore::read(ItemKind kind, const ItemName& name, std::uint64_t offset,
                                       std::span<std::byte> out) {
  const std::size_t got = PLK_TRY(inner_.read(kind, name, offset, out));
  read_ += got;
  return got;
}

Status MeteredStore::put(ItemKind kind, const ItemName& name, BytesView bytes, PutMode mode) {
  PLK_TRY(inner_.put(kind, name, bytes, mode));
  written_ += bytes.size();
  return {};
}

Result<std::unique_ptr<ItemWriter>> MeteredStore::start(ItemKind kind, std::uint64_t size_hint) {
  auto inner = PLK_TRY(inner_.start(kind, size_hint));
  return std::make_unique<MeteredWriter>(std::move(inner), written_);
}

}  // namespace plakar::kloset
