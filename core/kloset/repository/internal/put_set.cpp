#include "core/kloset/repository/internal/put_set.h"

#include <utility>

namespace plakar::kloset {

PutSet::Key PutSet::key_of(ResourceType type, const Mac& mac) noexcept {
  const auto head = load_le<std::uint64_t>(BytesView(mac.bytes).first<8>());
  const auto rest = load_le<std::uint64_t>(BytesView(mac.bytes).subspan<8, 8>());
  return {.head = head, .tail = rest << 8 | (static_cast<std::uint64_t>(type) & 0xff)};
}

PutSet::Stripe& PutSet::stripe_of(const Mac& mac) noexcept {
  return stripes_[std::to_integer<std::size_t>(mac.bytes[31]) % stripe_count];
}
const PutSet::Stripe& PutSet::stripe_of(const Mac& mac) const noexcept {
  return stripes_[std::to_integer<std::size_t>(mac.bytes[31]) % stripe_count];
}

// Where the key is, or the free slot where it would be.
std::size_t PutSet::Stripe::find(const Key& key) const noexcept {
  const std::size_t mask = slots.size() - 1;
  std::size_t at = key.head & mask;
  while (!slots[at].is_free() && slots[at] != key) at = (at + 1) & mask;
  return at;
}

void PutSet::Stripe::grow() {
  std::vector<Key> old(slots.empty() ? 64 : 2 * slots.size());
  old.swap(slots);
  for (const Key& key : old) {
    if (!key.is_free()) slots[find(key)] = key;
  }
}

bool PutSet::insert(ResourceType type, const Mac& mac) {
  Stripe& stripe = stripe_of(mac);
  const Key key = key_of(type, mac);
  const std::lock_guard guard(stripe.mutex);
  if (4 * stripe.count >= 3 * stripe.slots.size()) stripe.grow();
  Key& slot = stripe.slots[stripe.find(key)];
  if (!slot.is_free()) return false;
  slot = key;
  ++stripe.count;
  return true;
}

bool PutSet::contains(ResourceType type, const Mac& mac) const {
  const Stripe& stripe = stripe_of(mac);
  const Key key = key_of(type, mac);
  const std::lock_guard guard(stripe.mutex);
  return !stripe.slots.empty() && !stripe.slots[stripe.find(key)].is_free();
}

void PutSet::erase(ResourceType type, const Mac& mac) {
  Stripe& stripe = stripe_of(mac);
  const Key key = key_of(type, mac);
  const std::lock_guard guard(stripe.mutex);
  if (stripe.slots.empty()) return;
  const std::size_t mask = stripe.slots.size() - 1;
  std::size_t hole = stripe.find(key);
  if (stripe.slots[hole].is_free()) return;
  --stripe.count;
  // What stands behind it and would be found no more moves up.
  for (std::size_t at = (hole + 1) & mask; !stripe.slots[at].is_free(); at = (at + 1) & mask) {
    const std::size_t home = stripe.slots[at].head & mask;
    if (((at - home) & mask) < ((at - hole) & mask)) continue;
    stripe.slots[hole] = std::exchange(stripe.slots[at], Key());
    hole = at;
  }
  stripe.slots[hole] = Key();
}

}  // namespace plakar::kloset
