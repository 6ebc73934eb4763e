#include "core/kloset/state/internal/location_delta.h"

#include <algorithm>
#include <utility>

namespace plakar::kloset {
namespace {

constexpr std::size_t slots_first = 64;
constexpr std::size_t prefetch_distance = 16;

void set_packfile(LocationRecord& record, PackfileNumber packfile) noexcept {
  store_le(std::span(record.bytes).subspan(RecordKey::size), packfile);
}

}  // namespace

std::size_t LocationDelta::find_slot(const RecordKey& key) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = hash_key(key, seed_) & mask;
  while (slots_[slot] != none &&
         compare_keys(nodes_[slots_[slot]].record.bytes.data(), key.bytes.data()) != 0) {
    slot = (slot + 1) & mask;
  }
  return slot;
}

void LocationDelta::grow() {
  const std::vector<std::uint32_t> old = std::exchange(
      slots_, std::vector<std::uint32_t>(std::max(slots_first, slots_.size() * 2), none));
  for (const std::uint32_t head : old) {
    if (head != none) slots_[find_slot(RecordKey::at(nodes_[head].record.bytes.data()))] = head;
  }
}

void LocationDelta::add(const LocationRecord& record) {
  if (chains_ * 2 >= slots_.size()) grow();
  const PackfileNumber packfile = LocationView(record.bytes.data()).packfile();
  const std::size_t slot = find_slot(RecordKey::at(record.bytes.data()));
  const auto index = static_cast<std::uint32_t>(nodes_.size());
  std::uint32_t last = slots_[slot];
  if (last == none) {
    slots_[slot] = index;
    ++chains_;
  } else {
    while (true) {
      if (LocationView(nodes_[last].record.bytes.data()).packfile() == packfile) return;
      if (nodes_[last].next == none) break;
      last = nodes_[last].next;
    }
    nodes_[last].next = index;
  }
  nodes_.push_back({.record = record});
}

void LocationDelta::erase(const RecordKey& key, PackfileNumber packfile) {
  if (slots_.empty()) return;
  for (std::uint32_t i = slots_[find_slot(key)]; i != none; i = nodes_[i].next) {
    // The node stays in its chain, which so keeps its beginning.
    if (LocationView(nodes_[i].record.bytes.data()).packfile() == packfile) {
      set_packfile(nodes_[i].record, no_packfile);
    }
  }
}

std::unique_ptr<RecordSource> LocationDelta::stream() const {
  struct Place {
    std::uint64_t prefix;
    std::uint32_t node;
  };
  class Stream final : public RecordSource {
   public:
    Stream(const std::vector<Node>& nodes) : nodes_(&nodes), order_(nodes.size()) {
      for (std::uint32_t i = 0; i < nodes.size(); ++i) {
        order_[i] = {load_prefix(nodes[i].record.bytes.data()), i};
      }
      std::sort(order_.begin(), order_.end(), [&](const Place& a, const Place& b) {
        if (a.prefix != b.prefix) return a.prefix < b.prefix;
        const int order =
            compare_keys(nodes[a.node].record.bytes.data(), nodes[b.node].record.bytes.data());
        return order != 0 ? order < 0 : a.node < b.node;
      });
    }

    Result<const std::byte*> next() override {
      while (at_ < order_.size()) {
        // In the order of the MACs every record is somewhere else.
        if (at_ + prefetch_distance < order_.size()) {
          const std::byte* const later =
              (*nodes_)[order_[at_ + prefetch_distance].node].record.bytes.data();
          __builtin_prefetch(later);
          __builtin_prefetch(later + LocationRecord::size - 1);
        }
        const std::byte* const record = (*nodes_)[order_[at_++].node].record.bytes.data();
        if (LocationView(record).packfile() != no_packfile) return record;
      }
      return nullptr;
    }

   private:
    const std::vector<Node>* nodes_;
    std::vector<Place> order_;
    std::size_t at_ = 0;
  };
  return std::make_unique<Stream>(nodes_);
}

}  // namespace plakar::kloset
