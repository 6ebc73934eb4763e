#include "core/ops/sync.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>

#include "core/kloset/repository/lock.h"
#include "core/kloset/snapshot/snapshot_reader.h"
#include "core/kloset/state/delta.h"
#include "core/kloset/testing/faulty_store.h"
#include "core/ops/check.h"
#include "core/ops/testing/memory_side.h"

namespace plakar::ops {
namespace {

using kloset::ItemKind;
using kloset::Repository;
using kloset::ResourceType;
using testing::describe;
using testing::make_tree;
using testing::MemorySide;
using testing::RecordingObserver;
using testing::SideParams;

Result<SyncReport> run_sync(Repository& source, Repository& target,
                            std::vector<SnapshotId> snapshots, RecordingObserver& observer,
                            const SyncOptions& options = {}) {
  return sync(source, target, snapshots, options, observer, {});
}

struct NoDamage final : CheckObserver {
  void checked(const SnapshotId&, std::string_view) override {}
  void damaged(const Damage& damage) override { FAIL_CHECK(damage.where, ": ", damage.what); }
};

void check_sound(Repository& repository) {
  NoDamage observer;
  const auto report = check(repository, {}, observer, {});
  REQUIRE(report);
  CHECK(report->sound());
}

// Flips a bit in the middle of the chunk that this is the content of.
void damage_chunk(MemorySide& side, std::string_view content) {
  const auto location = side.repository->index().find(
      ResourceType::chunk, side.repository->mac().compute(as_bytes(content)));
  REQUIRE(location);
  side.place.items.at({ItemKind::packfile, kloset::item_name(location->packfile)})
      .at(16 + location->offset + location->length / 2) ^= std::byte{1};
}

void remove_snapshot(Repository& repository, const SnapshotId& id) {
  kloset::StateWriter removal(repository.index().last_state());
  removal.add(kloset::ColouredEntry{
      .type = ResourceType::snapshot, .mac = Mac{.bytes = id.bytes}, .time_ns = 1});
  REQUIRE(repository.publish_state(kloset::StateId::random(system_env().random),
                                   std::move(removal).finish(1)));
}

std::size_t count(const MemorySide& side, ItemKind kind) {
  return static_cast<std::size_t>(
      std::count_if(side.place.items.begin(), side.place.items.end(),
                    [&](const auto& item) { return item.first.first == kind; }));
}

}  // namespace

TEST_SUITE("sync") {
  TEST_CASE("between any two kinds of stores, the same snapshot is on both sides") {
    std::vector<SideParams> all;
    for (const bool encrypted : {false, true}) {
      for (const char* hashing : {"BLAKE3", "SHA256"}) {
        for (const char* compression : {"LZ4", "", "GZIP", "ZSTD"}) {
          all.push_back({.encrypted = encrypted, .hashing = hashing, .compression = compression});
        }
      }
    }
    all.push_back({.small_chunks = true});
    all.push_back({.encrypted = true, .hashing = "SHA256", .small_chunks = true});
    for (const SideParams& from : all) {
      MemorySide source(from);
      const auto made =
          source.back_up(make_tree(), {.name = "a name",
                                       .category = "c",
                                       .tags = {"one", "two"},
                                       .context = {{.key = "Hostname", .value = "h"}}});
      CHECK(made.errors == 1);
      const auto wanted = describe(*source.repository, made.id);
      for (const SideParams& to : all) {
        CAPTURE(from.text());
        CAPTURE(to.text());
        MemorySide target(to);
        RecordingObserver observer;
        const auto report = run_sync(*source.repository, *target.repository, {made.id}, observer);
        REQUIRE(report);
        CHECK(report->copied == 1);
        CHECK(report->errors == 0);
        CHECK(observer.failures.empty());
        const auto reopened = target.reopen();
        CHECK(describe(*reopened, made.id) == wanted);
        CHECK(count(target, ItemKind::lock) == 0);
      }
    }
  }

  TEST_CASE("a copy is sound, and what a backup of the same tree would have stored") {
    MemorySide source({.encrypted = true, .hashing = "SHA256"});
    MemorySide cut_otherwise({.small_chunks = true});
    MemorySide target;
    const auto made = source.back_up(make_tree());
    const auto other = cut_otherwise.back_up(make_tree(7));
    RecordingObserver observer;
    REQUIRE(run_sync(*source.repository, *target.repository, {made.id}, observer));
    REQUIRE(run_sync(*cut_otherwise.repository, *target.repository, {other.id}, observer));
    check_sound(*target.repository);
    for (const int change : {0, 7}) {
      const auto again = target.back_up(make_tree(change), {.use_parent = false});
      CHECK(again.stored.blobs_new == 0);
      CHECK(again.stored.blobs_known > 0);
    }
  }

  TEST_CASE("what the target has is not copied again") {
    MemorySide source;
    MemorySide target({.encrypted = true});
    const auto made = source.back_up(make_tree());
    RecordingObserver observer;
    REQUIRE(run_sync(*source.repository, *target.repository, {made.id}, observer));
    const std::size_t states = count(target, ItemKind::state);
    const auto again =
        run_sync(*source.repository, *target.repository, {made.id, made.id}, observer);
    REQUIRE(again);
    CHECK(again->copied == 0);
    CHECK(again->present == 2);
    CHECK(observer.started_count == 1);
    CHECK(count(target, ItemKind::state) == states);
    // Named twice, copied once.
    const auto second = source.back_up(make_tree(1));
    const auto twice =
        run_sync(*source.repository, *target.repository, {second.id, second.id}, observer);
    REQUIRE(twice);
    CHECK(twice->copied == 1);
  }

  TEST_CASE("of a later snapshot only what changed is read, under other keys as well") {
    MemorySide source;
    MemorySide target({.encrypted = true, .hashing = "SHA256", .small_chunks = true});
    const auto first = source.back_up(make_tree(1));
    const auto second = source.back_up(make_tree(2));
    RecordingObserver observer;
    REQUIRE(run_sync(*source.repository, *target.repository, {first.id}, observer));
    CHECK(observer.last.bytes_read > 150'000);
    observer.read.clear();
    // By somebody who knows nothing of the sync before.
    const auto here = source.reopen();
    const auto there = target.reopen();
    REQUIRE(run_sync(*here, *there, {second.id}, observer));
    CHECK(observer.last.bytes_read == 8);
    CHECK(observer.last.files_known > 60);
    CHECK(observer.read.at("/data/deep/er/changing") == 8);
    CHECK(describe(*there, second.id) == describe(*here, second.id));
    check_sound(*there);
  }

  TEST_CASE("a content that is there twice is read once, also when neither path is known") {
    MemorySide source;
    MemorySide target({.hashing = "SHA256"});
    kloset::testing::MemoryTree tree;
    tree.add_directory("/");
    for (int i = 0; i < 200; ++i) tree.add_file("/f" + std::to_string(i), "the same for all");
    const auto made = source.back_up(tree);
    RecordingObserver observer;
    REQUIRE(run_sync(*source.repository, *target.repository, {made.id}, observer, {.threads = 1}));
    CHECK(observer.last.files_known == 199);
    CHECK(describe(*target.repository, made.id) == describe(*source.repository, made.id));
  }

  TEST_CASE("a store is not synchronized with itself, nor with a copy of itself") {
    MemorySide source;
    const auto made = source.back_up(make_tree());
    RecordingObserver observer;
    const auto itself = run_sync(*source.repository, *source.repository, {made.id}, observer);
    REQUIRE_FALSE(itself);
    CHECK(itself.error().code() == Errc::invalid_argument);
    kloset::testing::MemoryPlace place;
    place.config = source.place.config;
    kloset::testing::MemoryStore store(place);
    const auto copy = testing::open_side(store);
    REQUIRE(copy);
    CHECK_FALSE(run_sync(*source.repository, **copy, {made.id}, observer));
    CHECK(place.items.empty());
  }

  TEST_CASE("a snapshot that the source cannot read whole is not copied, and the others are") {
    MemorySide source;
    MemorySide target;
    const auto damaged = source.back_up(make_tree(1));
    const auto sound = source.back_up(make_tree(2));
    damage_chunk(source, "change 1");
    RecordingObserver observer;
    const auto report =
        run_sync(*source.repository, *target.repository, {damaged.id, sound.id}, observer);
    REQUIRE(report);
    CHECK(report->failed == 1);
    CHECK(report->copied == 1);
    CHECK(observer.failures.contains("/data/deep/er/changing"));
    CHECK(observer.why.find("/data/deep/er/changing") != std::string::npos);
    CHECK(target.reopen()->index().snapshots() == std::vector{sound.id});
    check_sound(*target.reopen());

    MemorySide strict;
    const auto stopped = run_sync(*source.repository, *strict.repository, {damaged.id, sound.id},
                                  observer, {.strict = true});
    CHECK_FALSE(stopped);
    CHECK(strict.reopen()->index().snapshots().empty());
    CHECK(count(strict, ItemKind::lock) == 0);
  }

  TEST_CASE("where asked, damage is recorded as an error of its path, and the rest is copied") {
    MemorySide source;
    MemorySide target({.encrypted = true});
    const auto made = source.back_up(make_tree(1));
    damage_chunk(source, "change 1");
    damage_chunk(source, "content 7");
    RecordingObserver observer;
    const auto report = run_sync(*source.repository, *target.repository, {made.id}, observer,
                                 {.damage = SourceDamage::record});
    REQUIRE(report);
    CHECK(report->copied == 1);
    CHECK(report->errors == 2);
    const auto found = describe(*target.repository, made.id);
    CHECK(found.contains("error /data/deep/er/changing"));
    CHECK(found.contains("error /data/deep/er/file7"));
    CHECK_FALSE(found.contains("entry /data/deep/er/file7"));
    CHECK(found.contains("content /data/deep/er/file8"));
    CHECK(found.contains("error /data/secret"));
    check_sound(*target.repository);
  }

  TEST_CASE("any flipped byte of the source makes the copy whole, or no copy") {
    MemorySide source;
    kloset::testing::MemoryTree tree;
    tree.add_directory("/");
    tree.add_directory("/d");
    tree.add_file("/d/one", "content of one");
    tree.entries.back().record.attributes = {{.name = "user.a", .value = to_bytes("value")}};
    tree.add_file("/d/two", std::string(3000, 'x'));
    auto& failed = tree.entries.emplace_back();
    failed.record.kind = kloset::RecordKind::error;
    failed.record.path = "/d/three";
    failed.record.error = "denied";
    const auto made = source.back_up(tree);
    const auto wanted = describe(*source.repository, made.id);
    std::size_t refused = 0;
    for (auto& [key, item] : source.place.items) {
      if (key.first != ItemKind::packfile) continue;
      // Padding fills the end.
      const std::size_t end = std::min<std::size_t>(item.size(), 6000);
      for (std::size_t at = 16; at < end; at += 7) {
        item[at] ^= std::byte{0x10};
        MemorySide target;
        RecordingObserver observer;
        const auto report =
            run_sync(*source.repository, *target.repository, {made.id}, observer, {.threads = 1});
        REQUIRE(report);
        if (report->copied == 1) {
          REQUIRE(describe(*target.repository, made.id) == wanted);
        } else {
          ++refused;
          REQUIRE(target.reopen()->index().snapshots().empty());
        }
        item[at] ^= std::byte{0x10};
      }
    }
    CHECK(refused > 50);
  }

  TEST_CASE("a snapshot removed from the target stays removed, until it is to come back") {
    MemorySide source;
    MemorySide target({.hashing = "SHA256"});
    const auto made = source.back_up(make_tree());
    RecordingObserver observer;
    REQUIRE(run_sync(*source.repository, *target.repository, {made.id}, observer));
    remove_snapshot(*target.repository, made.id);
    const auto kept = run_sync(*source.repository, *target.repository, {made.id}, observer);
    REQUIRE(kept);
    CHECK(kept->removed == 1);
    CHECK(kept->copied == 0);
    const auto back =
        run_sync(*source.repository, *target.repository, {made.id}, observer, {.bring_back = true});
    REQUIRE(back);
    CHECK(back->copied == 1);
    const SnapshotId first = observer.last.target_id;
    CHECK(first != made.id);
    CHECK(observer.last.id == made.id);
    const auto reopened = target.reopen();
    CHECK(reopened->index().snapshots() == std::vector{first});
    auto copy = describe(*reopened, first);
    auto original = describe(*source.repository, made.id);
    CHECK(copy.at("header") != original.at("header"));
    copy.erase("header");
    original.erase("header");
    CHECK(copy == original);
    check_sound(*reopened);

    // It is there, and not copied each time; removed too, it gets a third name.
    const auto again =
        run_sync(*source.repository, *target.repository, {made.id}, observer, {.bring_back = true});
    REQUIRE(again);
    CHECK(again->present == 1);
    remove_snapshot(*target.repository, first);
    REQUIRE(run_sync(*source.repository, *target.repository, {made.id}, observer,
                     {.bring_back = true}));
    CHECK(observer.last.target_id != first);
    CHECK(target.reopen()->index().snapshots() == std::vector{observer.last.target_id});
  }

  TEST_CASE("maintenance in progress keeps a sync out, and nothing is read or written") {
    MemorySide source;
    MemorySide target;
    const auto made = source.back_up(make_tree());
    const auto lock = kloset::RepositoryLock::acquire(
        target.store, target.repository->config(), target.repository->keys(), system_env(),
        {.id = kloset::LockId::random(system_env().random),
         .mode = kloset::LockMode::exclusive,
         .hostname = "somebody"});
    REQUIRE(lock);
    RecordingObserver observer;
    const auto report = run_sync(*source.repository, *target.repository, {made.id}, observer);
    REQUIRE_FALSE(report);
    CHECK(report.error().code() == Errc::conflict);
    CHECK(observer.started_count == 0);
    CHECK(count(target, ItemKind::packfile) == 0);
    CHECK(count(target, ItemKind::lock) == 1);
  }

  TEST_CASE(
      "whichever call of the target fails, the target is sound and only whole copies are in it") {
    MemorySide source;
    const auto first = source.back_up(make_tree(1));
    const auto second = source.back_up(make_tree(2));
    const auto wanted = describe(*source.repository, first.id);
    for (std::uint64_t nth = 1;; ++nth) {
      CAPTURE(nth);
      MemorySide target({.encrypted = true});
      kloset::testing::FaultyStore faulty(target.store, kloset::testing::StoreFault{.nth = nth});
      RecordingObserver observer;
      const auto attempt = [&]() -> Result<SyncReport> {
        const auto repository = PLK_TRY(testing::open_side(faulty));
        return run_sync(*source.repository, *repository, {first.id, second.id}, observer,
                        {.threads = 1});
      };
      const auto report = attempt();
      const auto after = target.reopen();
      for (const SnapshotId& id : after->index().snapshots()) {
        if (id == first.id) CHECK(describe(*after, id) == wanted);
      }
      if (!faulty.fired()) {
        REQUIRE(report);
        CHECK(report->copied == 2);
        break;
      }
      // A lock that could not be deleted is the one thing that fails after the fact.
      if (!report) CHECK(report.error().code() == Errc::io);
      if (nth % 7 == 0) check_sound(*after);
    }
  }

  TEST_CASE("a cancelled sync ends with what was finished, and without its lock") {
    MemorySide source;
    MemorySide target;
    const auto first = source.back_up(make_tree(1));
    const auto second = source.back_up(make_tree(2));
    flow::CancelSource cancel;
    struct Canceller final : SyncObserver {
      explicit Canceller(flow::CancelSource& source) : cancel(source) {}
      void started(const SnapshotId&) override { ++count; }
      void stored(const SnapshotId&, std::string_view, std::uint64_t, bool) override {
        if (count == 2) cancel.cancel("interrupted");
      }
      void failed(const SnapshotId&, std::string_view path, std::string_view) override {
        FAIL_CHECK("a cancel is nobody's failure: ", path);
      }
      void finished(const SyncedSnapshot&) override {}
      void given_up(const SnapshotId&, const Error&) override {}
      flow::CancelSource& cancel;
      int count = 0;
    };
    Canceller observer(cancel);
    const std::array ids{first.id, second.id};
    const auto report =
        sync(*source.repository, *target.repository, ids, {}, observer, cancel.token());
    REQUIRE_FALSE(report);
    CHECK(report.error().code() == Errc::cancelled);
    const auto after = target.reopen();
    CHECK(after->index().snapshots() == std::vector{first.id});
    CHECK(count(target, ItemKind::lock) == 0);
    check_sound(*after);
  }

  TEST_CASE("an entry that names an attribute the source never had is copied as it is") {
    MemorySide source;
    MemorySide target;
    kloset::testing::MemoryTree tree;
    tree.add_directory("/");
    tree.add_file("/file", "content");
    auto& xattr = tree.entries.emplace_back();
    xattr.record.kind = kloset::RecordKind::xattr;
    xattr.record.path = "/file";
    xattr.record.xattr_name = "user.unnamed";
    xattr.content = to_bytes("a large value");
    const auto made = source.back_up(tree);
    RecordingObserver observer;
    REQUIRE(run_sync(*source.repository, *target.repository, {made.id}, observer));
    // No entry names it, and it is there all the same.
    auto snapshot = kloset::SnapshotReader::open(*target.repository, made.id);
    REQUIRE(snapshot);
    auto tree_reader =
        kloset::TreeReader::open(*target.repository, ResourceType::xattr_root,
                                 snapshot->header().source().roots.xattrs, kloset::KeyOrder::path);
    REQUIRE(tree_reader);
    CHECK(tree_reader->find("/fileuser.unnamed:").value().has_value());
  }
}

}  // namespace plakar::ops
