#include "core/ops/remove.h"

#include <doctest/doctest.h>

#include <vector>

#include "core/kloset/testing/faulty_store.h"
#include "core/kloset/testing/memory_source.h"
#include "core/kloset/testing/memory_store.h"
#include "core/ops/backup.h"

namespace plakar {
namespace {

using kloset::Repository;
using kloset::testing::MemoryPlace;
using kloset::testing::MemoryStore;

struct Noted final : ops::RemoveObserver {
  void removed(const SnapshotId& id) override { removed_ids.push_back(id); }
  void failed(const SnapshotId& id, std::string_view) override { failed_ids.push_back(id); }
  std::vector<SnapshotId> removed_ids;
  std::vector<SnapshotId> failed_ids;
};

struct SilentBackup final : ops::BackupObserver {
  void stored(const kloset::Record&, std::uint64_t, bool) override {}
  void failed(std::string_view, std::string_view) override {}
};

std::unique_ptr<Repository> open(kloset::Store& store) {
  auto repository =
      Repository::open(store, system_env(), []() -> Result<Secret> { return Secret(); }, {});
  REQUIRE(repository);
  REQUIRE((*repository)->refresh());
  return *std::move(repository);
}

SnapshotId back_up(kloset::Store& store, std::string_view content) {
  const auto repository = open(store);
  kloset::testing::MemoryTree tree;
  tree.add_file("/file", content);
  kloset::testing::MemorySource source(tree);
  SilentBackup observer;
  const auto report = ops::backup(*repository, source, {.hostname = "h"}, observer, {});
  REQUIRE(report);
  return report->id;
}

void create(kloset::Store& store) {
  REQUIRE(Repository::create(store, kloset::default_config(), nullptr, {}, system_env()));
}

}  // namespace

TEST_SUITE("remove") {
  TEST_CASE("removed snapshots are gone for everybody, and the others stay") {
    MemoryPlace place;
    MemoryStore store(place);
    create(store);
    const SnapshotId first = back_up(store, "one");
    const SnapshotId second = back_up(store, "two");
    const SnapshotId third = back_up(store, "three");
    Noted observer;
    // This one was opened before, and does not know the third yet.
    const auto stale = open(store);
    const auto report =
        ops::remove_snapshots(*open(store), std::vector{first, third}, observer, {});
    REQUIRE(report);
    CHECK(report->removed == 2);
    CHECK(report->failed == 0);
    CHECK(observer.removed_ids == std::vector{first, third});
    CHECK(open(store)->index().snapshots() == std::vector{second});
    REQUIRE(stale->refresh());
    CHECK(stale->index().snapshots() == std::vector{second});
  }

  TEST_CASE("what is not there is reported, and does not keep the others from being removed") {
    MemoryPlace place;
    MemoryStore store(place);
    create(store);
    const SnapshotId first = back_up(store, "one");
    const auto unknown = SnapshotId::random(system_random());
    Noted observer;
    const auto report =
        ops::remove_snapshots(*open(store), std::vector{unknown, first, first}, observer, {});
    REQUIRE(report);
    CHECK(report->removed == 1);
    CHECK(report->failed == 1);
    CHECK(observer.failed_ids == std::vector{unknown});

    const std::size_t items = place.items.size();
    const auto again = ops::remove_snapshots(*open(store), std::vector{first}, observer, {});
    REQUIRE(again);
    CHECK(again->removed == 0);
    CHECK(again->failed == 1);
    CHECK(place.items.size() == items);  // nothing to say, no state
  }

  TEST_CASE("when the store fails no snapshot is removed and none is reported so") {
    for (std::uint64_t nth = 1;; ++nth) {
      CAPTURE(nth);
      MemoryPlace place;
      MemoryStore sound(place);
      create(sound);
      const SnapshotId first = back_up(sound, "one");
      kloset::testing::FaultyStore store(
          sound, kloset::testing::StoreFault{.nth = nth, .call = {}, .kind = {}});
      Noted observer;
      const auto repository =
          Repository::open(store, system_env(), []() -> Result<Secret> { return Secret(); }, {});
      if (!repository) continue;
      const auto report = ops::remove_snapshots(**repository, std::vector{first}, observer, {});
      CHECK(observer.removed_ids.empty() == !report.has_value());
      CHECK(open(sound)->index().snapshots().empty() == report.has_value());
      if (!store.fired()) {
        REQUIRE(report);
        break;
      }
    }
  }

  TEST_CASE("a cancel before the state is written removes nothing") {
    MemoryPlace place;
    MemoryStore store(place);
    create(store);
    const SnapshotId first = back_up(store, "one");
    const flow::CancelSource cancel;
    cancel.cancel("test");
    Noted observer;
    const auto report =
        ops::remove_snapshots(*open(store), std::vector{first}, observer, cancel.token());
    CHECK(report.error().code() == Errc::cancelled);
    CHECK(open(store)->index().snapshots().size() == 1);
  }
}

}  // namespace plakar
