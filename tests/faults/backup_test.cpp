// Backups into a store in a directory, on a disk that loses power after any call and on one where
// any call fails. Whatever happens: the store opens, every snapshot it shows is whole, and every
// snapshot that was acknowledged is there.
#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>

#include "core/base/file_system.h"
#include "core/base/testing/file_filters.h"
#include "core/base/testing/memory_disk.h"
#include "core/base/testing/seeded_random.h"
#include "core/connectors/fs/store.h"
#include "core/kloset/snapshot/snapshot_reader.h"
#include "core/ops/backup.h"
#include "tests/faults/tree_source.h"

namespace plakar {
namespace {

using kloset::Repository;
using testing::first_tree;
using testing::second_tree;
using testing::SilentObserver;
using testing::Tree;
using testing::TreeSource;

// A machine whose disk is `calls`.
struct Machine {
  explicit Machine(FileCalls& calls) : files(calls) {}

  FileSystem files;
  testing::SeededRandom random{7};
  Env env{.clock = system_env().clock,
          .random = random,
          .files = files,
          .processes = system_env().processes};

  std::unique_ptr<kloset::Store> store() { return connectors::make_fs_store(env, "/store", {}); }
};

void create(Machine& machine) {
  REQUIRE(Repository::create(*machine.store(), kloset::default_config(), nullptr, {}, machine.env));
}

Result<SnapshotId> back_up(Machine& machine, const Tree& tree) {
  const auto store = machine.store();
  const auto repository = PLK_TRY(
      Repository::open(*store, machine.env, []() -> Result<Secret> { return Secret(); }, {}));
  TreeSource source(tree);
  SilentObserver observer;
  const auto report =
      PLK_TRY(ops::backup(*repository, source, {.hostname = "h", .threads = 1}, observer, {}));
  CHECK(report.errors == 0);
  return report.id;
}

// Every snapshot, read whole. What cannot be read is a failure of the test.
std::map<SnapshotId, Tree> read_all(Machine& machine) {
  std::map<SnapshotId, Tree> all;
  const auto store = machine.store();
  auto repository =
      Repository::open(*store, machine.env, []() -> Result<Secret> { return Secret(); }, {});
  REQUIRE(repository);
  REQUIRE((*repository)->refresh());
  for (const SnapshotId& id : (*repository)->index().snapshots()) {
    auto snapshot = kloset::SnapshotReader::open(**repository, id);
    REQUIRE(snapshot);
    Tree& tree = all[id];
    REQUIRE(snapshot->walk(
        "/",
        [&](const kloset::VfsEntry& entry, const Mac&) -> Status {
          if (kloset::is_directory(entry.file_info.mode)) return {};
          const Bytes content =
              PLK_TRY(kloset::load_object_content(**repository, entry.object, 1u << 20));
          tree[entry.path()] = as_text(content);
          return {};
        },
        [](const std::string&, const Error& error) -> Status { return error; }));
  }
  return all;
}

}  // namespace

TEST_SUITE("backup, when power fails") {
  TEST_CASE("after any loss of power the store opens and every snapshot in it is whole") {
    testing::MemoryDisk disk;
    {
      Machine machine(disk);
      create(machine);
    }
    const Tree first = first_tree();
    const Tree second = second_tree();
    std::map<SnapshotId, Tree> acknowledged;
    const auto check = [&](testing::MemoryDisk& after, const testing::CrashPoint& point) {
      CAPTURE(point.description);
      Machine machine(after);
      const auto found = read_all(machine);
      for (const auto& [id, tree] : found) REQUIRE((tree == first || tree == second));
      for (const auto& [id, tree] : acknowledged) {
        REQUIRE(found.contains(id));
        REQUIRE(found.at(id) == tree);
      }
    };
    testing::CrashPoints points(disk, check, {.seed = 3, .random_states = 1});
    Machine machine(points);
    const auto one = back_up(machine, first);
    REQUIRE(one);
    acknowledged[*one] = first;
    const auto two = back_up(machine, second);
    REQUIRE(two);
    acknowledged[*two] = second;
    CHECK(points.states_checked() > 200);
    MESSAGE("states checked: ", points.states_checked());
  }
}

TEST_SUITE("backup, when calls fail") {
  TEST_CASE("any call that fails makes an error, and leaves what was there as it was") {
    const Tree first = first_tree();
    const Tree second = second_tree();
    for (const int error : {EIO, ENOSPC}) {
      for (std::uint64_t nth = 1;; ++nth) {
        CAPTURE(error);
        CAPTURE(nth);
        testing::MemoryDisk disk;
        Machine sound(disk);
        create(sound);
        const auto before = back_up(sound, first);
        REQUIRE(before);

        testing::FaultyFileCalls faulty(disk, testing::Fault{.nth = nth, .error = error});
        Machine failing(faulty);
        const auto result = back_up(failing, second);
        const auto found = read_all(sound);
        REQUIRE(found.contains(*before));
        CHECK(found.at(*before) == first);
        for (const auto& [id, tree] : found) CHECK((tree == first || tree == second));
        if (result) {
          REQUIRE(found.contains(*result));
          CHECK(found.at(*result) == second);
        }
        CHECK(disk.open_handles() == 0);
        if (!faulty.fired()) {
          REQUIRE(result);
          break;
        }
      }
    }
  }
}

}  // namespace plakar
