// Snapshots go from store to store: out of those that genuine Plakar wrote, and, where
// PLAKAR_REFERENCE names one, to and fro between it and us.
#include <doctest/doctest.h>
#include <sys/xattr.h>

#include <cstdlib>
#include <memory>

#include "core/connectors/fs/source.h"
#include "core/connectors/fs/store.h"
#include "core/connectors/ptar/store.h"
#include "core/ops/backup.h"
#include "core/ops/check.h"
#include "core/ops/sync.h"
#include "core/ops/testing/memory_side.h"
#include "tests/compat/reference.h"
#include "tests/support/golden_stores.h"
#include "tests/support/temp_dir.h"

namespace plakar {
namespace {

using compat::files_of;
using compat::has_error;
using compat::passphrase;
using compat::Reference;
using kloset::Repository;
using ops::testing::describe;
using ops::testing::MemorySide;
using ops::testing::RecordingObserver;
using testing::TempDir;

// A store on disk that is open.
struct Side {
  std::unique_ptr<kloset::Store> store;
  std::unique_ptr<Repository> repository;
};

Side open(const std::filesystem::path& path, std::string_view secret = passphrase) {
  Side side;
  side.store = path.extension() == ".ptar"
                   ? connectors::make_archive_store(system_env(), path.string(), {}, {})
                   : connectors::make_fs_store(system_env(), path.string(), {});
  auto repository = Repository::open(*side.store, system_env(),
                                     [&]() -> Result<Secret> { return Secret(secret); }, {});
  REQUIRE(repository);
  side.repository = *std::move(repository);
  REQUIRE(side.repository->refresh());
  return side;
}

void create(const std::string& path, const ops::testing::SideParams& params) {
  const Secret secret(passphrase);
  const auto store = connectors::make_fs_store(system_env(), path, {});
  REQUIRE(Repository::create(*store, ops::testing::make_config(params),
                             params.encrypted ? &secret : nullptr, ops::testing::cheap_kdf(),
                             system_env()));
}

SnapshotId back_up(const std::string& path, const std::string& tree) {
  const Side side = open(path);
  const auto source = connectors::make_fs_source(system_env(), {.root = tree, .origin = "host"},
                                                 connectors::system_owner_names(), {});
  RecordingObserver observer;
  const auto report = ops::backup(*side.repository, *source, {.hostname = "h"}, observer, {});
  REQUIRE(report);
  CHECK(report->errors == 0);
  return report->id;
}

void sync_all(Repository& source, Repository& target) {
  RecordingObserver observer;
  const auto ids = source.index().snapshots();
  const auto report = ops::sync(source, target, ids, {}, observer, {});
  REQUIRE(report);
  CHECK(report->copied == ids.size());
  CHECK(observer.why.empty());
}

struct NoDamage final : ops::CheckObserver {
  void checked(const SnapshotId&, std::string_view) override {}
  void damaged(const ops::Damage& damage) override { FAIL_CHECK(damage.where, ": ", damage.what); }
};

void check_sound(Repository& repository) {
  NoDamage observer;
  REQUIRE(ops::check(repository, {}, observer, {}));
}

void make_tree(const std::filesystem::path& tree) {
  compat::make_tree(tree);
  const std::string file = (tree / "many/file3").string();
  static_cast<void>(::setxattr(file.c_str(), "user.note", "kept", 4, 0));
}

}  // namespace

TEST_SUITE("sync with genuine stores") {
  TEST_CASE("snapshots of genuine stores and archives arrive as they are, in any store") {
    const std::vector<ops::testing::SideParams> targets{
        {}, {.encrypted = true, .hashing = "SHA256", .compression = "ZSTD", .small_chunks = true}};
    for (const char* golden :
         {"plain", "nocomp", "sha256", "multi", "enc", "plain.ptar", "enc.ptar"}) {
      CAPTURE(golden);
      const Side source = open(testing::golden_stores() / golden, testing::golden_passphrase);
      for (const auto& params : targets) {
        CAPTURE(params.text());
        MemorySide target(params);
        sync_all(*source.repository, *target.repository);
        for (const SnapshotId& id : source.repository->index().snapshots()) {
          CHECK(describe(*target.repository, id) == describe(*source.repository, id));
        }
        check_sound(*target.repository);
      }
    }
  }

  TEST_CASE("genuine Plakar reads, checks, restores and extends what we copied, and copies ours") {
    const char* program = std::getenv("PLAKAR_REFERENCE");
    if (program == nullptr) {
      MESSAGE("PLAKAR_REFERENCE names no genuine plakar: only golden stores were tried");
      return;
    }
    Reference reference(program);
    const TempDir directory;
    const std::string tree = directory / "tree";
    make_tree(tree);
    const std::string ours = directory / "ours";
    const std::string theirs = directory / "theirs";
    const std::string copy = directory / "copy";
    create(ours, {});
    create(copy, {.encrypted = true, .hashing = "SHA256", .compression = "GZIP"});
    REQUIRE(reference.at(theirs, {"create", "-plaintext", "-no-compression"}).code == 0);
    const SnapshotId made = back_up(ours, tree);

    // Ours, copied by it.
    const auto synced = reference.at(ours, {"sync", "to", theirs});
    CAPTURE(synced.text);
    CHECK(synced.text.find("1 snapshots synchronized") != std::string::npos);
    CHECK_FALSE(has_error(synced.text));
    const auto wanted = describe(*open(ours).repository, made);
    CHECK(describe(*open(theirs).repository, made) == wanted);

    // What it backed up and copied, copied by us: with its own snapshot there are two.
    REQUIRE(reference.at(theirs, {"backup", tree}).code == 0);
    {
      const Side source = open(theirs);
      const Side target = open(copy);
      sync_all(*source.repository, *target.repository);
      check_sound(*target.repository);
      for (const SnapshotId& id : source.repository->index().snapshots()) {
        CHECK(describe(*target.repository, id) == describe(*source.repository, id));
      }
      CHECK(describe(*target.repository, made) == wanted);
    }
    const auto listed = reference.at(copy, {"ls"});
    CHECK(listed.text.find(made.short_hex()) != std::string::npos);
    const auto checked = reference.at(copy, {"check"});
    CAPTURE(checked.text);
    CHECK(checked.code == 0);
    CHECK_FALSE(has_error(checked.text));
    const auto restored =
        reference.at(copy, {"restore", "-to", directory / "restored", made.short_hex()});
    CHECK(restored.code == 0);
    for (auto [path, content] : files_of(tree)) {
      if (path == "hard" || path == "hello.txt") continue;  // It restores one of the two names.
      CAPTURE(path);
      CHECK(files_of(directory / "restored")[path] == content);
    }

    // It goes on from our copies, which takes entries that it would have written itself.
    compat::write(directory.path() / "tree/many/file7", "changed");
    const auto extended = reference.at(copy, {"backup", tree});
    CAPTURE(extended.text);
    CHECK(extended.code == 0);
    const auto checked_again = reference.at(copy, {"check"});
    CAPTURE(checked_again.text);
    CHECK(checked_again.code == 0);
    CHECK_FALSE(has_error(checked_again.text));

    // And back, by either.
    const auto back = reference.at(ours, {"sync", "from", theirs});
    CHECK(back.text.find("1 snapshots synchronized") != std::string::npos);
    {
      const Side source = open(copy);
      const Side target = open(ours);
      RecordingObserver observer;
      const auto report = ops::sync(*source.repository, *target.repository,
                                    source.repository->index().snapshots(), {}, observer, {});
      REQUIRE(report);
      CHECK(report->copied == 1);
      CHECK(report->present == 2);
      CHECK(target.repository->index().snapshots().size() == 3);
      check_sound(*target.repository);
    }
    const auto last = reference.at(ours, {"check"});
    CAPTURE(last.text);
    CHECK(last.code == 0);
    CHECK_FALSE(has_error(last.text));
  }

  TEST_CASE("a snapshot that was removed and copied again is there once for genuine Plakar too") {
    const char* program = std::getenv("PLAKAR_REFERENCE");
    if (program == nullptr) {
      MESSAGE("PLAKAR_REFERENCE names no genuine plakar: not tried");
      return;
    }
    Reference reference(program);
    const TempDir directory;
    compat::write(directory.path() / "tree/file", "content");
    create(directory / "from", {});
    create(directory / "to", {});
    const SnapshotId made = back_up(directory / "from", directory / "tree");
    const auto copy = [&](bool bring_back) {
      const Side source = open(directory / "from");
      const Side target = open(directory / "to");
      RecordingObserver observer;
      const auto report = ops::sync(*source.repository, *target.repository, std::array{made},
                                    {.bring_back = bring_back}, observer, {});
      REQUIRE(report);
      return report->copied;
    };
    CHECK(copy(false) == 1);
    // Each time, since the order in which states are merged where nothing is cached depends on
    // what they are called.
    SnapshotId there = made;
    for (int round = 0; round < 8; ++round) {
      CAPTURE(round);
      CHECK(reference.at(directory / "to", {"rm", "-apply", there.short_hex()}).code == 0);
      CHECK(copy(false) == 0);
      CHECK(copy(true) == 1);
      CHECK(copy(true) == 0);
      const auto ours = open(directory / "to").repository->index().snapshots();
      REQUIRE(ours.size() == 1);
      CHECK(ours[0] != there);
      there = ours[0];
      const std::string listed = reference.at(directory / "to", {"ls"}).text;
      CAPTURE(listed);
      const std::size_t place = listed.find(there.short_hex());
      REQUIRE(place != std::string::npos);
      CHECK(listed.find(there.short_hex(), place + 1) == std::string::npos);
      CHECK(listed.find(made.short_hex()) == std::string::npos);
    }
    const auto checked = reference.at(directory / "to", {"check"});
    CHECK(checked.code == 0);
    CHECK_FALSE(has_error(checked.text));
  }
}

}  // namespace plakar
