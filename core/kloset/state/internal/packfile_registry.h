// The packfiles that locations name, by number.
//
// A number means one packfile until that is deleted, and nothing afterwards: the same packfile
// gets another number if it ever comes back. So deleting it takes every location in it along,
// wherever these are kept, without looking for them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "core/base/id.h"
#include "core/kloset/state/delta.h"
#include "core/kloset/state/internal/dense_records.h"
#include "core/kloset/state/internal/location_record.h"

namespace plakar::kloset {

struct Packfile {
  PackfileMac mac;
  StateId state;
  std::int64_t time_ns = 0;
  bool known = false;     // There is a PackfileEntry, from which `state` and `time_ns` come.
  bool coloured = false;  // There is a colour mark.
  bool deleted = false;

  bool counts() const noexcept { return known && !coloured && !deleted; }
  friend bool operator==(const Packfile&, const Packfile&) = default;
};

// Packfiles in the table: mac:32 flags:u8 state:32 time:i64.
struct StoredPackfile {
  static constexpr std::size_t size = 73;

  std::array<std::byte, size> bytes;

  static StoredPackfile of(const Packfile& packfile) noexcept;
  static Packfile read(const std::byte* record) noexcept;
};
using PackfileRecords = DenseRecords<StoredPackfile::size>;

// Changed by one thread while no other reads.
class PackfileRegistry {
 public:
  PackfileRegistry() = default;
  // The table's packfiles have the numbers from 0 on.
  explicit PackfileRegistry(PackfileRecords table) noexcept : table_(table) {}

  // Of those not deleted.
  std::optional<PackfileNumber> find(const PackfileMac& mac) const;
  // The number, a new one if there is none. `coloured` is for a new one.
  template <class IsColoured>
  PackfileNumber intern(const PackfileMac& mac, IsColoured&& coloured) {
    if (const auto known = numbers_.find(mac);
        known != numbers_.end() && known->second != no_packfile) {
      return known->second;
    }
    const auto number = find(mac);
    return number ? remember(mac, *number) : append(mac, coloured());
  }

  // Precondition of these five: `number` is less than size().
  Packfile load(PackfileNumber number) const noexcept;
  PackfileMac load_mac(PackfileNumber number) const noexcept;
  bool counts(PackfileNumber number) const noexcept;
  bool is_deleted(PackfileNumber number) const noexcept;
  Packfile& change(PackfileNumber number);

  void erase(PackfileNumber number);

  std::uint64_t size() const noexcept { return table_.size() + added_.size(); }
  // The numbers of those not deleted, in the order of their MACs.
  std::vector<PackfileNumber> sorted() const;

 private:
  PackfileNumber remember(const PackfileMac& mac, PackfileNumber number);
  PackfileNumber append(const PackfileMac& mac, bool coloured);
  const Packfile* find_change(PackfileNumber number) const noexcept;

  PackfileRecords table_;
  std::vector<Packfile> added_;
  std::unordered_map<PackfileNumber, Packfile> changed_;  // of the table's
  // Of those with a number up to the largest that is: asked for every record of a walk, which would
  // else wait for memory each time.
  std::vector<bool> deleted_;
  // What is added, and some of what is in the table. no_packfile: the table's is deleted.
  std::unordered_map<PackfileMac, PackfileNumber> numbers_;
};

}  // namespace plakar::kloset
