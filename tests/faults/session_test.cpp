// A whole session on a store in a directory: backups, a removal, maintenance that repacks and
// sweeps, and a backup after it. On a disk that loses power after any call, and on one where any
// call fails. Whatever happens: the store opens and is found sound, every snapshot that it shows is
// whole, every one that was acknowledged is there, and none comes back.
//
// A sample of all places, another one each time; PLAKAR_FAULTS=all tries every one.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/base/file_system.h"
#include "core/base/testing/file_filters.h"
#include "core/base/testing/memory_disk.h"
#include "core/base/testing/seeded_random.h"
#include "core/connectors/fs/store.h"
#include "core/kloset/snapshot/snapshot_reader.h"
#include "core/ops/backup.h"
#include "core/ops/check.h"
#include "core/ops/maintenance.h"
#include "core/ops/remove.h"
#include "tests/faults/sample.h"
#include "tests/faults/tree_source.h"

namespace plakar {
namespace {

using kloset::Repository;
using testing::first_tree;
using testing::sample_of;
using testing::second_tree;
using testing::SilentObserver;
using testing::Tree;
using testing::TreeSource;

struct SilentRemove final : ops::RemoveObserver {
  void removed(const SnapshotId&) override {}
  void failed(const SnapshotId&, std::string_view) override {}
};

struct SilentMaintenance final : ops::MaintenanceObserver {
  void marked(const SnapshotId&, std::uint64_t, std::uint64_t) override {}
  void unreadable(const SnapshotId&, std::string_view) override {}
  void noticed(std::string_view, std::string_view) override {}
  void coloured(const PackfileMac&, ops::Colouring) override {}
  void removed(const PackfileMac&, std::uint64_t) override {}
};

struct Damages final : ops::CheckObserver {
  void checked(const SnapshotId&, std::string_view) override {}
  void damaged(const ops::Damage& damage) override {
    found.push_back(damage.where + ": " + damage.what);
  }
  std::vector<std::string> found;
};

// A machine whose disk is `calls`.
struct Machine {
  explicit Machine(FileCalls& calls) : files(calls) {}

  // No two draw the same names, any more than real ones do.
  static std::uint64_t next_seed() {
    static std::uint64_t last = 0;
    return ++last;
  }

  FileSystem files;
  testing::SeededRandom random{next_seed()};
  Env env{.clock = system_env().clock,
          .random = random,
          .files = files,
          .processes = system_env().processes};

  std::unique_ptr<kloset::Store> store() { return connectors::make_fs_store(env, "/store", {}); }
  Result<std::unique_ptr<Repository>> open(kloset::Store& at) {
    return Repository::open(at, env, []() -> Result<Secret> { return Secret(); }, {});
  }

  Result<SnapshotId> back_up(const Tree& tree) {
    const auto at = store();
    const auto repository = PLK_TRY(open(*at));
    TreeSource source(tree);
    SilentObserver observer;
    const auto report =
        PLK_TRY(ops::backup(*repository, source, {.hostname = "h", .threads = 1}, observer, {}));
    CHECK(report.errors == 0);
    return report.id;
  }

  Status remove(const SnapshotId& id) {
    const auto at = store();
    const auto repository = PLK_TRY(open(*at));
    SilentRemove observer;
    const auto report = PLK_TRY(ops::remove_snapshots(*repository, std::vector{id}, observer, {}));
    if (report.removed != 1) return Error(Errc::not_found, "there was none");
    return {};
  }

  // Repacks all it can, and lets go of everything at once.
  Status maintain(bool lock = true) {
    const auto at = store();
    const auto repository = PLK_TRY(open(*at));
    SilentMaintenance observer;
    const auto report = PLK_TRY(ops::maintenance(*repository,
                                                 {.hostname = "h",
                                                  .lock = lock,
                                                  .grace = std::chrono::seconds(0),
                                                  .repack_dead_percent = 0,
                                                  .repack_gain_min = 0},
                                                 observer, {}));
    if (report.failures > 0) return Error(Errc::io, "not all could be deleted");
    return {};
  }
};

void create(Machine& machine) {
  REQUIRE(Repository::create(*machine.store(), kloset::default_config(), nullptr, {}, machine.env));
}

// What was done, and what is known about it.
struct Session {
  std::vector<Tree> trees;                  // that a snapshot may be of
  std::map<SnapshotId, Tree> acknowledged;  // and not removed, as far as known
  std::set<SnapshotId> leaving;             // asked to be removed: there or not
  std::set<SnapshotId> removed;

  void back_up(Machine& machine, const Tree& tree) {
    trees.push_back(tree);
    const auto id = machine.back_up(tree);
    if (id) acknowledged[*id] = tree;
    note(id ? Status() : Status(id.error()));
  }
  void remove(Machine& machine, const SnapshotId& id) {
    leaving.insert(id);
    const Status done = machine.remove(id);
    if (done) removed.insert(id);
    note(done);
  }
  void maintain(Machine& machine) { note(machine.maintain()); }

  void note(const Status& outcome) {
    if (!outcome) failures.push_back(outcome.error().message());
  }
  std::vector<std::string> failures;

  void run(Machine& machine) {
    back_up(machine, first_tree());
    back_up(machine, second_tree());
    if (!acknowledged.empty()) remove(machine, acknowledged.begin()->first);
    maintain(machine);
    Tree third = second_tree();
    third["/third"] = std::string(40'000, '3');
    back_up(machine, third);
  }

  // Every snapshot read whole, and everything checked.
  void require_kept(Machine& machine) const {
    const auto store = machine.store();
    const auto opened = machine.open(*store);
    REQUIRE(opened);
    Repository& repository = **opened;
    REQUIRE(repository.refresh());
    Damages damages;
    REQUIRE(ops::check(repository, {}, damages, {}));
    REQUIRE(damages.found == std::vector<std::string>());

    const std::vector<SnapshotId> ids = repository.index().snapshots();
    const std::set<SnapshotId> found(ids.begin(), ids.end());
    for (const auto& [id, tree] : acknowledged) {
      if (!leaving.contains(id)) REQUIRE(found.contains(id));
    }
    for (const SnapshotId& id : found) {
      REQUIRE_FALSE(removed.contains(id));
      const Tree tree = read(repository, id);
      const auto known = acknowledged.find(id);
      if (known != acknowledged.end()) {
        REQUIRE(tree == known->second);
      } else {
        REQUIRE(std::find(trees.begin(), trees.end(), tree) != trees.end());
      }
    }
  }

  // Without a lock: one that was left behind would be in the way for ten minutes.
  void require_maintained(Machine& machine) const {
    const Status done = machine.maintain(/*lock=*/false);
    const std::string why = done ? "" : done.error().message();
    REQUIRE(why == "");
  }

  static Tree read(Repository& repository, const SnapshotId& id) {
    auto snapshot = kloset::SnapshotReader::open(repository, id);
    REQUIRE(snapshot);
    Tree tree;
    REQUIRE(snapshot->walk(
        "/",
        [&](const kloset::VfsEntry& entry, const Mac&) -> Status {
          if (kloset::is_directory(entry.file_info.mode)) return {};
          tree[entry.path()] =
              as_text(PLK_TRY(kloset::load_object_content(repository, entry.object, 1u << 20)));
          return {};
        },
        [](const std::string&, const Error& error) -> Status { return error; }));
    return tree;
  }
};

}  // namespace

TEST_SUITE("session") {
  TEST_CASE("after any loss of power all that was acknowledged is there, and work goes on") {
    const std::uint64_t seed = testing::test_seed();
    CAPTURE(seed);
    testing::SeededRandom choice(seed);
    const std::uint64_t one_of = sample_of(20);
    testing::MemoryDisk disk;
    {
      Machine machine(disk);
      create(machine);
    }
    Session session;
    std::uint64_t checked = 0;
    const auto check = [&](testing::MemoryDisk& after, const testing::CrashPoint& point) {
      if (choice.below(one_of) != 0) return;
      CAPTURE(point.description);
      Machine machine(after);
      session.require_kept(machine);
      ++checked;
      if (choice.below(4) != 0) return;
      // What was left half done is picked up, without anything else being lost.
      session.require_maintained(machine);
      session.require_kept(machine);
    };
    testing::CrashPoints points(disk, check, {.seed = seed, .random_states = 1});
    Machine machine(points);
    session.run(machine);
    REQUIRE(session.failures == std::vector<std::string>());
    REQUIRE(session.acknowledged.size() == 3);
    CHECK(points.states_checked() > 1000);
    CHECK(checked > points.states_checked() / one_of / 2);
    MESSAGE("states: ", points.states_checked(), ", checked: ", checked);
    Machine at_end(disk);
    session.require_kept(at_end);
    CHECK(disk.open_handles() == 0);
  }

  TEST_CASE("any call that fails is an error of what made it, and costs nothing else") {
    const std::uint64_t seed = testing::test_seed();
    CAPTURE(seed);
    testing::SeededRandom choice(seed);
    const std::uint64_t one_of = sample_of(50);
    std::uint64_t tried = 0;
    for (const int error : {EIO, ENOSPC}) {
      CAPTURE(error);
      bool fired = true;
      for (std::uint64_t nth = 1 + choice.below(one_of); fired;
           nth += 1 + choice.below(2 * one_of - 1)) {
        CAPTURE(nth);
        testing::MemoryDisk disk;
        Machine sound(disk);
        create(sound);
        testing::FaultyFileCalls faulty(disk, testing::Fault{.nth = nth, .error = error});
        Machine failing(faulty);
        Session session;
        session.run(failing);
        fired = faulty.fired();
        ++tried;
        if (!fired) REQUIRE(session.failures == std::vector<std::string>());
        session.require_kept(sound);
        CHECK(disk.open_handles() == 0);
        if (choice.below(4) != 0) continue;
        session.require_maintained(sound);
        session.require_kept(sound);
      }
    }
    MESSAGE("calls tried: ", tried);
  }
}

}  // namespace plakar
