// Taking away, in a store that genuine Plakar uses, too: what either of the two removes, colours,
// repacks, sweeps or makes again, the other one lists, checks, restores and goes on with. Needs a
// genuine `plakar`, named in PLAKAR_REFERENCE.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/connectors/fs/source.h"
#include "core/connectors/fs/store.h"
#include "core/kloset/snapshot/snapshot_reader.h"
#include "core/ops/backup.h"
#include "core/ops/check.h"
#include "core/ops/maintenance.h"
#include "core/ops/rebuild.h"
#include "core/ops/remove.h"
#include "tests/compat/reference.h"
#include "tests/support/temp_dir.h"

namespace plakar {
namespace {

using compat::files_of;
using compat::has_error;
using compat::noise;
using compat::Reference;
using compat::write;
using kloset::Repository;
using testing::TempDir;

using Files = std::map<std::string, std::string>;

struct SilentBackup final : ops::BackupObserver {
  void stored(const kloset::Record&, std::uint64_t, bool) override {}
  void failed(std::string_view, std::string_view) override {}
};
struct SilentRemove final : ops::RemoveObserver {
  void removed(const SnapshotId&) override {}
  void failed(const SnapshotId&, std::string_view) override {}
};
struct SilentRebuild final : ops::RebuildObserver {
  void state_damaged(const kloset::StateId&, std::string_view) override {}
  void packfile_unnamed(const PackfileMac&, std::uint64_t) override {}
  void packfile_unreadable(const PackfileMac&, std::string_view) override {}
  void snapshot_returns(const SnapshotId&) override {}
};
struct Noted final : ops::MaintenanceObserver {
  void marked(const SnapshotId&, std::uint64_t, std::uint64_t) override {}
  void unreadable(const SnapshotId&, std::string_view error) override {
    notices.emplace_back(error);
  }
  void noticed(std::string_view where, std::string_view what) override {
    notices.push_back(std::string(where) + ": " + std::string(what));
  }
  void coloured(const PackfileMac&, ops::Colouring) override {}
  void removed(const PackfileMac&, std::uint64_t) override {}
  std::vector<std::string> notices;
};
struct Damages final : ops::CheckObserver {
  void checked(const SnapshotId&, std::string_view) override {}
  void damaged(const ops::Damage& damage) override {
    found.push_back(damage.where + ": " + damage.what);
  }
  std::vector<std::string> found;
};

// A store that both programs work on, and a tree that changes.
struct Shared {
  explicit Shared(const char* program, bool encrypted) : reference(program) {
    const std::filesystem::path root = tree();
    compat::make_tree(root);
    // It never restores second names.
    std::filesystem::remove(root / "hard");
    write(root / "bulk", noise(3'000'000, 5));
    const auto store = open_store();
    const Secret secret(compat::passphrase);
    // Derived a hundred times here, by either program.
    kloset::KdfParams kdf = *kloset::default_kdf("ARGON2ID");
    kdf.argon2id->memory_kib = 1024;
    kdf.argon2id->time = 1;
    REQUIRE(Repository::create(*store, kloset::default_config(), encrypted ? &secret : nullptr, kdf,
                               system_env()));
  }

  std::filesystem::path tree() const { return directory.path() / "tree"; }
  std::string path() const { return directory / "store"; }
  std::unique_ptr<kloset::Store> open_store() const {
    return connectors::make_fs_store(system_env(), path(), {});
  }
  std::unique_ptr<Repository> open(kloset::Store& store) const {
    auto repository = Repository::open(
        store, system_env(), []() -> Result<Secret> { return Secret(compat::passphrase); }, {});
    REQUIRE(repository);
    return *std::move(repository);
  }

  // --- ours ---

  SnapshotId back_up() {
    const auto store = open_store();
    const auto repository = open(*store);
    const auto source =
        connectors::make_fs_source(system_env(), {.root = tree().string(), .origin = "h"},
                                   connectors::system_owner_names(), {});
    SilentBackup observer;
    // One thread: which packfiles a blob goes to is not left to chance.
    const auto report =
        ops::backup(*repository, *source, {.hostname = "h", .threads = 1}, observer, {});
    REQUIRE(report);
    return report->id;
  }
  void remove(const SnapshotId& id) {
    const auto store = open_store();
    SilentRemove observer;
    const auto report = ops::remove_snapshots(*open(*store), std::vector{id}, observer, {});
    REQUIRE(report);
    REQUIRE(report->removed == 1);
  }
  ops::MaintenanceReport maintain(std::chrono::nanoseconds grace) {
    forget_locks();
    const auto store = open_store();
    Noted noted;
    const auto report = ops::maintenance(
        *open(*store),
        {.hostname = "h", .grace = grace, .repack_dead_percent = 20, .repack_gain_min = 0}, noted,
        {});
    CAPTURE(noted.notices);
    REQUIRE(report);
    CHECK(noted.notices == std::vector<std::string>());
    return *report;
  }
  std::vector<SnapshotId> list() const {
    const auto store = open_store();
    const auto repository = open(*store);
    REQUIRE(repository->refresh());
    return repository->index().snapshots();
  }
  void require_sound() const {
    const auto store = open_store();
    const auto repository = open(*store);
    REQUIRE(repository->refresh());
    Damages damages;
    REQUIRE(ops::check(*repository, {}, damages, {}));
    REQUIRE(damages.found == std::vector<std::string>());
  }

  // --- genuine Plakar's ---

  std::string run(std::vector<std::string> arguments) {
    const auto answer = reference.at(path(), std::move(arguments));
    CAPTURE(answer.text);
    REQUIRE(answer.code == 0);
    REQUIRE_FALSE(has_error(answer.text));
    return answer.text;
  }
  std::string genuine_maintenance() {
    forget_locks();
    Reference with_grace("/usr/bin/env");
    const auto answer = with_grace.run(
        {"PLAKAR_GRACEPERIOD=1ms", reference.program, "-cpu", "2", "at", path(), "maintenance"});
    CAPTURE(answer.text);
    REQUIRE(answer.code == 0);
    REQUIRE_FALSE(has_error(answer.text));
    return answer.text;
  }
  bool lists(const SnapshotId& id) { return run({"ls"}).find(id.short_hex()) != std::string::npos; }
  Files restore(const SnapshotId& id) {
    const std::filesystem::path to = directory.path() / "restored";
    std::filesystem::remove_all(to);
    run({"restore", "-to", to.string(), id.short_hex()});
    return files_of(to);
  }
  Files now() const { return files_of(tree()); }

  // It leaves locks behind, and they would be in the way for ten minutes.
  void forget_locks() const {
    for (const auto& entry :
         std::filesystem::directory_iterator(directory.path() / "store/locks")) {
      std::filesystem::remove(entry.path());
    }
  }
  std::size_t packfiles() const { return files_of(directory.path() / "store/packfiles").size(); }

  Reference reference;
  TempDir directory;
};

const char* reference_program() {
  const char* program = std::getenv("PLAKAR_REFERENCE");
  if (program == nullptr) {
    MESSAGE("PLAKAR_REFERENCE names no genuine plakar: nothing was tried");
  }
  return program;
}

}  // namespace

TEST_SUITE("two ways, taking away") {
  TEST_CASE("genuine Plakar does not see what we removed, and we not what it did") {
    const char* program = reference_program();
    if (program == nullptr) return;
    Shared shared(program, false);
    const SnapshotId first = shared.back_up();
    write(shared.tree() / "many/file1", "changed");
    const SnapshotId second = shared.back_up();
    write(shared.tree() / "many/file2", "changed, too");
    const SnapshotId third = shared.back_up();
    shared.remove(first);
    CHECK_FALSE(shared.lists(first));
    CHECK(shared.lists(second));
    shared.run({"rm", "-apply", second.short_hex()});
    CHECK(shared.list() == std::vector{third});
    CHECK(shared.restore(third) == shared.now());
  }

  TEST_CASE(
      "what our maintenance leaves, genuine Plakar lists, checks, restores and goes on with") {
    const char* program = reference_program();
    if (program == nullptr) return;
    for (const bool encrypted : {false, true}) {
      CAPTURE(encrypted);
      Shared shared(program, encrypted);
      const SnapshotId first = shared.back_up();
      std::filesystem::remove(shared.tree() / "bulk");
      write(shared.tree() / "many/file1", "changed");
      const SnapshotId second = shared.back_up();
      const Files then = shared.now();
      shared.remove(first);

      // Half done: what was copied is used, what is coloured is still there.
      const std::uint64_t before = shared.packfiles();
      const auto coloured = shared.maintain(std::chrono::hours(1));
      CHECK(coloured.packfiles_repacked > 0);
      shared.run({"check"});
      CHECK(shared.restore(second) == then);
      const auto swept = shared.maintain(std::chrono::seconds(0));
      CHECK(swept.packfiles_removed == coloured.packfiles_coloured);
      // One that is all in use stays, where the threads of the backup divided it so.
      CHECK(shared.packfiles() == before + coloured.packfiles_written - swept.packfiles_removed);
      CHECK_FALSE(shared.lists(first));
      shared.run({"check"});
      CHECK(shared.restore(second) == then);
      shared.require_sound();

      write(shared.tree() / "many/file2", "changed by the time genuine Plakar looks");
      write(shared.tree() / "bulk", noise(3'000'000, 5));
      shared.run({"backup", shared.tree().string()});
      shared.run({"check"});
      shared.require_sound();
      CHECK(shared.list().size() == 2);

      // And maintains in turn.
      shared.remove(second);
      for (int i = 0; i < 2; ++i) {
        shared.genuine_maintenance();
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
      shared.require_sound();
      REQUIRE(shared.list().size() == 1);
      CHECK(shared.restore(shared.list()[0]) == shared.now());
      CHECK(shared.maintain(std::chrono::seconds(0)).snapshots == 1);
      shared.run({"check"});
      CHECK(shared.restore(shared.list()[0]) == shared.now());
    }
  }

  TEST_CASE("what genuine Plakar coloured we sweep, and what we coloured it sweeps") {
    const char* program = reference_program();
    if (program == nullptr) return;
    for (const bool ours_first : {false, true}) {
      CAPTURE(ours_first);
      Shared shared(program, false);
      shared.run({"backup", shared.tree().string()});
      const SnapshotId first = shared.list().at(0);
      std::filesystem::remove_all(shared.tree() / "dir");
      write(shared.tree() / "other", noise(2'000'000, 9));
      const SnapshotId second = shared.back_up();
      const std::size_t before = shared.packfiles();
      shared.remove(first);
      if (ours_first) {
        CHECK(shared.maintain(std::chrono::hours(1)).packfiles_coloured > 0);
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        shared.genuine_maintenance();
      } else {
        shared.genuine_maintenance();
        CHECK(shared.packfiles() == before);
        CHECK(shared.maintain(std::chrono::seconds(0)).packfiles_removed > 0);
      }
      CHECK(shared.packfiles() < before);
      shared.run({"check"});
      shared.require_sound();
      CHECK(shared.restore(second) == shared.now());
    }
  }

  TEST_CASE("with all states lost and made again, genuine Plakar goes on") {
    const char* program = reference_program();
    if (program == nullptr) return;
    Shared shared(program, true);
    shared.run({"backup", shared.tree().string()});
    const SnapshotId first = shared.list().at(0);
    std::filesystem::remove_all(shared.directory.path() / "store/states");
    for (int bucket = 0; bucket < 256; ++bucket) {
      std::string name = "00";
      name[0] = "0123456789abcdef"[bucket / 16];
      name[1] = "0123456789abcdef"[bucket % 16];
      std::filesystem::create_directories(shared.directory.path() / "store/states" / name);
    }
    CHECK(shared.list().empty());
    shared.forget_locks();
    {
      const auto store = shared.open_store();
      SilentRebuild observer;
      const auto report =
          ops::rebuild_states(*shared.open(*store), {.hostname = "h", .apply = true}, observer, {});
      REQUIRE(report);
      CHECK(report->snapshots == 1);
    }
    CHECK(shared.lists(first));
    shared.run({"check"});
    CHECK(shared.restore(first) == shared.now());
    shared.run({"backup", shared.tree().string()});
    shared.run({"check"});
    shared.require_sound();
    CHECK(shared.list().size() == 2);
  }
}

}  // namespace plakar
