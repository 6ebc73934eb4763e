// Locations in memory: the newest ones, until they are written to a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/kloset/state/internal/location_record.h"
#include "core/kloset/state/internal/record_pages.h"

namespace plakar::kloset {

// A hash table of chains, each in the order in which its records came. Takes some 76 bytes a
// location. Not thread-safe.
class LocationDelta {
 public:
  // `seed` keeps those who choose MACs from choosing collisions.
  explicit LocationDelta(std::uint64_t seed = 0) noexcept : seed_(seed) {}

  // A record with the same key and packfile as one that is there is left out.
  void add(const LocationRecord& record);
  void erase(const RecordKey& key, PackfileNumber packfile);

  // Calls visit(LocationView) for what is there, in order, until it returns true.
  template <class Visit>
  void find(const RecordKey& key, Visit&& visit) const {
    if (slots_.empty()) return;
    for (std::uint32_t i = slots_[find_slot(key)]; i != none; i = nodes_[i].next) {
      if (LocationView(nodes_[i].record.bytes.data()).packfile() == no_packfile) continue;
      if (visit(LocationView(nodes_[i].record.bytes.data()))) return;
    }
  }

  // Erased ones included: what counts is memory.
  std::size_t size() const noexcept { return nodes_.size(); }
  std::size_t memory_bytes() const noexcept {
    return nodes_.size() * sizeof(Node) + slots_.size() * sizeof(slots_[0]);
  }

  // All of them, sorted. Refers to this, which stays as it is meanwhile.
  std::unique_ptr<RecordSource> stream() const;

 private:
  static constexpr std::uint32_t none = UINT32_MAX;

  struct Node {
    LocationRecord record;
    std::uint32_t next = none;
  };

  // Where the key's chain begins, or where it would.
  std::size_t find_slot(const RecordKey& key) const noexcept;
  void grow();

  std::uint64_t seed_;
  std::vector<Node> nodes_;
  std::vector<std::uint32_t> slots_;  // a power of two, at most half of them used
  std::size_t chains_ = 0;
};

}  // namespace plakar::kloset
