#include "core/ops/internal/stored_packfiles.h"

namespace plakar::ops {

using kloset::ItemKind;

Status StoredPackfiles::list() {
  return store_->list(ItemKind::packfile, [this](const kloset::ItemInfo& item) -> Status {
    items_.try_emplace(
        PackfileMac{.bytes = item.name.bytes},
        Item{.known = item.size ? Known::sized : Known::listed, .size = item.size.value_or(0)});
    return {};
  });
}

Result<std::optional<std::uint64_t>> StoredPackfiles::find_size(const PackfileMac& packfile) {
  const auto found = items_.find(packfile);
  if (found != items_.end() && found->second.known == Known::missing) {
    return std::optional<std::uint64_t>();
  }
  if (found != items_.end() && found->second.known == Known::sized) {
    return std::optional(found->second.size);
  }
  auto size = store_->size(ItemKind::packfile, kloset::item_name(packfile));
  if (size) {
    items_[packfile] = {.known = Known::sized, .size = *size};
    return std::optional(*size);
  }
  if (size.error().code() != Errc::not_found) return std::move(size).error();
  items_[packfile] = {.known = Known::missing, .size = 0};
  return std::optional<std::uint64_t>();
}

Status StoredPackfiles::for_each(const std::function<Status(const PackfileMac&)>& visit) const {
  for (const auto& [packfile, item] : items_) {
    if (item.known != Known::missing) PLK_TRY(visit(packfile));
  }
  return {};
}

}  // namespace plakar::ops
