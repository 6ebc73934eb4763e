// Syncs into a store in a directory, on a disk that loses power after any call and on one where
// any call fails. Whatever happens: the target opens, is sound, shows only whole copies, and has
// those that were acknowledged; and the next sync completes it.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "core/base/file_system.h"
#include "core/base/testing/file_filters.h"
#include "core/base/testing/memory_disk.h"
#include "core/base/testing/seeded_random.h"
#include "core/connectors/fs/store.h"
#include "core/ops/check.h"
#include "core/ops/sync.h"
#include "core/ops/testing/memory_side.h"

namespace plakar {
namespace {

using kloset::Repository;
using ops::testing::describe;
using ops::testing::MemorySide;

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
  Result<std::unique_ptr<Repository>> open(kloset::Store& store) {
    auto repository =
        PLK_TRY(Repository::open(store, env, []() -> Result<Secret> { return Secret(); }, {}));
    PLK_TRY(repository->refresh());
    return repository;
  }
};

void create(Machine& machine) {
  kloset::StoreConfig config = kloset::default_config();
  config.hashing.algorithm = "SHA256";
  REQUIRE(Repository::create(*machine.store(), config, nullptr, {}, machine.env));
}

struct Acknowledged final : ops::SyncObserver {
  void started(const SnapshotId&) override {}
  void stored(const SnapshotId&, std::string_view, std::uint64_t, bool) override {}
  void failed(const SnapshotId&, std::string_view, std::string_view) override {}
  void finished(const ops::SyncedSnapshot& snapshot) override { ids.insert(snapshot.id); }
  void given_up(const SnapshotId&, const Error&) override {}
  std::set<SnapshotId> ids;
};

// A source with two snapshots, and what they say.
struct Origin {
  MemorySide side;
  std::array<SnapshotId, 2> ids;
  std::map<SnapshotId, std::map<std::string, std::string>> texts;

  Origin() {
    for (int i = 0; i < 2; ++i) {
      kloset::testing::MemoryTree tree;
      tree.identity.root = "/data";
      tree.add_directory("/data");
      for (int file = 0; file < 3; ++file) {
        tree.add_file("/data/file" + std::to_string(file), "content " + std::to_string(file));
      }
      tree.add_file("/data/large", std::string(70'000, static_cast<char>('a' + i)));
      tree.entries.back().record.mod_time.nanoseconds = static_cast<std::uint32_t>(i);
      ids[static_cast<std::size_t>(i)] = side.back_up(tree).id;
    }
    for (const SnapshotId& id : ids) texts[id] = describe(*side.repository, id);
  }

  Result<ops::SyncReport> sync_to(Machine& machine, Acknowledged& observer) {
    const auto store = machine.store();
    const auto repository = PLK_TRY(machine.open(*store));
    return ops::sync(*side.repository, *repository, ids, {.hostname = "h", .threads = 1}, observer,
                     {});
  }
};

struct NoDamage final : ops::CheckObserver {
  void checked(const SnapshotId&, std::string_view) override {}
  void damaged(const ops::Damage& damage) override { FAIL_CHECK(damage.where, ": ", damage.what); }
};

// Which snapshots are there; each has to be whole.
std::set<SnapshotId> read_all(Machine& machine, Origin& origin) {
  const auto store = machine.store();
  const auto repository = machine.open(*store);
  REQUIRE(repository);
  std::set<SnapshotId> found;
  for (const SnapshotId& id : (*repository)->index().snapshots()) {
    REQUIRE(describe(**repository, id) == origin.texts.at(id));
    found.insert(id);
  }
  // All content was read above.
  NoDamage observer;
  REQUIRE(ops::check(**repository, {.depth = ops::CheckDepth::structure}, observer, {}));
  return found;
}

bool includes(const std::set<SnapshotId>& all, const std::set<SnapshotId>& some) {
  return std::includes(all.begin(), all.end(), some.begin(), some.end());
}

}  // namespace

TEST_SUITE("sync, when power fails") {
  TEST_CASE("after any loss of power the target is sound and every copy in it is whole") {
    testing::MemoryDisk disk;
    {
      Machine machine(disk);
      create(machine);
    }
    Origin origin;
    Acknowledged acknowledged;
    const auto check = [&](testing::MemoryDisk& after, const testing::CrashPoint& point) {
      CAPTURE(point.description);
      Machine machine(after);
      REQUIRE(includes(read_all(machine, origin), acknowledged.ids));
    };
    testing::CrashPoints points(disk, check, {.seed = 3, .random_states = 1});
    Machine machine(points);
    const auto report = origin.sync_to(machine, acknowledged);
    REQUIRE(report);
    CHECK(report->copied == 2);
    CHECK(points.states_checked() > 100);
    MESSAGE("states checked: ", points.states_checked());
  }
}

TEST_SUITE("sync, when calls fail") {
  TEST_CASE("any call that fails makes an error, and the next sync completes the target") {
    Origin origin;
    for (std::uint64_t nth = 1;; ++nth) {
      CAPTURE(nth);
      testing::MemoryDisk disk;
      Machine sound(disk);
      create(sound);
      testing::FaultyFileCalls faulty(
          disk, testing::Fault{.nth = nth, .error = nth % 2 == 0 ? EIO : ENOSPC});
      Machine failing(faulty);
      Acknowledged observer;
      const auto report = origin.sync_to(failing, observer);
      REQUIRE(includes(read_all(sound, origin), observer.ids));
      CHECK(disk.open_handles() == 0);
      if (!faulty.fired()) {
        REQUIRE(report);
        break;
      }
      if (nth % 4 != 0) continue;
      Acknowledged again;
      REQUIRE(origin.sync_to(sound, again));
      CHECK(read_all(sound, origin).size() == 2);
    }
  }
}

}  // namespace plakar
