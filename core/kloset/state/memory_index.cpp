#include "core/kloset/state/memory_index.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "core/base/assert.h"

namespace plakar::kloset {
namespace {

struct Key {
  ResourceType type{};
  Mac mac;

  friend bool operator==(const Key&, const Key&) = default;
};

struct KeyHash {
  std::size_t operator()(const Key& key) const noexcept {
    return std::hash<Mac>()(key.mac) ^ static_cast<std::size_t>(key.type);
  }
};

class MemoryIndex final : public StateIndex {
 public:
  bool has_state(const StateId& id) const override {
    const std::shared_lock lock(mutex_);
    return states_.contains(id);
  }

  std::uint64_t state_count() const override {
    const std::shared_lock lock(mutex_);
    return states_.size();
  }

  std::vector<StateId> states() const override {
    const std::shared_lock lock(mutex_);
    return {states_.begin(), states_.end()};
  }

  StateId last_state() const override {
    const std::shared_lock lock(mutex_);
    return last_state_;
  }

  Status merge(const StateText& state) override {
    // Read first, applied afterwards: a state that breaks off in the middle changes nothing.
    std::vector<StateEntry> entries;
    PLK_TRY(read_state(state.plain, state.version, [&](const StateEntry& entry) -> Status {
      entries.push_back(entry);
      return {};
    }));
    const std::unique_lock lock(mutex_);
    if (states_.contains(state.id)) return {};
    for (const StateEntry& entry : entries) {
      std::visit([this](const auto& one) { apply(one); }, entry);
    }
    states_.insert(state.id);
    last_state_ = state.id;
    return {};
  }

  Status save() override { return {}; }

  void set_rebuild(Rebuild rebuild) override { rebuild_ = std::move(rebuild); }

  Status rebuild() override {
    PLK_ASSERT(rebuild_);
    MemoryIndex fresh;
    PLK_TRY(rebuild_(fresh));
    const std::unique_lock lock(mutex_);
    states_.swap(fresh.states_);
    last_state_ = fresh.last_state_;
    locations_.swap(fresh.locations_);
    colours_.swap(fresh.colours_);
    packfiles_.swap(fresh.packfiles_);
    return {};
  }

  std::optional<BlobLocation> find(ResourceType type, const Mac& blob) const override {
    const std::shared_lock lock(mutex_);
    const auto found = locations_.find({type, blob});
    if (found == locations_.end()) return std::nullopt;
    const auto usable =
        std::find_if(found->second.begin(), found->second.end(),
                     [this](const LocationEntry& entry) { return counts(entry.packfile); });
    if (usable == found->second.end()) return std::nullopt;
    return to_location(*usable);
  }

  std::vector<BlobLocation> find_all(ResourceType type, const Mac& blob) const override {
    return collect(type, blob, /*coloured=*/false);
  }
  std::vector<BlobLocation> find_coloured(ResourceType type, const Mac& blob) const override {
    return collect(type, blob, /*coloured=*/true);
  }

  std::vector<SnapshotId> snapshots() const override {
    const std::shared_lock lock(mutex_);
    std::vector<SnapshotId> ids;
    for (const auto& [key, entries] : locations_) {
      if (key.type != ResourceType::snapshot || colours_.contains(key)) continue;
      const bool found = std::any_of(entries.begin(), entries.end(),
                                     [this](const auto& entry) { return counts(entry.packfile); });
      if (found) ids.push_back(SnapshotId{.bytes = key.mac.bytes});
    }
    return ids;
  }

  bool has_packfile(const PackfileMac& packfile) const override {
    const std::shared_lock lock(mutex_);
    return packfiles_.contains(packfile);
  }

  std::optional<std::int64_t> find_colour(ResourceType type, const Mac& mac) const override {
    const std::shared_lock lock(mutex_);
    const auto found = colours_.find({type, mac});
    return found == colours_.end() ? std::nullopt : std::optional(found->second);
  }

  Status for_each_packfile(
      const std::function<Status(const PackfileEntry&)>& visit) const override {
    for (const auto& [mac, entry] : packfiles_) PLK_TRY(visit(entry));
    return {};
  }

  Status for_each_coloured(
      const std::function<Status(const ColouredEntry&)>& visit) const override {
    for (const auto& [key, time] : colours_) {
      PLK_TRY(visit({.type = key.type, .mac = key.mac, .time_ns = time}));
    }
    return {};
  }

  Status for_each_location(
      const std::function<Status(const LocationEntry&)>& visit) const override {
    for (const auto& [key, entries] : locations_) {
      for (const LocationEntry& entry : entries) PLK_TRY(visit(entry));
    }
    return {};
  }

 private:
  static BlobLocation to_location(const LocationEntry& entry) {
    return {.packfile = entry.packfile, .offset = entry.offset, .length = entry.length};
  }

  bool is_coloured(const PackfileMac& packfile) const {
    return colours_.contains({ResourceType::packfile, Mac{.bytes = packfile.bytes}});
  }
  bool counts(const PackfileMac& packfile) const {
    return packfiles_.contains(packfile) && !is_coloured(packfile);
  }

  // Of the known packfiles, those in coloured ones or those in the others.
  std::vector<BlobLocation> collect(ResourceType type, const Mac& blob, bool coloured) const {
    const std::shared_lock lock(mutex_);
    std::vector<BlobLocation> all;
    const auto found = locations_.find({type, blob});
    if (found == locations_.end()) return all;
    for (const LocationEntry& entry : found->second) {
      if (packfiles_.contains(entry.packfile) && is_coloured(entry.packfile) == coloured) {
        all.push_back(to_location(entry));
      }
    }
    return all;
  }

  void apply(const LocationEntry& entry) {
    auto& entries = locations_[{entry.type, entry.blob}];
    const bool known = std::any_of(entries.begin(), entries.end(), [&](const auto& other) {
      return other.packfile == entry.packfile;
    });
    if (!known) entries.push_back(entry);
  }
  void apply(const ColouredEntry& entry) {
    colours_.try_emplace({entry.type, entry.mac}, entry.time_ns);
  }
  void apply(const PackfileEntry& entry) { packfiles_.try_emplace(entry.packfile, entry); }
  void apply(const DeletedLocation& entry) {
    const auto found = locations_.find({entry.type, entry.blob});
    if (found == locations_.end()) return;
    std::erase_if(found->second,
                  [&](const auto& other) { return other.packfile == entry.packfile; });
    if (found->second.empty()) locations_.erase(found);
  }
  void apply(const DeletedColour& entry) { colours_.erase({entry.type, entry.mac}); }
  void apply(const DeletedPackfile& entry) {
    packfiles_.erase(entry.packfile);
    for (auto at = locations_.begin(); at != locations_.end();) {
      std::erase_if(at->second,
                    [&](const auto& other) { return other.packfile == entry.packfile; });
      at = at->second.empty() ? locations_.erase(at) : std::next(at);
    }
  }

  Rebuild rebuild_;

  mutable std::shared_mutex mutex_;
  std::unordered_set<StateId> states_;  // these are guarded by mutex_
  StateId last_state_;
  std::unordered_map<Key, std::vector<LocationEntry>, KeyHash> locations_;
  std::unordered_map<Key, std::int64_t, KeyHash> colours_;
  std::unordered_map<PackfileMac, PackfileEntry> packfiles_;
};

}  // namespace

std::unique_ptr<StateIndex> make_memory_index() { return std::make_unique<MemoryIndex>(); }

std::vector<StateId> order_states(std::span<const StateOrderItem> states) {
  // Kahn's algorithm with the ready ones sorted by time and id. In a cycle nothing gets ready.
  std::map<StateId, const StateOrderItem*> waiting;
  for (const StateOrderItem& state : states) waiting.emplace(state.id, &state);
  std::multimap<StateId, const StateOrderItem*> children;
  using Ready = std::pair<std::int64_t, StateId>;
  std::map<Ready, const StateOrderItem*> ready;
  for (const auto& [id, state] : waiting) {
    if (waiting.contains(state->parent)) {
      children.emplace(state->parent, state);
    } else {
      ready.emplace(Ready(state->timestamp_ns, id), state);
    }
  }
  std::vector<StateId> order;
  order.reserve(waiting.size());
  while (!ready.empty()) {
    const StateOrderItem* state = ready.begin()->second;
    ready.erase(ready.begin());
    order.push_back(state->id);
    waiting.erase(state->id);
    const auto [begin, end] = children.equal_range(state->id);
    for (auto child = begin; child != end; ++child) {
      ready.emplace(Ready(child->second->timestamp_ns, child->second->id), child->second);
    }
  }
  std::map<Ready, StateId> cyclic;
  for (const auto& [id, state] : waiting) cyclic.emplace(Ready(state->timestamp_ns, id), id);
  for (const auto& [key, id] : cyclic) order.push_back(id);
  return order;
}

}  // namespace plakar::kloset
