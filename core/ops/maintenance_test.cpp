#include "core/ops/maintenance.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "core/kloset/repository/lock.h"
#include "core/kloset/repository/packfile_writer.h"
#include "tests/faults/memory_machine.h"

namespace plakar {
namespace {

using namespace testing;
using kloset::ResourceType;
using namespace std::chrono_literals;

}  // namespace

TEST_SUITE("maintenance") {
  TEST_CASE("nothing is done to a store of which everything is used") {
    MemoryMachine machine;
    const SnapshotId id = machine.back_up(some_files(1));
    const auto before = machine.place.items;
    const auto report = machine.maintain({.repack_gain_min = 0});
    CHECK(report.snapshots == 1);
    CHECK(report.packfiles_coloured == 0);
    CHECK(report.packfiles_removed == 0);
    CHECK(machine.place.items == before);
    CHECK(machine.read(id) == some_files(1));
  }

  TEST_CASE("an empty store has nothing to maintain") {
    MemoryMachine machine;
    CHECK(machine.maintain(everything).snapshots == 0);
    CHECK(machine.place.items.empty());
  }

  TEST_CASE("what was removed is coloured, and goes when the grace period is over, not before") {
    MemoryMachine machine;
    const SnapshotId gone = machine.back_up(some_files(1));
    const SnapshotId stays = machine.back_up(some_files(2));
    machine.remove(gone);
    const std::uint64_t full = machine.size();

    const auto first = machine.maintain();
    CHECK(first.packfiles_coloured == 1);  // the metadata is shared
    CHECK(first.packfiles_orphaned == 0);
    CHECK(first.bytes_coloured > 200'000);
    CHECK(first.packfiles_removed == 0);
    CHECK(machine.noted.colours[ops::Colouring::unused] == 1);
    CHECK(machine.size() == full);

    machine.clock.advance(std::chrono::hours(167));
    const auto early = machine.maintain();
    CHECK(early.packfiles_coloured == 0);
    CHECK(early.packfiles_removed == 0);
    CHECK(machine.size() == full);

    machine.clock.advance(std::chrono::hours(1));
    const auto last = machine.maintain();
    CHECK(last.packfiles_removed == 1);
    CHECK(last.blobs_removed >= 10);
    CHECK(last.bytes_removed == first.bytes_coloured);
    CHECK(machine.size() == full - last.bytes_removed);
    CHECK(machine.read(stays) == some_files(2));
    machine.require_sound();

    const auto states = machine.count(ItemKind::state);
    CHECK(machine.maintain().packfiles_removed == 0);
    CHECK(machine.count(ItemKind::state) == states);
    CHECK(machine.count(ItemKind::lock) == 0);
  }

  TEST_CASE("repacking gives back what is dead within packfiles, and comes to an end") {
    MemoryMachine machine;
    Files all = some_files(1, 60);
    const SnapshotId gone = machine.back_up(all);
    Files few(all.begin(), std::next(all.begin(), 5));
    const SnapshotId stays = machine.back_up(few);
    machine.remove(gone);

    const auto report = machine.maintain();
    // Genuine Plakar takes a snapshot with two headers for two.
    std::size_t headers = 0;
    REQUIRE(machine.open()->index().for_each_location(
        [&](const kloset::LocationEntry& entry) -> Status {
          if (entry.type == ResourceType::snapshot && entry.blob.bytes == stays.bytes) ++headers;
          return {};
        }));
    CHECK(headers == 1);
    CHECK(report.packfiles_repacked > 0);
    CHECK(report.packfiles_written > 0);
    CHECK(report.packfiles_coloured >= report.packfiles_repacked);
    CHECK(report.packfiles_removed == 0);
    CHECK(machine.read(stays) == few);
    machine.require_sound();

    machine.clock.advance(std::chrono::hours(169));
    const auto swept = machine.maintain();
    CHECK(swept.packfiles_removed == report.packfiles_coloured);
    CHECK(swept.packfiles_repacked == 0);
    CHECK(machine.size() == report.bytes_written);
    CHECK(machine.size() < 500'000);
    CHECK(machine.read(stays) == few);
    machine.require_sound();

    const auto settled = machine.place.items;
    CHECK(machine.maintain({.grace = 0s, .repack_gain_min = 0}).packfiles_coloured == 0);
    CHECK(machine.place.items == settled);
  }

  TEST_CASE("many small packfiles become few") {
    MemoryMachine machine;
    std::map<SnapshotId, Files> snapshots;
    for (unsigned i = 0; i < 20; ++i) {
      const Files files{{"/file", noise(i, 100)}, {"/same", "same"}};
      snapshots[machine.back_up(files)] = files;
    }
    CHECK(machine.count(ItemKind::packfile) == 40);
    const std::uint64_t before = machine.size();
    const auto report = machine.maintain({.grace = 0s});
    CHECK(report.packfiles_repacked == 40);
    CHECK(report.packfiles_removed == 40);
    CHECK(machine.count(ItemKind::packfile) == 2);
    CHECK(machine.size() < before / 10);
    for (const auto& [id, files] : snapshots) CHECK(machine.read(id) == files);
    machine.require_sound();
  }

  TEST_CASE("when all that is not in use is gone, all that was in snapshots is still there") {
    // Copies every blob that was marked and removes all others: what was not marked is missed.
    MemoryMachine machine;
    const SnapshotId rich = machine.back_up(rich_tree());
    machine.remove(machine.back_up(some_files(3, 100)));
    MemoryTree other = rich_tree();
    other.entries.pop_back();
    other.add_file("/dir3/new", "new");
    const SnapshotId second = machine.back_up(other);
    const Files before = machine.read(rich);
    const Files second_before = machine.read(second);
    CHECK(before.size() == 300 + 900 + 2);

    const auto report = machine.maintain(everything);
    CHECK(report.packfiles_repacked >= 4);
    CHECK(report.packfiles_removed >= 6);
    machine.require_sound();
    CHECK(machine.read(rich) == before);
    CHECK(machine.read(second) == second_before);

    // The one that is left does not need the other.
    machine.remove(rich);
    machine.maintain(everything);
    machine.require_sound();
    CHECK(machine.read(second) == second_before);
    machine.remove(second);
    machine.maintain(everything);
    CHECK(machine.count(ItemKind::packfile) == 0);
  }

  TEST_CASE("a backup after colouring stores again what it needs") {
    MemoryMachine machine;
    machine.remove(machine.back_up(some_files(1)));
    machine.maintain();
    const SnapshotId again = machine.back_up(some_files(1));
    machine.clock.advance(std::chrono::hours(200));
    CHECK(machine.maintain().packfiles_removed == 2);
    CHECK(machine.read(again) == some_files(1));
    machine.require_sound();
  }

  TEST_CASE("a coloured packfile that a snapshot needs gets its colour taken back") {
    MemoryMachine machine;
    const SnapshotId id = machine.back_up(some_files(1));
    const SnapshotId other = machine.back_up(some_files(2));
    std::vector<kloset::StateEntry> colours;
    REQUIRE(machine.open()->index().for_each_packfile(
        [&](const kloset::PackfileEntry& entry) -> Status {
          colours.emplace_back(kloset::ColouredEntry{.type = ResourceType::packfile,
                                                     .mac = Mac{.bytes = entry.packfile.bytes},
                                                     .time_ns = machine.now_ns()});
          return {};
        }));
    REQUIRE(colours.size() == 4);
    // As by somebody who did not see the snapshots: their headers are hidden, too.
    machine.publish(colours);
    REQUIRE(machine.open()->index().snapshots().empty());

    machine.clock.advance(std::chrono::hours(400));
    const auto report = machine.maintain({.grace = 1h, .repack = false});
    CHECK(report.packfiles_uncoloured == 4);
    CHECK(report.packfiles_removed == 0);
    CHECK(machine.noted.notices.size() == 4);
    CHECK(machine.read(id) == some_files(1));
    CHECK(machine.read(other) == some_files(2));
    machine.require_sound();
  }

  TEST_CASE("a snapshot that cannot be read whole keeps everything, and is named") {
    MemoryMachine machine;
    machine.remove(machine.back_up(some_files(1)));
    const SnapshotId broken = machine.back_up(some_files(2));
    const SnapshotId sound = machine.back_up(some_files(3));
    const auto repository = machine.open();
    // Each packfile of it in turn.
    std::set<PackfileMac> of_broken;
    auto header = repository->index().find(ResourceType::snapshot, Mac{.bytes = broken.bytes});
    REQUIRE(header);
    of_broken.insert(header->packfile);
    const Mac chunk = repository->mac().compute(as_bytes(some_files(2).at("/file0")));
    of_broken.insert(repository->index().find(ResourceType::chunk, chunk)->packfile);
    REQUIRE(of_broken.size() == 2);
    for (const PackfileMac& packfile : of_broken) {
      const auto key = std::pair(ItemKind::packfile, kloset::item_name(packfile));
      const Bytes kept = machine.place.items.at(key);
      machine.place.items.erase(key);
      const auto before = machine.place.items;
      const auto report = machine.try_maintain(everything);
      REQUIRE_FALSE(report);
      CHECK(report.error().message().find(broken.short_hex()) != std::string::npos);
      CHECK(machine.noted.unreadable_ids == std::set{broken});
      CHECK(machine.place.items == before);
      machine.place.items[key] = kept;
    }
    // Once it is removed there is nothing in the way.
    for (const PackfileMac& packfile : of_broken) {
      machine.place.items.erase({ItemKind::packfile, kloset::item_name(packfile)});
    }
    machine.remove(broken);
    CHECK(machine.maintain(everything).packfiles_removed >= 4);
    CHECK(machine.read(sound) == some_files(3));
    machine.require_sound();
  }

  TEST_CASE("dates far ahead of the clock stop it, unless they are allowed") {
    MemoryMachine machine;
    machine.clock.advance(std::chrono::hours(10'000));
    machine.remove(machine.back_up(some_files(1)));
    const auto before = machine.place.items;
    machine.clock.set_wall(SteppedClock::start);
    const auto refused = machine.try_maintain(everything);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == Errc::conflict);
    CHECK(refused.error().message().find("clock") != std::string::npos);
    CHECK(machine.place.items == before);
    ops::MaintenanceOptions allowed = everything;
    allowed.future_max = std::chrono::hours(20'000);
    CHECK(machine.maintain(allowed).packfiles_coloured == 2);
    // Coloured at a time that will come is not yet old.
    machine.clock.set_wall(SteppedClock::start - std::chrono::hours(1));
    CHECK(machine.maintain(allowed).packfiles_removed == 0);
  }

  TEST_CASE("what a cut-off backup left behind goes, but not while it may still be running") {
    MemoryMachine machine;
    const SnapshotId id = machine.back_up(some_files(1));
    {
      const auto repository = machine.open();
      auto writer = kloset::PackfileWriter::start(machine.store, repository->keys(), machine.random,
                                                  machine.clock.wall(), 0);
      REQUIRE(writer);
      REQUIRE(writer->append(ResourceType::chunk, Mac::random(machine.random), Bytes(1000)));
      const auto codec = repository->codec();
      REQUIRE(codec);
      REQUIRE(std::move(*writer).seal(**codec));
    }
    const auto young = machine.maintain();
    CHECK(young.leftovers == 1);
    CHECK(young.packfiles_coloured == 0);
    machine.clock.advance(std::chrono::hours(169));
    const auto old = machine.maintain();
    CHECK(old.packfiles_orphaned == 1);
    CHECK(old.packfiles_coloured == 1);
    CHECK(old.packfiles_removed == 0);
    machine.clock.advance(std::chrono::hours(169));
    const auto swept = machine.maintain();
    CHECK(swept.packfiles_removed == 1);
    CHECK(swept.bytes_removed > 64 * 1024);
    CHECK(machine.count(ItemKind::packfile) == 2);
    CHECK(machine.read(id) == some_files(1));
  }

  TEST_CASE("a packfile with a snapshot that no state names any more is kept, and told of") {
    MemoryMachine machine;
    const SnapshotId lost = machine.back_up(some_files(1));
    std::erase_if(machine.place.items,
                  [](const auto& item) { return item.first.first == ItemKind::state; });
    machine.clock.advance(std::chrono::hours(1000));
    machine.maintain(everything);
    CHECK(machine.count(ItemKind::packfile) == 1);
    REQUIRE(machine.noted.notices.size() == 1);
    CHECK(machine.noted.notices[0].find(lost.short_hex()) != std::string::npos);
  }

  TEST_CASE("it waits for nobody, and works alone") {
    MemoryMachine machine;
    machine.remove(machine.back_up(some_files(1)));
    const auto repository = machine.open();
    const auto backup = kloset::RepositoryLock::acquire(
        machine.store, repository->config(), repository->keys(), machine.env,
        {.id = kloset::LockId::random(machine.random), .hostname = "elsewhere"});
    REQUIRE(backup);
    const auto before = machine.place.items;
    const auto refused = machine.try_maintain(everything);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == Errc::conflict);
    CHECK(refused.error().message().find("elsewhere") != std::string::npos);
    CHECK(machine.place.items == before);
  }

  TEST_CASE("without deletion packfiles are forgotten and stay") {
    MemoryMachine machine;
    machine.remove(machine.back_up(some_files(1)));
    ops::MaintenanceOptions options = everything;
    options.delete_packfiles = false;
    const auto report = machine.maintain(options);
    CHECK(report.packfiles_removed == 2);
    CHECK(report.bytes_removed == 0);
    CHECK(machine.count(ItemKind::packfile) == 2);
    CHECK(machine.open()->index().for_each_packfile(
        [](const auto&) -> Status { return Error(Errc::internal, "none is known"); }));
  }

  TEST_CASE("a damaged packfile is not repacked, and what is in it stays") {
    MemoryMachine machine;
    Files all = some_files(1, 60);
    const SnapshotId gone = machine.back_up(all);
    const Files few(all.begin(), std::next(all.begin(), 5));
    const SnapshotId stays = machine.back_up(few);
    machine.remove(gone);
    const auto repository = machine.open();
    const Mac chunk = repository->mac().compute(as_bytes(few.begin()->second));
    const auto location = repository->index().find(ResourceType::chunk, chunk);
    REQUIRE(location);
    const auto key = std::pair(ItemKind::packfile, kloset::item_name(location->packfile));
    machine.place.items.at(key)[16 + location->offset + 20] ^= std::byte{1};
    const auto report = machine.maintain(everything);
    CHECK(machine.place.items.contains(key));
    CHECK(machine.noted.notices.size() == 1);
    CHECK(report.packfiles_removed > 0);
    // The rest of it still restores.
    machine.place.items.at(key)[16 + location->offset + 20] ^= std::byte{1};
    CHECK(machine.read(stays) == few);
    machine.require_sound();
  }

  TEST_CASE("an original is not swept before every copy was found good once more") {
    MemoryMachine machine;
    const Files files{{"/file", noise(1, 50'000)}};
    machine.remove(machine.back_up(some_files(9, 60)));
    const SnapshotId id = machine.back_up(files);
    ops::MaintenanceOptions options = everything;
    options.grace = std::chrono::hours(100);
    REQUIRE(machine.maintain(options).packfiles_repacked > 0);
    const auto repository = machine.open();
    const auto copy = repository->index().find(
        ResourceType::chunk, repository->mac().compute(as_bytes(files.at("/file"))));
    REQUIRE(copy);
    Bytes& item = machine.place.items.at({ItemKind::packfile, kloset::item_name(copy->packfile)});
    item[16 + copy->offset + copy->length / 2] ^= std::byte{1};
    machine.clock.advance(std::chrono::hours(200));
    const auto report = machine.maintain({.repack = false});
    CHECK(report.packfiles_uncoloured == 1);
    CHECK(report.packfiles_removed > 0);
    CHECK(machine.noted.notices.size() == 1);
    CHECK(machine.read(id) == files);
  }

  TEST_CASE("the copy that is good is kept when the other is not") {
    // A repacked packfile whose copy went bad, before the original is swept.
    MemoryMachine machine;
    const Files files{{"/file", noise(1, 50'000)}};
    machine.remove(machine.back_up(some_files(9, 60)));
    const SnapshotId id = machine.back_up(files);
    ops::MaintenanceOptions options = everything;
    options.grace = std::chrono::hours(100);
    REQUIRE(machine.maintain(options).packfiles_repacked > 0);
    const auto repository = machine.open();
    const auto location = repository->index().find(
        ResourceType::chunk, repository->mac().compute(as_bytes(files.at("/file"))));
    REQUIRE(location);
    machine.place.items.erase({ItemKind::packfile, kloset::item_name(location->packfile)});
    machine.clock.advance(std::chrono::hours(200));
    CHECK(machine.maintain({.repack = false}).packfiles_uncoloured >= 1);
    CHECK(machine.read(id) == files);
  }

  TEST_CASE("a cancel ends it, and leaves a sound store") {
    MemoryMachine machine;
    machine.remove(machine.back_up(some_files(1)));
    const flow::CancelSource cancel;
    cancel.cancel("test");
    const auto before = machine.place.items;
    CHECK(ops::maintenance(*machine.open(), everything, machine.noted, cancel.token())
              .error()
              .code() == Errc::cancelled);
    CHECK(machine.place.items == before);
  }
}

}  // namespace plakar
