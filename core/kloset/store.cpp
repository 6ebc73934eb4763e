#include "core/kloset/store.h"

namespace plakar::kloset {
namespace {

std::string describe(ItemKind kind, const ItemName& name) {
  return std::string(to_name(kind)) + " " + name.short_hex();
}

}  // namespace

std::string_view to_name(ItemKind kind) noexcept {
  switch (kind) {
    case ItemKind::packfile:
      return "packfile";
    case ItemKind::state:
      return "state";
    case ItemKind::lock:
      return "lock";
  }
  return "item";
}

Result<Bytes> load_item(Store& store, ItemKind kind, const ItemName& name, std::uint64_t size_max) {
  const std::uint64_t size = PLK_TRY(store.size(kind, name));
  if (size > size_max) {
    return Error(Errc::corrupt, describe(kind, name) + " has " + std::to_string(size) +
                                    " bytes; at most " + std::to_string(size_max) +
                                    " are believable");
  }
  Bytes bytes(size);
  PLK_TRY(read_exactly(store, kind, name, 0, bytes));
  return bytes;
}

Status read_exactly(Store& store, ItemKind kind, const ItemName& name, std::uint64_t offset,
                    std::span<std::byte> out) {
  const std::size_t got = PLK_TRY(store.read(kind, name, offset, out));
  if (got != out.size()) {
    return Error(Errc::corrupt, describe(kind, name) + " ends after " +
                                    std::to_string(offset + got) + " bytes, " +
                                    std::to_string(out.size() - got) + " too early");
  }
  return {};
}

}  // namespace plakar::kloset
