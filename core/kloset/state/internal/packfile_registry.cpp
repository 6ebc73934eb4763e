#include "core/kloset/state/internal/packfile_registry.h"

#include <algorithm>

namespace plakar::kloset {
namespace {

constexpr std::byte known_flag{1};
constexpr std::byte coloured_flag{2};

// Beside the MAC: a lookup needs these two and nothing else.
constexpr std::size_t flags_at = 32;
constexpr std::size_t state_at = 33;
constexpr std::size_t time_at = 65;

PackfileMac load_packfile_mac(const std::byte* record) noexcept {
  PackfileMac mac;
  std::memcpy(mac.bytes.data(), record, mac.bytes.size());
  return mac;
}

}  // namespace

StoredPackfile StoredPackfile::of(const Packfile& packfile) noexcept {
  StoredPackfile record;
  std::memcpy(record.bytes.data(), packfile.mac.bytes.data(), 32);
  std::memcpy(record.bytes.data() + state_at, packfile.state.bytes.data(), 32);
  store_le(std::span(record.bytes).subspan(time_at), static_cast<std::uint64_t>(packfile.time_ns));
  record.bytes[flags_at] = (packfile.known ? known_flag : std::byte{}) |
                           (packfile.coloured ? coloured_flag : std::byte{});
  return record;
}

Packfile StoredPackfile::read(const std::byte* record) noexcept {
  Packfile packfile{
      .mac = load_packfile_mac(record),
      .state = {},
      .time_ns = static_cast<std::int64_t>(load_le<std::uint64_t>({record + time_at, 8})),
      .known = (record[flags_at] & known_flag) != std::byte{},
      .coloured = (record[flags_at] & coloured_flag) != std::byte{}};
  std::memcpy(packfile.state.bytes.data(), record + state_at, 32);
  return packfile;
}

std::optional<PackfileNumber> PackfileRegistry::find(const PackfileMac& mac) const {
  if (const auto known = numbers_.find(mac); known != numbers_.end()) {
    return known->second == no_packfile ? std::nullopt : std::optional(known->second);
  }
  const auto number = table_.find(mac.view());
  if (!number) return std::nullopt;
  return static_cast<PackfileNumber>(*number);
}

const Packfile* PackfileRegistry::find_change(PackfileNumber number) const noexcept {
  if (number >= table_.size()) return &added_[number - table_.size()];
  if (changed_.empty()) [[likely]]
    return nullptr;
  const auto found = changed_.find(number);
  return found == changed_.end() ? nullptr : &found->second;
}

Packfile PackfileRegistry::load(PackfileNumber number) const noexcept {
  const Packfile* const change = find_change(number);
  return change != nullptr ? *change : StoredPackfile::read(table_[number]);
}

PackfileMac PackfileRegistry::load_mac(PackfileNumber number) const noexcept {
  return number < table_.size() ? load_packfile_mac(table_[number])
                                : added_[number - table_.size()].mac;
}

bool PackfileRegistry::counts(PackfileNumber number) const noexcept {
  const Packfile* const change = find_change(number);
  return change != nullptr ? change->counts() : table_[number][flags_at] == known_flag;
}

bool PackfileRegistry::is_deleted(PackfileNumber number) const noexcept {
  return number < deleted_.size() && deleted_[number];
}

Packfile& PackfileRegistry::change(PackfileNumber number) {
  if (number >= table_.size()) return added_[number - table_.size()];
  return changed_.try_emplace(number, load(number)).first->second;
}

PackfileNumber PackfileRegistry::remember(const PackfileMac& mac, PackfileNumber number) {
  numbers_[mac] = number;
  return number;
}

PackfileNumber PackfileRegistry::append(const PackfileMac& mac, bool coloured) {
  const auto number = static_cast<PackfileNumber>(size());
  added_.push_back({.mac = mac, .state = {}, .coloured = coloured});
  return remember(mac, number);
}

void PackfileRegistry::erase(PackfileNumber number) {
  change(number).deleted = true;
  if (deleted_.size() <= number) deleted_.resize(number + std::size_t{1});
  deleted_[number] = true;
  numbers_[load_mac(number)] = no_packfile;
}

std::vector<PackfileNumber> PackfileRegistry::sorted() const {
  std::vector<PackfileNumber> all;
  for (std::uint64_t i = 0; i < size(); ++i) {
    const auto number = static_cast<PackfileNumber>(i);
    if (!is_deleted(number)) all.push_back(number);
  }
  // The table's are in order already.
  const auto is_before = [this](PackfileNumber a, PackfileNumber b) {
    return load_mac(a) < load_mac(b);
  };
  const auto added = std::find_if(
      all.begin(), all.end(), [this](PackfileNumber number) { return number >= table_.size(); });
  std::sort(added, all.end(), is_before);
  std::inplace_merge(all.begin(), added, all.end(), is_before);
  return all;
}

}  // namespace plakar::kloset
