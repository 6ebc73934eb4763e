#include "core/ops/internal/live_set.h"

#include <utility>

#include "core/base/bytes.h"

namespace plakar::ops {
namespace {

constexpr std::uint64_t slots_min = 64;

// At three quarters, a search that finds nothing looks at some eight slots.
constexpr std::uint64_t slots_for(std::uint64_t keys) { return keys + keys / 3 + slots_min; }
constexpr bool is_full(std::uint64_t keys, std::uint64_t slots) {
  return keys >= slots - slots / 4;
}

}  // namespace

LiveSet::LiveSet(std::uint64_t expected) : slots_(slots_for(expected)) {}

LiveSet::Key LiveSet::key_of(kloset::ResourceType type, const Mac& mac) noexcept {
  Key key{.high = load_le<std::uint64_t>(mac.view()),
          .low = load_le<std::uint64_t>(mac.view().subspan(8))};
  // Into bits that do not choose the slot: a MAC that is used under two types is rare.
  key.low ^= static_cast<std::uint64_t>(type) << 32;
  // No key is the mark of an empty slot.
  if (key.is_none()) key.low = 1;
  return key;
}

std::uint64_t LiveSet::slot_of(const Key& key) const noexcept {
  __extension__ using Wide = unsigned __int128;
  auto slot = static_cast<std::uint64_t>(static_cast<Wide>(key.high) * slots_.size() >> 64);
  while (!slots_[slot].is_none() && slots_[slot] != key) {
    if (++slot == slots_.size()) slot = 0;
  }
  return slot;
}

bool LiveSet::insert(kloset::ResourceType type, const Mac& mac) {
  const Key key = key_of(type, mac);
  std::uint64_t slot = slot_of(key);
  if (!slots_[slot].is_none()) return false;
  if (is_full(size_ + 1, slots_.size())) {
    grow();
    slot = slot_of(key);
  }
  slots_[slot] = key;
  ++size_;
  return true;
}

bool LiveSet::contains(kloset::ResourceType type, const Mac& mac) const noexcept {
  return !slots_[slot_of(key_of(type, mac))].is_none();
}

void LiveSet::grow() {
  std::vector<Key> old(slots_.size() + slots_.size() / 2);
  old.swap(slots_);
  for (const Key& key : old) {
    if (!key.is_none()) slots_[slot_of(key)] = key;
  }
}

}  // namespace plakar::ops
