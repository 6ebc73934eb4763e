#include "tests/suites/state_index_suite.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "core/base/testing/seeded_random.h"
#include "core/kloset/state/memory_index.h"

namespace plakar::testing {
namespace {

using namespace kloset;

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

void merge(IndexPlace& place, int id, std::initializer_list<StateEntry> entries) {
  StateWriter writer({});
  for (const StateEntry& entry : entries) writer.add(entry);
  const Bytes plain = std::move(writer).finish(id);
  REQUIRE(place.index().merge({.id = state(id), .version = version_1_1_0, .plain = plain}));
  place.settle();
}

// The universe of random_states(): half of the blobs share their first bytes, as evenly
// distributed MACs never would.
constexpr int blob_count = 40;
constexpr int packfile_count = 12;
constexpr auto blob_types = {ResourceType::chunk, ResourceType::object, ResourceType::snapshot};

Mac blob_mac(int number) {
  Mac made = mac(number % 2 == 0 ? 0x77 : number * 6);
  made.bytes[31] = static_cast<std::byte>(number);
  return made;
}
PackfileMac packfile_mac(int number) {
  PackfileMac made = pack(number % 3 == 0 ? 0xaa : number * 20);
  made.bytes[30] = static_cast<std::byte>(number);
  return made;
}

ResourceType random_type(SeededRandom& random) {
  return *(blob_types.begin() + random.below(blob_types.size()));
}
int below(SeededRandom& random, int bound) {
  return static_cast<int>(random.below(static_cast<std::uint64_t>(bound)));
}

StateEntry random_entry(SeededRandom& random) {
  const Mac blob = blob_mac(below(random, blob_count));
  const PackfileMac in = packfile_mac(below(random, packfile_count));
  const bool of_packfile = random.coin();
  const ResourceType coloured = of_packfile ? ResourceType::packfile : ResourceType::snapshot;
  const Mac colour = of_packfile ? Mac{.bytes = in.bytes} : blob;
  const auto time = static_cast<std::int64_t>(random.next());
  switch (random.below(20)) {
    case 0:
      return ColouredEntry{.type = coloured, .mac = colour, .time_ns = time};
    case 1:
      return DeletedColour{.type = coloured, .mac = colour};
    case 2:
      return DeletedPackfile{.packfile = in};
    case 3:
      return DeletedLocation{.type = random_type(random), .blob = blob, .packfile = in};
    case 4:
    case 5:
    case 6:
      return PackfileEntry{.packfile = in, .state = StateId::random(random), .time_ns = time};
    default:
      return LocationEntry{.type = random_type(random),
                           .version = static_cast<Version>(random.next()),
                           .blob = blob,
                           .packfile = in,
                           .offset = random.next(),
                           .length = static_cast<std::uint32_t>(random.next()),
                           .flags = static_cast<std::uint32_t>(random.next())};
  }
}

template <class T>
bool is_same_set(std::vector<T> a, std::vector<T> b) {
  const auto is_before = [](const T& x, const T& y) { return x < y; };
  std::sort(a.begin(), a.end(), is_before);
  std::sort(b.begin(), b.end(), is_before);
  return a == b;
}

// As bytes, for which there is an order.
template <class Entry>
Bytes as_written(const Entry& entry) {
  StateWriter writer({});
  writer.add(entry);
  return std::move(writer).finish(0);
}

template <class Entry, class ForEach>
std::vector<Bytes> all(ForEach&& for_each) {
  std::vector<Bytes> found;
  REQUIRE(for_each([&](const Entry& entry) -> Status {
    found.push_back(as_written(entry));
    return {};
  }));
  return found;
}

}  // namespace

std::vector<RandomState> random_states(std::uint64_t seed, int state_count) {
  SeededRandom random(seed);
  std::vector<RandomState> states;
  for (int i = 0; i < state_count; ++i) {
    StateWriter writer({});
    const int entries = below(random, 60);
    for (int k = 0; k < entries; ++k) writer.add(random_entry(random));
    states.push_back({.id = StateId::random(random), .plain = std::move(writer).finish(i)});
  }
  return states;
}

std::string find_difference(const StateIndex& tested, const StateIndex& model) {
  if (tested.last_state() != model.last_state()) return "last_state";
  for (int i = 0; i < blob_count; ++i) {
    const Mac blob = blob_mac(i);
    for (const ResourceType type : blob_types) {
      const std::string what = to_name(type) + " " + std::to_string(i);
      if (tested.find(type, blob) != model.find(type, blob)) return "find " + what;
      if (tested.find_all(type, blob) != model.find_all(type, blob)) return "find_all " + what;
      if (tested.find_coloured(type, blob) != model.find_coloured(type, blob)) {
        return "find_coloured " + what;
      }
      if (tested.has(type, blob) != model.has(type, blob)) return "has " + what;
    }
    if (tested.find_colour(ResourceType::snapshot, blob) !=
        model.find_colour(ResourceType::snapshot, blob)) {
      return "find_colour of snapshot " + std::to_string(i);
    }
  }
  for (int i = 0; i < packfile_count; ++i) {
    const PackfileMac in = packfile_mac(i);
    const Mac as_mac{.bytes = in.bytes};
    if (tested.has_packfile(in) != model.has_packfile(in)) {
      return "has_packfile " + std::to_string(i);
    }
    if (tested.find_colour(ResourceType::packfile, as_mac) !=
        model.find_colour(ResourceType::packfile, as_mac)) {
      return "find_colour of packfile " + std::to_string(i);
    }
  }
  if (!is_same_set(tested.snapshots(), model.snapshots())) return "snapshots";
  const auto locations = [](const StateIndex& index) {
    return all<LocationEntry>([&](const auto& visit) { return index.for_each_location(visit); });
  };
  const auto packfiles = [](const StateIndex& index) {
    return all<PackfileEntry>([&](const auto& visit) { return index.for_each_packfile(visit); });
  };
  const auto coloured = [](const StateIndex& index) {
    return all<ColouredEntry>([&](const auto& visit) { return index.for_each_coloured(visit); });
  };
  if (!is_same_set(locations(tested), locations(model))) return "for_each_location";
  if (!is_same_set(packfiles(tested), packfiles(model))) return "for_each_packfile";
  if (!is_same_set(coloured(tested), coloured(model))) return "for_each_coloured";
  return {};
}

void run_random_states(IndexPlace& place, std::uint64_t seed, int state_count) {
  CAPTURE(seed);
  const auto model = make_memory_index();
  const std::vector<RandomState> states = random_states(seed, state_count);
  SeededRandom random(seed + 1);
  for (std::size_t i = 0; i < states.size(); ++i) {
    CAPTURE(i);
    // Now and then one that is merged already.
    const RandomState& next = states[random.below(8) == 0 ? random.below(i + 1) : i];
    REQUIRE(place.index().merge(next.text()));
    REQUIRE(model->merge(next.text()));
    place.settle();
    REQUIRE(find_difference(place.index(), *model) == "");
    for (std::size_t k = 0; k < states.size(); ++k) {
      REQUIRE(place.index().has_state(states[k].id) == model->has_state(states[k].id));
    }
  }
}

void run_state_index_suite(const std::function<std::unique_ptr<IndexPlace>()>& make_place) {
  const std::unique_ptr<IndexPlace> place = make_place();
  const auto index = [&]() -> StateIndex& { return place->index(); };

  SUBCASE("an empty one knows nothing") {
    CHECK_FALSE(index().has(ResourceType::chunk, mac(1)));
    CHECK_FALSE(index().has_state(state(0)));
    CHECK(index().last_state().is_zero());
    CHECK(index().state_count() == 0);
    CHECK(index().states().empty());
    CHECK(index().snapshots().empty());
    CHECK_FALSE(index().has_packfile(pack(1)));
    CHECK(index().for_each_location(
        [](const LocationEntry&) -> Status { return Error(Errc::internal, "visited"); }));
    CHECK(index().save());
    CHECK(index().status());
  }

  SUBCASE("a blob is found once its packfile is known, and in no coloured one") {
    merge(*place, 1, {location(1, 7)});
    CHECK_FALSE(index().has(ResourceType::chunk, mac(1)));
    merge(*place, 2, {packfile(7)});
    CHECK(index().find(ResourceType::chunk, mac(1)) ==
          BlobLocation{.packfile = pack(7), .offset = 10, .length = 5});
    CHECK_FALSE(index().has(ResourceType::object, mac(1)));
    merge(*place, 3, {ColouredEntry{ResourceType::packfile, mac(7), 42}});
    CHECK_FALSE(index().has(ResourceType::chunk, mac(1)));
    CHECK(index().find_colour(ResourceType::packfile, mac(7)) == 42);
    merge(*place, 4, {location(1, 8), packfile(8)});
    CHECK(index().find(ResourceType::chunk, mac(1))->packfile == pack(8));
    merge(*place, 5, {DeletedColour{ResourceType::packfile, mac(7)}});
    CHECK(index().find_all(ResourceType::chunk, mac(1)).size() == 2);
  }

  SUBCASE("a packfile that is coloured before it is known is as invisible") {
    merge(*place, 1, {ColouredEntry{ResourceType::packfile, mac(7), 42}});
    merge(*place, 2, {location(1, 7), packfile(7)});
    CHECK_FALSE(index().has(ResourceType::chunk, mac(1)));
    CHECK(index().has_packfile(pack(7)));
  }

  SUBCASE("deleting a packfile takes its locations along, and nothing else") {
    merge(*place, 1, {location(1, 7), location(2, 7), location(2, 8), packfile(7), packfile(8)});
    merge(*place, 2, {DeletedPackfile{pack(7)}, DeletedPackfile{pack(99)}});
    CHECK_FALSE(index().has(ResourceType::chunk, mac(1)));
    CHECK(index().has(ResourceType::chunk, mac(2)));
    CHECK_FALSE(index().has_packfile(pack(7)));
    merge(*place, 3, {DeletedLocation{ResourceType::chunk, mac(2), pack(8)}});
    CHECK_FALSE(index().has(ResourceType::chunk, mac(2)));
  }

  SUBCASE("a deleted packfile that comes back comes without its old locations") {
    merge(*place, 1, {location(1, 7), packfile(7)});
    merge(*place, 2, {DeletedPackfile{pack(7)}});
    merge(*place, 3, {location(2, 7), packfile(7)});
    CHECK_FALSE(index().has(ResourceType::chunk, mac(1)));
    CHECK(index().has(ResourceType::chunk, mac(2)));
  }

  SUBCASE("a deleted location that comes back is there, as it came back") {
    merge(*place, 1, {location(1, 7), packfile(7)});
    LocationEntry moved = location(1, 7);
    moved.offset = 99;
    merge(*place, 2, {DeletedLocation{ResourceType::chunk, mac(1), pack(7)}, moved});
    CHECK(index().find(ResourceType::chunk, mac(1))->offset == 99);
    CHECK(index().find_all(ResourceType::chunk, mac(1)).size() == 1);
  }

  SUBCASE("a location that is told twice counts as it was told first") {
    merge(*place, 1, {location(1, 7), packfile(7)});
    LocationEntry other = location(1, 7);
    other.offset = 99;
    merge(*place, 2, {other});
    CHECK(index().find(ResourceType::chunk, mac(1))->offset == 10);
    CHECK(index().find_all(ResourceType::chunk, mac(1)).size() == 1);
    int visited = 0;
    CHECK(index().for_each_location([&](const LocationEntry&) -> Status {
      ++visited;
      return {};
    }));
    CHECK(visited == 1);
  }

  SUBCASE("a snapshot is listed once, and not when it is coloured") {
    merge(*place, 1,
          {location(1, 7, ResourceType::snapshot), location(1, 8, ResourceType::snapshot),
           packfile(7), packfile(8)});
    CHECK(index().snapshots() == std::vector{filled<SnapshotId>(1)});
    merge(*place, 2, {ColouredEntry{ResourceType::snapshot, mac(1), 5}});
    CHECK(index().snapshots().empty());
  }

  SUBCASE("what comes first stays, and a state counts once") {
    merge(*place, 1, {ColouredEntry{ResourceType::snapshot, mac(1), 5}});
    merge(*place, 2, {ColouredEntry{ResourceType::snapshot, mac(1), 6}});
    CHECK(index().find_colour(ResourceType::snapshot, mac(1)) == 5);
    merge(*place, 3, {DeletedColour{ResourceType::snapshot, mac(1)}});
    merge(*place, 1, {ColouredEntry{ResourceType::snapshot, mac(1), 5}});
    CHECK_FALSE(index().find_colour(ResourceType::snapshot, mac(1)));
    CHECK(index().last_state() == state(3));
    CHECK(index().has_state(state(2)));
    CHECK(index().state_count() == 3);
    CHECK(is_same_set(index().states(), std::vector{state(1), state(2), state(3)}));
  }

  SUBCASE("built again it has what it was told to merge, and nothing of before") {
    merge(*place, 1, {location(1, 7), packfile(7), location(9, 7, ResourceType::snapshot)});
    const auto merge_other = [](StateIndex& empty) -> Status {
      StateWriter writer({});
      writer.add(location(2, 8));
      writer.add(packfile(8));
      const Bytes plain = std::move(writer).finish(1);
      return empty.merge({.id = state(2), .version = version_1_1_0, .plain = plain});
    };
    index().set_rebuild(merge_other);
    REQUIRE(index().rebuild());
    place->settle();
    CHECK(index().states() == std::vector{state(2)});
    CHECK(index().last_state() == state(2));
    CHECK_FALSE(index().has(ResourceType::chunk, mac(1)));
    CHECK(index().has(ResourceType::chunk, mac(2)));
    CHECK_FALSE(index().has_packfile(pack(7)));
    CHECK(index().snapshots().empty());
    index().set_rebuild([](StateIndex&) -> Status { return Error(Errc::io, "no"); });
    CHECK(index().rebuild().error().code() == Errc::io);
    CHECK(index().has(ResourceType::chunk, mac(2)));
    CHECK(index().status());
  }

  SUBCASE("a state that breaks off in the middle changes nothing") {
    StateWriter writer({});
    writer.add(packfile(7));
    writer.add(location(1, 7));
    const Bytes plain = std::move(writer).finish(1);
    const auto merged = index().merge({.id = state(1),
                                       .version = version_1_1_0,
                                       .plain = BytesView(plain).first(plain.size() - 1)});
    CHECK(merged.error().code() == Errc::corrupt);
    place->settle();
    CHECK_FALSE(index().has_packfile(pack(7)));
    CHECK_FALSE(index().has_state(state(1)));
  }

  SUBCASE("the first error of a visitor ends the walk") {
    merge(*place, 1,
          {location(1, 7), location(2, 7), packfile(7), packfile(8),
           ColouredEntry{ResourceType::snapshot, mac(1), 5},
           ColouredEntry{ResourceType::snapshot, mac(2), 5}});
    int visited = 0;
    const auto stop = [&](const auto&) -> Status {
      ++visited;
      return Error(Errc::cancelled, "enough");
    };
    CHECK(index().for_each_location(stop).error().code() == Errc::cancelled);
    CHECK(index().for_each_packfile(stop).error().code() == Errc::cancelled);
    CHECK(index().for_each_coloured(stop).error().code() == Errc::cancelled);
    CHECK(visited == 3);
  }

  SUBCASE("a type that no state can name is not found") {
    merge(*place, 1, {location(1, 7), packfile(7)});
    const auto type = static_cast<ResourceType>(256 + static_cast<int>(ResourceType::chunk));
    CHECK_FALSE(index().has(type, mac(1)));
    CHECK(index().find_all(type, mac(1)).empty());
    CHECK_FALSE(index().find_colour(type, mac(1)));
  }
}

}  // namespace plakar::testing
