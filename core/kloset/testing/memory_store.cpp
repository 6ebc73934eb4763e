#include "core/kloset/testing/memory_store.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace plakar::kloset::testing {
namespace {

Error no_such(ItemKind kind, const ItemName& name) {
  return Error(Errc::not_found,
               "there is no " + std::string(to_name(kind)) + " " + name.short_hex());
}

class MemoryWriter final : public ItemWriter {
 public:
  MemoryWriter(MemoryStore& store, ItemKind kind, flow::CancelToken cancel)
      : store_(store), kind_(kind), cancel_(std::move(cancel)) {}

  Status write(BytesView bytes) override {
    PLK_TRY(cancel_.check());
    append(bytes_, bytes);
    return {};
  }
  Status commit(const ItemName& name) override {
    return store_.put(kind_, name, bytes_, PutMode::replace);
  }

 private:
  MemoryStore& store_;
  ItemKind kind_;
  flow::CancelToken cancel_;
  Bytes bytes_;
};

}  // namespace

Status MemoryStore::create(BytesView config) {
  PLK_TRY(cancel_.check());
  if (config.empty() || config.size() > config_size_max) {
    return Error(Errc::invalid_argument, "a CONFIG of " + std::to_string(config.size()) + " bytes");
  }
  const std::lock_guard guard(place_.mutex);
  if (place_.config) return Error(Errc::already_exists, "there is a store in this memory already");
  place_.config = to_bytes(config);
  return {};
}

Result<Bytes> MemoryStore::load_config() {
  PLK_TRY(cancel_.check());
  const std::lock_guard guard(place_.mutex);
  if (!place_.config) return Error(Errc::not_found, "there is no store in this memory");
  if (place_.config->size() > config_size_max) {
    return Error(Errc::corrupt, "a CONFIG of " + std::to_string(place_.config->size()) + " bytes");
  }
  return *place_.config;
}

Status MemoryStore::list(ItemKind kind, const std::function<Status(const ItemInfo&)>& visit) {
  PLK_TRY(cancel_.check());
  // Copied, because `visit` may use the store.
  std::vector<ItemInfo> found;
  {
    const std::lock_guard guard(place_.mutex);
    for (const auto& [key, bytes] : place_.items) {
      if (key.first == kind) found.push_back({.name = key.second, .size = bytes.size()});
    }
  }
  for (const ItemInfo& item : found) {
    PLK_TRY(cancel_.check());
    PLK_TRY(visit(item));
  }
  return {};
}

Result<std::uint64_t> MemoryStore::size(ItemKind kind, const ItemName& name) {
  PLK_TRY(cancel_.check());
  const std::lock_guard guard(place_.mutex);
  const auto found = place_.items.find({kind, name});
  if (found == place_.items.end()) return no_such(kind, name);
  return found->second.size();
}

Result<std::size_t> MemoryStore::read(ItemKind kind, const ItemName& name, std::uint64_t offset,
                                      std::span<std::byte> out) {
  PLK_TRY(cancel_.check());
  const std::lock_guard guard(place_.mutex);
  const auto found = place_.items.find({kind, name});
  if (found == place_.items.end()) return no_such(kind, name);
  const Bytes& bytes = found->second;
  if (offset >= bytes.size()) return std::size_t{0};
  const std::size_t got = std::min<std::uint64_t>(out.size(), bytes.size() - offset);
  std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), got, out.begin());
  return got;
}

Status MemoryStore::put(ItemKind kind, const ItemName& name, BytesView bytes, PutMode mode) {
  PLK_TRY(cancel_.check());
  const std::lock_guard guard(place_.mutex);
  if (mode == PutMode::if_absent && place_.items.contains({kind, name})) {
    return Error(Errc::already_exists,
                 std::string(to_name(kind)) + " " + name.short_hex() + " exists already");
  }
  place_.items[{kind, name}] = to_bytes(bytes);
  return {};
}

Result<std::unique_ptr<ItemWriter>> MemoryStore::start(ItemKind kind, std::uint64_t) {
  PLK_TRY(cancel_.check());
  return std::unique_ptr<ItemWriter>(std::make_unique<MemoryWriter>(*this, kind, cancel_));
}

Status MemoryStore::remove(ItemKind kind, const ItemName& name) {
  const std::lock_guard guard(place_.mutex);
  place_.items.erase({kind, name});
  return {};
}

Result<std::optional<std::uint64_t>> MemoryStore::used_bytes() {
  PLK_TRY(cancel_.check());
  const std::lock_guard guard(place_.mutex);
  std::uint64_t sum = place_.config ? place_.config->size() : 0;
  for (const auto& [key, bytes] : place_.items) sum += bytes.size();
  return std::optional(sum);
}

}  // namespace plakar::kloset::testing
