// Which blobs are in use, at 21 to 28 bytes each: 128 bits of type and MAC in one flat table.
//
// MACs are evenly distributed, and nobody makes two that agree in so many bits. Should it happen
// for some other kind of id, something that nobody uses is taken for used.
//
// Not thread-safe.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/id.h"
#include "core/kloset/format/resource.h"

namespace plakar::ops {

class LiveSet {
 public:
  // With room for so many; more make it grow.
  explicit LiveSet(std::uint64_t expected);

  // False when it was in there.
  bool insert(kloset::ResourceType type, const Mac& mac);
  bool contains(kloset::ResourceType type, const Mac& mac) const noexcept;
  std::uint64_t size() const noexcept { return size_; }

 private:
  struct Key {
    std::uint64_t high = 0;
    std::uint64_t low = 0;

    bool is_none() const noexcept { return (high | low) == 0; }
    friend bool operator==(const Key&, const Key&) = default;
  };

  static Key key_of(kloset::ResourceType type, const Mac& mac) noexcept;
  // Where the key is, or where it belongs.
  std::uint64_t slot_of(const Key& key) const noexcept;
  void grow();

  std::vector<Key> slots_;
  std::uint64_t size_ = 0;
};

}  // namespace plakar::ops
