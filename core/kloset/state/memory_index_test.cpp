#include "core/kloset/state/memory_index.h"

#include <doctest/doctest.h>

namespace plakar::kloset {
namespace {

template <class Id>
Id filled(int value) {
  Id id;
  id.bytes.fill(static_cast<std::byte>(value));
  return id;
}

StateId state(int value) { return filled<StateId>(value); }
PackfileMac pack(int value) { return filled<PackfileMac>(value); }
Mac mac(int value) { return filled<Mac>(value); }

LocationEntry location(int blob, int packfile, ResourceType type = ResourceType::chunk) {
  return {.type = type,
          .version = version_1_0_0,
          .blob = mac(blob),
          .packfile = pack(packfile),
          .offset = 10,
          .length = 5,
          .flags = 0};
}
PackfileEntry packfile(int value) {
  return {.packfile = pack(value), .state = {}, .time_ns = value};
}

void merge(StateIndex& index, int id, std::initializer_list<StateEntry> entries) {
  StateWriter writer({});
  for (const StateEntry& entry : entries) writer.add(entry);
  const Bytes plain = std::move(writer).finish(id);
  REQUIRE(index.merge({.id = state(id), .version = version_1_1_0, .plain = plain}));
}

}  // namespace

TEST_SUITE("aggregated state") {
  TEST_CASE("a blob is found once its packfile is known, and in no coloured one") {
    const auto index = make_memory_index();
    merge(*index, 1, {location(1, 7)});
    CHECK_FALSE(index->has(ResourceType::chunk, mac(1)));
    merge(*index, 2, {packfile(7)});
    CHECK(index->find(ResourceType::chunk, mac(1)) ==
          BlobLocation{.packfile = pack(7), .offset = 10, .length = 5});
    CHECK_FALSE(index->has(ResourceType::object, mac(1)));
    merge(*index, 3, {ColouredEntry{ResourceType::packfile, mac(7), 42}});
    CHECK_FALSE(index->has(ResourceType::chunk, mac(1)));
    CHECK(index->find_colour(ResourceType::packfile, mac(7)) == 42);
    merge(*index, 4, {location(1, 8), packfile(8)});
    CHECK(index->find(ResourceType::chunk, mac(1))->packfile == pack(8));
    merge(*index, 5, {DeletedColour{ResourceType::packfile, mac(7)}});
    CHECK(index->find_all(ResourceType::chunk, mac(1)).size() == 2);
  }

  TEST_CASE("deleting a packfile takes its locations along, and nothing else") {
    const auto index = make_memory_index();
    merge(*index, 1, {location(1, 7), location(2, 7), location(2, 8), packfile(7), packfile(8)});
    merge(*index, 2, {DeletedPackfile{pack(7)}, DeletedPackfile{pack(99)}});
    CHECK_FALSE(index->has(ResourceType::chunk, mac(1)));
    CHECK(index->has(ResourceType::chunk, mac(2)));
    CHECK_FALSE(index->has_packfile(pack(7)));
    merge(*index, 3, {DeletedLocation{ResourceType::chunk, mac(2), pack(8)}});
    CHECK_FALSE(index->has(ResourceType::chunk, mac(2)));
  }

  TEST_CASE("a snapshot is listed once, and not when it is coloured") {
    const auto index = make_memory_index();
    merge(*index, 1,
          {location(1, 7, ResourceType::snapshot), location(1, 8, ResourceType::snapshot),
           packfile(7), packfile(8)});
    CHECK(index->snapshots() == std::vector{filled<SnapshotId>(1)});
    merge(*index, 2, {ColouredEntry{ResourceType::snapshot, mac(1), 5}});
    CHECK(index->snapshots().empty());
  }

  TEST_CASE("what comes first stays, and a state counts once") {
    const auto index = make_memory_index();
    merge(*index, 1, {ColouredEntry{ResourceType::snapshot, mac(1), 5}});
    merge(*index, 2, {ColouredEntry{ResourceType::snapshot, mac(1), 6}});
    CHECK(index->find_colour(ResourceType::snapshot, mac(1)) == 5);
    merge(*index, 3, {DeletedColour{ResourceType::snapshot, mac(1)}});
    merge(*index, 1, {ColouredEntry{ResourceType::snapshot, mac(1), 5}});
    CHECK_FALSE(index->find_colour(ResourceType::snapshot, mac(1)));
    CHECK(index->last_state() == state(3));
    CHECK(index->has_state(state(2)));
  }

  TEST_CASE("a state that breaks off in the middle changes nothing") {
    const auto index = make_memory_index();
    StateWriter writer({});
    writer.add(packfile(7));
    writer.add(location(1, 7));
    const Bytes plain = std::move(writer).finish(1);
    const auto merged = index->merge({.id = state(1),
                                      .version = version_1_1_0,
                                      .plain = BytesView(plain).first(plain.size() - 1)});
    CHECK(merged.error().code() == Errc::corrupt);
    CHECK_FALSE(index->has_packfile(pack(7)));
    CHECK_FALSE(index->has_state(state(1)));
  }
}

TEST_SUITE("order of states") {
  TEST_CASE("parents first, then by time, then by id, cycles last") {
    const std::vector<StateOrderItem> states{
        {state(1), state(2), 1},                            // child of 2, though older
        {state(2), state(99), 5},                           // its parent is not here
        {state(4), {}, 3},                                  // roots of equal time: by id
        {state(3), {}, 3},        {state(6), state(5), 0},  // a cycle
        {state(5), state(6), 0},
    };
    CHECK(order_states(states) ==
          std::vector{state(3), state(4), state(2), state(1), state(5), state(6)});
  }
}

}  // namespace plakar::kloset
