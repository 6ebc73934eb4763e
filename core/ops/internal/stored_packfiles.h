// The packfiles that are in a store, whatever its states say of them.
//
// Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>

#include "core/base/id.h"
#include "core/base/result.h"
#include "core/kloset/store.h"

namespace plakar::ops {

class StoredPackfiles {
 public:
  // `store` outlives this.
  explicit StoredPackfiles(kloset::Store& store) : store_(&store) {}

  // Called once, first.
  Status list();

  // The size of one, or nothing when there is none. One that is not among those listed is asked
  // for by name: it may have come since, and listings of some media lag behind.
  Result<std::optional<std::uint64_t>> find_size(const PackfileMac& packfile);

  // Those that were listed.
  Status for_each(const std::function<Status(const PackfileMac&)>& visit) const;

 private:
  enum class Known : std::uint8_t { listed, sized, missing };
  struct Item {
    Known known = Known::listed;
    std::uint64_t size = 0;
  };

  kloset::Store* store_;
  std::unordered_map<PackfileMac, Item> items_;
};

}  // namespace plakar::ops
