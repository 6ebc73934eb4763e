// States have an order where one is the other's ancestor, and nowhere else. Whatever order a
// program gives to the rest, it has to see the same store after maintenance.
#include <doctest/doctest.h>

#include <map>
#include <set>
#include <vector>

#include "core/kloset/format/envelope.h"
#include "core/kloset/repository/blob_codec.h"
#include "core/kloset/state/memory_index.h"
#include "tests/faults/memory_machine.h"

namespace plakar {
namespace {

using kloset::ItemKind;
using kloset::ResourceType;
using kloset::StateId;
using testing::MemoryMachine;
using testing::some_files;

struct Decoded {
  kloset::Version version{};
  Bytes plain;
  StateId parent;
};

std::map<StateId, Decoded> read_states(MemoryMachine& machine) {
  std::map<StateId, Decoded> states;
  const auto repository = machine.open();
  const auto codec = repository->codec();
  REQUIRE(codec);
  for (const auto& [key, item] : machine.place.items) {
    if (key.first != ItemKind::state) continue;
    const auto envelope = kloset::open_envelope(item, ResourceType::state, repository->mac());
    REQUIRE(envelope);
    const auto plain = (*codec)->decode(envelope->body, 1u << 26);
    REQUIRE(plain);
    const auto frame = kloset::read_state(*plain, envelope->version,
                                          [](const kloset::StateEntry&) { return Status(); });
    REQUIRE(frame);
    states[StateId{.bytes = key.second.bytes}] = {
        .version = envelope->version, .plain = to_bytes(*plain), .parent = frame->parent};
  }
  return states;
}

// As a program does it that has no cache, and names no parent.
template <class Work>
void without_parent(MemoryMachine& machine, const Work& work) {
  const auto before = read_states(machine);
  work();
  for (auto& [id, state] : read_states(machine)) {
    if (before.contains(id)) continue;
    machine.place.items.erase({ItemKind::state, kloset::item_name(id)});
    std::fill_n(state.plain.begin(), 32, std::byte{0});
    REQUIRE(machine.open()->publish_state(StateId::random(machine.random), state.plain));
  }
}

// Any order in which parents come first.
std::unique_ptr<kloset::StateIndex> merge(const std::map<StateId, Decoded>& states,
                                          testing::SeededRandom& random) {
  auto index = kloset::make_memory_index();
  std::set<StateId> waiting;
  for (const auto& [id, state] : states) waiting.insert(id);
  while (!waiting.empty()) {
    std::vector<StateId> ready;
    for (const StateId& id : waiting) {
      if (!waiting.contains(states.at(id).parent)) ready.push_back(id);
    }
    REQUIRE_FALSE(ready.empty());
    const StateId next = ready[random.below(ready.size())];
    waiting.erase(next);
    const Decoded& state = states.at(next);
    REQUIRE(index->merge({.id = next, .version = state.version, .plain = state.plain}));
  }
  return index;
}

// What is to be seen, in any order.
void require_same(MemoryMachine& machine, const std::vector<SnapshotId>& snapshots) {
  const auto states = read_states(machine);
  const std::uint64_t seed = testing::test_seed();
  CAPTURE(seed);
  testing::SeededRandom random(seed);
  for (int round = 0; round < 200; ++round) {
    const auto index = merge(states, random);
    REQUIRE(index->for_each_packfile([&](const kloset::PackfileEntry& entry) -> Status {
      CHECK(machine.place.items.contains({ItemKind::packfile, kloset::item_name(entry.packfile)}));
      return {};
    }));
    CHECK(index->snapshots().size() == snapshots.size());
    for (const SnapshotId& id : snapshots) {
      CHECK(index->find_all(ResourceType::snapshot, Mac{.bytes = id.bytes}).size() == 1);
    }
  }
}

const ops::MaintenanceOptions everything{
    .grace = std::chrono::seconds(0), .repack_dead_percent = 10, .repack_gain_min = 0};

}  // namespace

TEST_SUITE("order of states") {
  TEST_CASE("what was swept is gone in every order, also what others added without a parent") {
    MemoryMachine machine;
    std::vector<SnapshotId> ids;
    for (unsigned i = 0; i < 4; ++i) {
      without_parent(machine, [&] { ids.push_back(machine.back_up(some_files(i))); });
    }
    without_parent(machine, [&] { machine.remove(ids[1]); });
    without_parent(machine, [&] { machine.remove(ids[2]); });
    machine.maintain(everything);
    machine.maintain(everything);
    require_same(machine, {ids[0], ids[3]});
    machine.require_sound();
  }

  TEST_CASE("what was repacked is in one place in every order") {
    MemoryMachine machine;
    std::vector<SnapshotId> ids;
    auto files = some_files(1, 40);
    without_parent(machine, [&] { ids.push_back(machine.back_up(files)); });
    files.erase(files.begin(), std::next(files.begin(), 30));
    // Its header is among what it shares with the first.
    without_parent(machine, [&] { ids.push_back(machine.back_up(files)); });
    without_parent(machine, [&] { ids.push_back(machine.back_up(some_files(7))); });
    machine.remove(ids[0]);
    std::uint64_t repacked = 0;
    for (int i = 0; i < 4; ++i) repacked += machine.maintain(everything).packfiles_repacked;
    CHECK(repacked > 0);
    require_same(machine, {ids[1], ids[2]});
    machine.require_sound();
    // And once more, on the branches that this has made.
    without_parent(machine, [&] { machine.remove(ids[1]); });
    for (int i = 0; i < 3; ++i) machine.maintain(everything);
    require_same(machine, {ids[2]});
  }

  TEST_CASE("where every state has the one before as its parent no more states are written") {
    MemoryMachine machine;
    const SnapshotId gone = machine.back_up(some_files(1));
    machine.back_up(some_files(2));
    machine.remove(gone);
    const std::size_t before = machine.count(ItemKind::state);
    machine.maintain({.grace = std::chrono::seconds(0), .repack = false});
    CHECK(machine.count(ItemKind::state) == before + 2);  // coloured, and swept
  }
}

}  // namespace plakar
