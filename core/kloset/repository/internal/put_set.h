// Which blobs a run has put and not yet published: 16 octets each, where a hash map would take
// 80. A MAC is cut to 120 bits for it, which of two different blobs are not equal: in a run of a
// thousand million the odds are one in 10^18.
//
// Striped: threads seldom meet. All functions may be called from any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "core/base/id.h"
#include "core/kloset/format/resource.h"

namespace plakar::kloset {

class PutSet {
 public:
  // Whether it is new; of several threads with the same key, one is told so.
  bool insert(ResourceType type, const Mac& mac);
  bool contains(ResourceType type, const Mac& mac) const;
  void erase(ResourceType type, const Mac& mac);

 private:
  // The first 15 octets of the MAC, and the type, which is not 0: all zeros is a free slot.
  struct Key {
    std::uint64_t head = 0;
    std::uint64_t tail = 0;

    bool is_free() const noexcept { return tail == 0; }
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct Stripe {
    mutable std::mutex mutex;
    std::vector<Key> slots;  // these two guarded by mutex; a power of two, or none
    std::size_t count = 0;

    std::size_t find(const Key& key) const noexcept;
    void grow();
  };

  static Key key_of(ResourceType type, const Mac& mac) noexcept;
  Stripe& stripe_of(const Mac& mac) noexcept;
  const Stripe& stripe_of(const Mac& mac) const noexcept;

  static constexpr std::size_t stripe_count = 16;
  std::array<Stripe, stripe_count> stripes_;
};

}  // namespace plakar::kloset
