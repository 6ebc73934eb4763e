// Maintenance on media that fail and next to others at work: whatever happens, what was
// acknowledged is whole, and a later run comes to the end that this one would have.
#include "core/ops/maintenance.h"

#include <doctest/doctest.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "core/kloset/testing/faulty_store.h"
#include "tests/faults/memory_machine.h"
#include "tests/faults/sample.h"

namespace plakar {
namespace {

using namespace testing;
using kloset::testing::FaultyStore;
using kloset::testing::StoreFault;
using kloset::testing::StoreFaultEffect;

Result<std::unique_ptr<Repository>> open_at(kloset::Store& store, Env env) {
  return Repository::open(store, env, []() -> Result<Secret> { return Secret(); }, {});
}

// A store with something for each step of maintenance to do.
struct Prepared : MemoryMachine {
  std::map<SnapshotId, Files> snapshots;

  Prepared() {
    const Files all = some_files(1, 40);
    const SnapshotId gone = back_up(all);
    const Files few(all.begin(), std::next(all.begin(), 4));
    snapshots[back_up(few)] = few;
    snapshots[back_up(some_files(2))] = some_files(2);
    const SnapshotId whole = back_up(some_files(3));
    remove(gone);
    remove(whole);
  }

  void require_kept() {
    require_sound();
    const std::vector<SnapshotId> ids = open()->index().snapshots();
    REQUIRE(ids.size() == snapshots.size());
    for (const auto& [id, files] : snapshots) REQUIRE(read(id) == files);
  }
};

}  // namespace

TEST_SUITE("maintenance, when the store fails") {
  TEST_CASE("any call that fails, or is done and said to have failed, costs nothing") {
    const std::uint64_t seed = test_seed();
    CAPTURE(seed);
    SeededRandom choice(seed);
    const std::uint64_t one_of = sample_of(4);
    for (const StoreFaultEffect effect : {StoreFaultEffect::fails, StoreFaultEffect::is_done}) {
      bool fired = true;
      for (std::uint64_t nth = 1 + choice.below(one_of); fired;
           nth += 1 + choice.below(2 * one_of - 1)) {
        CAPTURE(nth);
        CAPTURE(static_cast<int>(effect));
        Prepared machine;
        FaultyStore faulty(machine.store,
                           StoreFault{.nth = nth, .call = {}, .kind = {}, .effect = effect});
        Noted noted;
        const auto repository = open_at(faulty, machine.env);
        Result<ops::MaintenanceReport> report = Error(Errc::io, "not opened");
        if (repository) report = ops::maintenance(**repository, everything, noted, {});
        fired = faulty.fired();
        REQUIRE((report || fired));
        machine.require_kept();
        // What is left undone is found and done. Copies that nobody got to know of are younger
        // than nothing at all, with this grace.
        std::erase_if(machine.place.items,
                      [](const auto& item) { return item.first.first == ItemKind::lock; });
        machine.maintain(everything);
        machine.require_kept();
        CHECK(machine.count(ItemKind::packfile) <= 4);
        CHECK(machine.size() < 1'000'000);
        CHECK(machine.count(ItemKind::lock) == 0);
      }
    }
  }

  TEST_CASE("a listing that lags behind makes nobody lose what it does not show") {
    Prepared machine;
    FaultyStore lagging(machine.store);
    lagging.lag_behind();
    // Through the one that lags: it does not list what was written since.
    const auto repository = open_at(lagging, machine.env);
    REQUIRE(repository);
    MemoryTree tree;
    tree.add_file("/late", noise(77, 9000));
    kloset::testing::MemorySource source(tree);
    SilentBackup observer;
    const auto late = ops::backup(**repository, source, {.hostname = "h"}, observer, {});
    REQUIRE(late);
    Noted noted;
    REQUIRE(ops::maintenance(**repository, everything, noted, {}));
    lagging.catch_up();
    machine.snapshots[late->id] = {{"/late", noise(77, 9000)}};
    machine.require_kept();
  }
}

TEST_SUITE("maintenance, next to others") {
  TEST_CASE("backups, removals and maintenance at once lose no snapshot") {
    MemoryPlace place;
    {
      MemoryStore store(place);
      REQUIRE(Repository::create(store, kloset::default_config(), nullptr, {}, system_env()));
    }
    constexpr int writers = 2;
    constexpr unsigned backups_each = 12;
    std::mutex mutex;
    std::map<SnapshotId, Files> kept;  // these two guarded by mutex
    std::vector<std::string> failures;
    std::atomic<int> writing = writers;
    std::atomic<int> maintained = 0;
    const auto note = [&](const std::string& who, const Error& error) {
      // Who finds the store locked comes again later.
      if (error.code() == Errc::conflict) return;
      const std::lock_guard guard(mutex);
      failures.push_back(who + ": " + error.message());
    };
    const auto write = [&](unsigned number) {
      for (unsigned i = 0; i < backups_each;) {
        // Both write some of the same, and of what was removed before.
        Files files{{"/shared", noise(i % 4, 20'000)},
                    {"/own" + std::to_string(number), noise(100 + number * 50 + i, 5'000)}};
        MemoryTree tree;
        tree.identity.root = "/" + std::to_string(number);
        for (const auto& [path, content] : files) tree.add_file(path, content);
        for (auto& entry : tree.entries) entry.record.mod_time.seconds += i;
        MemoryStore store(place);
        const auto repository = open_at(store, system_env());
        if (!repository) {
          note("open", repository.error());
          continue;
        }
        kloset::testing::MemorySource source(std::move(tree));
        SilentBackup observer;
        const auto report =
            ops::backup(**repository, source, {.hostname = "h", .threads = 1}, observer, {});
        if (!report) {
          note("backup", report.error());
          std::this_thread::yield();
          continue;
        }
        {
          const std::lock_guard guard(mutex);
          kept[report->id] = std::move(files);
        }
        // Those who back up all the time would keep maintenance out for good.
        const int seen = maintained;
        ++i;
        while (i % 3 == 0 && maintained == seen) std::this_thread::yield();
      }
      --writing;
    };
    const auto remove = [&] {
      while (writing > 0) {
        std::optional<SnapshotId> id;
        {
          const std::lock_guard guard(mutex);
          if (kept.size() > 6) {
            id = kept.begin()->first;
            kept.erase(kept.begin());
          }
        }
        if (!id) {
          std::this_thread::yield();
          continue;
        }
        MemoryStore store(place);
        const auto repository = open_at(store, system_env());
        SilentRemove observer;
        const auto report =
            repository ? ops::remove_snapshots(**repository, std::vector{*id}, observer, {})
                       : Result<ops::RemoveReport>(repository.error());
        if (!report) note("remove", report.error());
      }
    };
    const auto maintain = [&] {
      while (writing > 0 || maintained == 0) {
        MemoryStore store(place);
        const auto repository = open_at(store, system_env());
        Noted noted;
        const auto report = repository ? ops::maintenance(**repository, everything, noted, {})
                                       : Result<ops::MaintenanceReport>(repository.error());
        if (report) {
          ++maintained;
        } else {
          note("maintenance", report.error());
        }
        std::this_thread::yield();
      }
    };
    {
      std::vector<std::jthread> threads;
      for (unsigned number = 0; number < writers; ++number) threads.emplace_back(write, number);
      threads.emplace_back(remove);
      threads.emplace_back(maintain);
    }
    CHECK(failures == std::vector<std::string>());
    CHECK(maintained >= 4);
    MESSAGE("maintained: ", maintained.load());

    MemoryStore store(place);
    const auto repository = open_at(store, system_env());
    REQUIRE(repository);
    REQUIRE((*repository)->refresh());
    Damages damages;
    REQUIRE(ops::check(**repository, {}, damages, {}));
    CHECK(damages.found == std::vector<std::string>());
    for (const auto& [id, files] : kept) CHECK(read_files(**repository, id) == files);
    CHECK((*repository)->index().snapshots().size() == kept.size());
  }
}

TEST_SUITE("operations in any order") {
  TEST_CASE("after any sequence of them the snapshots are those of the model, and whole") {
    const std::uint64_t seed = test_seed();
    CAPTURE(seed);
    SeededRandom choice(seed);
    const int rounds = PLK_ASAN || PLK_TSAN ? 5 : 30;
    for (int round = 0; round < rounds; ++round) {
      MemoryMachine machine;
      std::map<SnapshotId, Files> model;
      Files files = some_files(choice.next() % 1000);
      for (int step = 0; step < 25; ++step) {
        CAPTURE(round);
        CAPTURE(step);
        switch (choice.below(8)) {
          case 0:
          case 1:
          case 2: {
            // A few changes, and now and then something that was there before.
            for (std::uint64_t i = choice.below(4); i > 0; --i) {
              const std::string path = "/file" + std::to_string(choice.below(12));
              if (choice.below(4) == 0) {
                files.erase(path);
              } else {
                files[path] = noise(choice.below(30), 1 + choice.below(60'000));
              }
            }
            model[machine.back_up(files)] = files;
            break;
          }
          case 3: {
            // One that is cut off, and leaves what it leaves.
            FaultyStore faulty(machine.store, StoreFault{.nth = 3 + choice.below(30),
                                                         .call = {},
                                                         .kind = {},
                                                         .effect = StoreFaultEffect::fails,
                                                         .repeats = true});
            const auto repository = open_at(faulty, machine.env);
            if (!repository) break;
            MemoryTree tree;
            tree.add_file("/cut", noise(choice.next(), 30'000));
            kloset::testing::MemorySource source(std::move(tree));
            SilentBackup observer;
            const auto report =
                ops::backup(**repository, source, {.hostname = "h", .threads = 1}, observer, {});
            // The last call of a run gives its lock back: then the snapshot is there.
            for (const SnapshotId& id : machine.open()->index().snapshots()) {
              if (!model.contains(id)) model[id] = machine.read(id);
            }
            std::erase_if(machine.place.items,
                          [](const auto& item) { return item.first.first == ItemKind::lock; });
            break;
          }
          case 4:
          case 5: {
            if (model.empty()) break;
            auto victim = model.begin();
            std::advance(victim, choice.below(model.size()));
            machine.remove(victim->first);
            model.erase(victim);
            break;
          }
          case 6: {
            ops::MaintenanceOptions options;
            options.grace = std::chrono::hours(choice.below(3) * 24);
            options.repack = choice.coin();
            options.repack_dead_percent = static_cast<unsigned>(choice.below(100));
            options.repack_gain_min = choice.below(200'000);
            options.delete_packfiles = choice.below(4) != 0;
            machine.maintain(options);
            break;
          }
          default:
            machine.clock.advance(std::chrono::hours(choice.below(48)));
            break;
        }
        const std::vector<SnapshotId> ids = machine.open()->index().snapshots();
        REQUIRE(ids.size() == model.size());
        if (choice.below(3) == 0) machine.require_sound();
        for (const auto& [id, content] : model) {
          if (choice.coin()) REQUIRE(machine.read(id) == content);
        }
      }
      machine.maintain(everything);
      machine.require_sound();
      for (const auto& [id, content] : model) REQUIRE(machine.read(id) == content);
    }
  }
}

}  // namespace plakar
