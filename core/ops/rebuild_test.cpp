#include "core/ops/rebuild.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "core/kloset/repository/lock.h"
#include "core/kloset/testing/faulty_store.h"
#include "tests/faults/memory_machine.h"

namespace plakar {
namespace {

using namespace testing;
using kloset::ResourceType;

struct Found final : ops::RebuildObserver {
  void state_damaged(const kloset::StateId& id, std::string_view) override { damaged.insert(id); }
  void packfile_unnamed(const PackfileMac& packfile, std::uint64_t) override {
    unnamed.insert(packfile);
  }
  void packfile_unreadable(const PackfileMac& packfile, std::string_view) override {
    unreadable.insert(packfile);
  }
  void snapshot_returns(const SnapshotId& id) override { returning.insert(id); }

  std::set<kloset::StateId> damaged;
  std::set<PackfileMac> unnamed;
  std::set<PackfileMac> unreadable;
  std::set<SnapshotId> returning;
};

struct Rebuilt {
  Result<ops::RebuildReport> report;
  Found found;
};

// With an index that knows nothing yet, or all that was cached.
Rebuilt rebuild(MemoryMachine& machine, bool apply, Repository* repository = nullptr) {
  Rebuilt result{.report = ops::RebuildReport(), .found = {}};
  std::unique_ptr<Repository> own;
  if (repository == nullptr) {
    auto opened = Repository::open(machine.store, machine.env,
                                   []() -> Result<Secret> { return Secret(); }, {});
    REQUIRE(opened);
    own = *std::move(opened);
    repository = own.get();
  }
  result.report = ops::rebuild_states(*repository, {.apply = apply}, result.found, {});
  return result;
}

void lose_states(MemoryMachine& machine) {
  std::erase_if(machine.place.items,
                [](const auto& item) { return item.first.first == ItemKind::state; });
}

// A backup, and what its state is called.
struct Backup {
  SnapshotId id;
  kloset::ItemName state{};
};
Backup back_up(MemoryMachine& machine, const Files& files) {
  const auto before = machine.place.items;
  Backup made{.id = machine.back_up(files)};
  for (const auto& [key, content] : machine.place.items) {
    if (key.first == ItemKind::state && !before.contains(key)) made.state = key.second;
  }
  return made;
}

}  // namespace

TEST_SUITE("rebuild") {
  TEST_CASE("nothing is found in a sound store, and nothing changed") {
    MemoryMachine machine;
    machine.remove(machine.back_up(some_files(1)));
    machine.back_up(some_files(2));
    const auto before = machine.place.items;
    for (const bool apply : {false, true}) {
      const auto [report, found] = rebuild(machine, apply);
      REQUIRE(report);
      CHECK_FALSE(report->is_needed());
      CHECK(report->states == 3);
      CHECK(report->packfiles == 4);
      CHECK(machine.place.items == before);
    }
  }

  TEST_CASE("with all states lost every snapshot comes back whole") {
    MemoryMachine machine;
    const SnapshotId rich = machine.back_up(rich_tree());
    const SnapshotId other = machine.back_up(some_files(2));
    const Files before = machine.read(rich);
    // The cache of whoever wrote them still has them: that does not make them there.
    const auto cached = machine.open();
    lose_states(machine);

    const auto dry = rebuild(machine, false);
    REQUIRE(dry.report);
    CHECK(dry.report->packfiles_unnamed == 4);
    CHECK(dry.report->snapshots == 2);
    CHECK(dry.found.returning == std::set{rich, other});
    CHECK(machine.count(ItemKind::state) == 0);

    const auto [report, found] = rebuild(machine, true, cached.get());
    REQUIRE(report);
    CHECK(report->states_written == 1);
    CHECK(report->snapshots == 2);
    CHECK(machine.count(ItemKind::lock) == 0);
    machine.require_sound();
    CHECK(machine.read(rich) == before);
    CHECK(machine.read(other) == some_files(2));
    const auto again = rebuild(machine, true);
    REQUIRE(again.report);
    CHECK_FALSE(again.report->is_needed());
    // And it can be gone on with.
    const SnapshotId next = machine.back_up(some_files(2));
    machine.maintain(everything);
    CHECK(machine.read(next) == some_files(2));
    CHECK(machine.read(rich) == before);
    machine.require_sound();
  }

  TEST_CASE("one lost state of several is made again, and marks of the others hold") {
    MemoryMachine machine;
    const SnapshotId gone = machine.back_up(some_files(1));
    machine.remove(gone);
    const auto [lost, state] = back_up(machine, some_files(2));
    REQUIRE(machine.place.items.erase({ItemKind::state, state}) == 1);
    CHECK(machine.open()->index().snapshots().empty());
    const auto [report, found] = rebuild(machine, true);
    REQUIRE(report);
    CHECK(found.returning == std::set{lost});
    CHECK(machine.open()->index().snapshots() == std::vector{lost});
    CHECK(machine.read(lost) == some_files(2));
    machine.require_sound();
  }

  TEST_CASE("a damaged state no longer keeps the store from being opened") {
    MemoryMachine machine;
    const auto [first, state] = back_up(machine, some_files(1));
    const SnapshotId second = machine.back_up(some_files(2));
    const auto key = std::pair(ItemKind::state, state);
    Bytes& content = machine.place.items.at(key);
    content[content.size() / 2] ^= std::byte{1};
    {
      const auto repository = Repository::open(machine.store, machine.env,
                                               []() -> Result<Secret> { return Secret(); }, {});
      REQUIRE(repository);
      REQUIRE_FALSE((*repository)->refresh());
    }
    const auto dry = rebuild(machine, false);
    REQUIRE(dry.report);
    CHECK(dry.report->states_damaged == 1);
    CHECK(dry.report->is_needed());
    const auto [report, found] = rebuild(machine, true);
    REQUIRE(report);
    CHECK(found.damaged == std::set{kloset::StateId{.bytes = state.bytes}});
    CHECK(found.returning == std::set{first});
    CHECK(report->states_written == 2);
    CHECK(machine.read(first) == some_files(1));
    CHECK(machine.read(second) == some_files(2));
    machine.require_sound();
    CHECK_FALSE(rebuild(machine, true).report->is_needed());
  }

  TEST_CASE("a packfile without states that was coloured as a leftover is taken back") {
    MemoryMachine machine;
    const SnapshotId id = machine.back_up(some_files(1));
    std::vector<kloset::StateEntry> colours;
    REQUIRE(machine.open()->index().for_each_packfile(
        [&](const kloset::PackfileEntry& entry) -> Status {
          colours.emplace_back(kloset::ColouredEntry{.type = ResourceType::packfile,
                                                     .mac = Mac{.bytes = entry.packfile.bytes},
                                                     .time_ns = machine.now_ns()});
          return {};
        }));
    lose_states(machine);
    machine.publish(colours);
    REQUIRE(rebuild(machine, true).report);
    CHECK(machine.read(id) == some_files(1));
    machine.require_sound();
  }

  TEST_CASE("a snapshot of which there are two headers comes back once") {
    MemoryMachine machine;
    machine.remove(machine.back_up(some_files(9, 60)));
    const SnapshotId id = machine.back_up(some_files(1));
    ops::MaintenanceOptions options = everything;
    options.grace = std::chrono::hours(1);
    REQUIRE(machine.maintain(options).packfiles_repacked > 0);
    lose_states(machine);
    const auto [report, found] = rebuild(machine, true);
    REQUIRE(report);
    CHECK(report->packfiles_unnamed == 6);
    std::size_t headers = 0;
    REQUIRE(machine.open()->index().for_each_location(
        [&](const kloset::LocationEntry& entry) -> Status {
          if (entry.type == ResourceType::snapshot && entry.blob.bytes == id.bytes) ++headers;
          return {};
        }));
    CHECK(headers == 1);
    CHECK(machine.read(id) == some_files(1));
    machine.require_sound();
  }

  TEST_CASE("an unreadable packfile is told of and left, and the others come back") {
    MemoryMachine machine;
    const SnapshotId first = machine.back_up(some_files(1));
    const SnapshotId second = machine.back_up(some_files(2));
    const auto location =
        machine.open()->index().find(ResourceType::snapshot, Mac{.bytes = second.bytes});
    REQUIRE(location);
    lose_states(machine);
    Bytes& item =
        machine.place.items.at({ItemKind::packfile, kloset::item_name(location->packfile)});
    item.resize(item.size() - 40);
    const auto [report, found] = rebuild(machine, true);
    REQUIRE(report);
    CHECK(found.unreadable == std::set{location->packfile});
    CHECK(found.returning == std::set{first});
    CHECK(machine.read(first) == some_files(1));
  }

  TEST_CASE("applying takes the store alone, looking does not") {
    MemoryMachine machine;
    machine.back_up(some_files(1));
    const auto repository = machine.open();
    const auto lock = kloset::RepositoryLock::acquire(
        machine.store, repository->config(), repository->keys(), machine.env,
        {.id = kloset::LockId::random(machine.random), .hostname = "elsewhere"});
    REQUIRE(lock);
    CHECK(rebuild(machine, false).report);
    CHECK(rebuild(machine, true).report.error().code() == Errc::conflict);
  }

  TEST_CASE("whatever call fails, no snapshot is worse off, and the next attempt succeeds") {
    for (std::uint64_t nth = 1;; ++nth) {
      CAPTURE(nth);
      MemoryMachine machine;
      const auto [first, state] = back_up(machine, some_files(1));
      const SnapshotId second = machine.back_up(some_files(2));
      const auto key = std::pair(ItemKind::state, state);
      machine.place.items.at(key)[100] ^= std::byte{1};
      kloset::testing::FaultyStore faulty(
          machine.store, kloset::testing::StoreFault{.nth = nth, .call = {}, .kind = {}});
      const auto repository =
          Repository::open(faulty, machine.env, []() -> Result<Secret> { return Secret(); }, {});
      Found found;
      const bool done = repository && ops::rebuild_states(**repository, {.apply = true}, found, {});
      CHECK((done || faulty.fired()));
      std::erase_if(machine.place.items,
                    [](const auto& item) { return item.first.first == ItemKind::lock; });
      REQUIRE(rebuild(machine, true).report);
      CHECK(machine.read(first) == some_files(1));
      CHECK(machine.read(second) == some_files(2));
      if (!faulty.fired()) break;
    }
  }
}

}  // namespace plakar
