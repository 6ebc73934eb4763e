#include "core/ops/internal/deletions.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/clock.h"
#include "core/kloset/format/envelope.h"
#include "core/kloset/store.h"

namespace plakar::ops {
namespace {

using kloset::ResourceType;
using kloset::StateEntry;
using kloset::StateId;

struct State {
  StateId id;
  StateId parent;
  std::int64_t timestamp_ns = 0;
};

using States = std::set<StateId>;

// What deletions are about: packfiles, with all that is in them, and marks.
class Subjects {
 public:
  explicit Subjects(std::span<const StateEntry> deletions) {
    for (const StateEntry& deletion : deletions) {
      if (const auto* location = std::get_if<kloset::DeletedLocation>(&deletion)) {
        packfiles_[location->packfile];
      } else if (const auto* packfile = std::get_if<kloset::DeletedPackfile>(&deletion)) {
        packfiles_[packfile->packfile];
      } else if (const auto* colour = std::get_if<kloset::DeletedColour>(&deletion)) {
        colours_[{colour->type, colour->mac}];
      }
    }
  }

  void note(const StateEntry& entry, const StateId& state) {
    if (const auto* location = std::get_if<kloset::LocationEntry>(&entry)) {
      note_packfile(location->packfile, state);
    } else if (const auto* packfile = std::get_if<kloset::PackfileEntry>(&entry)) {
      note_packfile(packfile->packfile, state);
    } else if (const auto* colour = std::get_if<kloset::ColouredEntry>(&entry)) {
      const auto found = colours_.find({colour->type, colour->mac});
      if (found != colours_.end()) found->second.insert(state);
    }
  }

  // The states that have what this deletes.
  const States& of(const StateEntry& deletion) const {
    if (const auto* location = std::get_if<kloset::DeletedLocation>(&deletion)) {
      return packfiles_.at(location->packfile);
    }
    if (const auto* packfile = std::get_if<kloset::DeletedPackfile>(&deletion)) {
      return packfiles_.at(packfile->packfile);
    }
    const auto& colour = std::get<kloset::DeletedColour>(deletion);
    return colours_.at({colour.type, colour.mac});
  }

 private:
  void note_packfile(const PackfileMac& packfile, const StateId& state) {
    const auto found = packfiles_.find(packfile);
    if (found != packfiles_.end()) found->second.insert(state);
  }

  std::unordered_map<PackfileMac, States> packfiles_;
  std::map<std::pair<ResourceType, Mac>, States> colours_;
};

Result<State> read_state(kloset::Repository& repository, kloset::BlobCodec& codec,
                         const StateId& id, Subjects& subjects) {
  const Bytes item = PLK_TRY(kloset::load_item(repository.store(), kloset::ItemKind::state,
                                               kloset::item_name(id), kloset::state_size_max));
  const auto envelope = PLK_TRY(kloset::open_envelope(item, ResourceType::state, repository.mac()));
  const BytesView plain = PLK_TRY(codec.decode(envelope.body, kloset::state_size_max));
  const auto frame =
      PLK_TRY(kloset::read_state(plain, envelope.version, [&](const StateEntry& entry) -> Status {
        subjects.note(entry, id);
        return {};
      }));
  return State{.id = id, .parent = frame.parent, .timestamp_ns = frame.timestamp_ns};
}

Status read_states(kloset::Repository& repository, Subjects& subjects, std::vector<State>& states) {
  std::vector<StateId> ids;
  PLK_TRY(repository.store().list(kloset::ItemKind::state,
                                  [&ids](const kloset::ItemInfo& item) -> Status {
                                    ids.push_back(StateId{.bytes = item.name.bytes});
                                    return {};
                                  }));
  const auto codec = PLK_TRY(repository.codec());
  for (const StateId& id : ids) {
    auto state = read_state(repository, *codec, id, subjects);
    if (!state) return std::move(state).error().context("read state " + id.short_hex());
    states.push_back(*state);
  }
  return {};
}

// For each state one that is its descendant and has none itself: the newest of all for its own
// ancestors, and the latest one for others. Nothing for states whose parents lead in a circle.
std::unordered_map<StateId, StateId> find_tips(std::vector<State> states, const StateId& newest) {
  std::unordered_map<StateId, StateId> parents;
  std::unordered_set<StateId> with_children;
  for (const State& state : states) {
    parents.emplace(state.id, state.parent);
    with_children.insert(state.parent);
  }
  std::unordered_map<StateId, StateId> tips;
  const auto walk = [&](const StateId& tip) {
    StateId at = tip;
    for (auto found = parents.find(at); found != parents.end(); found = parents.find(at)) {
      if (!tips.emplace(at, tip).second) break;
      at = found->second;
    }
  };
  walk(newest);
  std::sort(states.begin(), states.end(), [](const State& a, const State& b) {
    return std::pair(b.timestamp_ns, b.id) < std::pair(a.timestamp_ns, a.id);
  });
  for (const State& state : states) {
    if (!with_children.contains(state.id)) walk(state.id);
  }
  return tips;
}

bool is_deletion(const StateEntry& entry) {
  return std::holds_alternative<kloset::DeletedLocation>(entry) ||
         std::holds_alternative<kloset::DeletedColour>(entry) ||
         std::holds_alternative<kloset::DeletedPackfile>(entry);
}

// By the parent of the state that they go into. What nobody has is deleted behind the newest.
using Placed = std::map<StateId, std::vector<StateEntry>>;

Status place(kloset::Repository& repository, std::span<const StateEntry> deletions,
             const StateId& newest, Placed& placed) {
  Subjects subjects(deletions);
  std::vector<State> states;
  PLK_TRY(read_states(repository, subjects, states));
  const auto tips = find_tips(states, newest);
  for (const StateEntry& deletion : deletions) {
    States parents;
    for (const StateId& state : subjects.of(deletion)) {
      const auto tip = tips.find(state);
      parents.insert(tip == tips.end() ? newest : tip->second);
    }
    if (parents.empty()) parents.insert(newest);
    for (const StateId& parent : parents) placed[parent].push_back(deletion);
  }
  return {};
}

Status publish_one(kloset::Repository& repository, const StateId& id, const StateId& parent,
                   std::span<const StateEntry> first, std::span<const StateEntry> then) {
  kloset::StateWriter writer(parent);
  for (const StateEntry& entry : first) writer.add(entry);
  for (const StateEntry& entry : then) writer.add(entry);
  const auto now = repository.env().clock.wall().time_since_epoch();
  return repository.publish_state(
      id,
      std::move(writer).finish(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count()));
}

}  // namespace

Status publish_in_order(kloset::Repository& repository, const StateId& id,
                        std::span<const StateEntry> entries, const std::function<Status()>& guard) {
  const StateId newest = repository.index().last_state();
  std::vector<StateEntry> deletions;
  std::vector<StateEntry> others;
  for (const StateEntry& entry : entries) {
    (is_deletion(entry) ? deletions : others).push_back(entry);
  }
  Placed placed;
  if (!deletions.empty()) PLK_TRY(place(repository, deletions, newest, placed));
  const std::vector<StateEntry> here = std::exchange(placed[newest], {});
  placed.erase(newest);
  if (!here.empty() || !others.empty()) {
    PLK_TRY(guard());
    PLK_TRY(publish_one(repository, id, newest, here, others));
  }
  for (const auto& [parent, elsewhere] : placed) {
    PLK_TRY(guard());
    PLK_TRY(
        publish_one(repository, StateId::random(repository.env().random), parent, elsewhere, {}));
  }
  return {};
}

}  // namespace plakar::ops
