// A store in memory, a clock that passes when it is told to, and what tests of everything that
// takes away do with them: back up, remove, maintain, look.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/testing/seeded_random.h"
#include "core/base/testing/stepped_clock.h"
#include "core/kloset/snapshot/snapshot_reader.h"
#include "core/kloset/testing/memory_source.h"
#include "core/kloset/testing/memory_store.h"
#include "core/ops/backup.h"
#include "core/ops/check.h"
#include "core/ops/maintenance.h"
#include "core/ops/remove.h"

namespace plakar::testing {

using kloset::ItemKind;
using kloset::Repository;
using kloset::testing::MemoryPlace;
using kloset::testing::MemoryStore;
using kloset::testing::MemoryTree;

using Files = std::map<std::string, std::string>;

struct SilentBackup final : ops::BackupObserver {
  void stored(const kloset::Record&, std::uint64_t, bool) override {}
  void failed(std::string_view, std::string_view) override {}
};

struct SilentRemove final : ops::RemoveObserver {
  void removed(const SnapshotId&) override {}
  void failed(const SnapshotId&, std::string_view) override {}
};

struct Damages final : ops::CheckObserver {
  void checked(const SnapshotId&, std::string_view) override {}
  void damaged(const ops::Damage& damage) override {
    found.push_back(damage.where + ": " + damage.what);
  }
  std::vector<std::string> found;
};

struct Noted final : ops::MaintenanceObserver {
  void marked(const SnapshotId&, std::uint64_t, std::uint64_t) override { ++marked_count; }
  void unreadable(const SnapshotId& id, std::string_view) override { unreadable_ids.insert(id); }
  void noticed(std::string_view where, std::string_view what) override {
    notices.push_back(std::string(where) + ": " + std::string(what));
  }
  void coloured(const PackfileMac&, ops::Colouring why) override { ++colours[why]; }
  void removed(const PackfileMac&, std::uint64_t) override { ++removed_count; }

  int marked_count = 0;
  int removed_count = 0;
  std::set<SnapshotId> unreadable_ids;
  std::vector<std::string> notices;
  std::map<ops::Colouring, int> colours;
};

// The content of every file and attribute.
inline Files read_files(Repository& repository, const SnapshotId& id) {
  auto snapshot = kloset::SnapshotReader::open(repository, id);
  REQUIRE(snapshot);
  Files files;
  REQUIRE(snapshot->walk(
      "/",
      [&](const kloset::VfsEntry& entry, const Mac&) -> Status {
        for (const auto& attribute : PLK_TRY(snapshot->attributes(entry))) {
          files[entry.path() + " " + attribute.name] = as_text(attribute.value);
        }
        if (!kloset::is_regular(entry.file_info.mode)) return {};
        files[entry.path()] =
            as_text(PLK_TRY(kloset::load_object_content(repository, entry.object, 64u << 20)));
        return {};
      },
      [](const std::string&, const Error& error) -> Status { return error; }));
  return files;
}

// A store in memory, and time that passes when it is told to.
struct MemoryMachine {
  MemoryPlace place;
  MemoryStore store{place};
  SteppedClock clock;
  SeededRandom random{11};
  Env env{.clock = clock,
          .random = random,
          .files = system_env().files,
          .processes = system_env().processes};

  MemoryMachine() {
    REQUIRE(Repository::create(store, kloset::default_config(), nullptr, {}, env));
  }

  std::unique_ptr<Repository> open() {
    auto repository = Repository::open(store, env, []() -> Result<Secret> { return Secret(); }, {});
    REQUIRE(repository);
    REQUIRE((*repository)->refresh());
    return *std::move(repository);
  }

  SnapshotId back_up(MemoryTree tree) {
    clock.advance(std::chrono::minutes(1));
    kloset::testing::MemorySource source(std::move(tree));
    SilentBackup observer;
    const auto report = ops::backup(*open(), source, {.hostname = "h", .threads = 1}, observer, {});
    REQUIRE(report);
    return report->id;
  }
  SnapshotId back_up(const Files& files) {
    MemoryTree tree;
    for (const auto& [path, content] : files) {
      tree.add_file(path, content);
      // Another content is another time, or it would be taken for unchanged.
      tree.entries.back().record.mod_time.nanoseconds =
          static_cast<std::uint32_t>(std::hash<std::string>()(content) % 1'000'000'000);
    }
    return back_up(std::move(tree));
  }

  void remove(const SnapshotId& id) {
    clock.advance(std::chrono::minutes(1));
    SilentRemove observer;
    const auto report = ops::remove_snapshots(*open(), std::vector{id}, observer, {});
    REQUIRE(report);
    REQUIRE(report->removed == 1);
  }

  Result<ops::MaintenanceReport> try_maintain(const ops::MaintenanceOptions& options = {}) {
    clock.advance(std::chrono::minutes(1));
    noted = {};
    return ops::maintenance(*open(), options, noted, {});
  }
  ops::MaintenanceReport maintain(const ops::MaintenanceOptions& options = {}) {
    auto report = try_maintain(options);
    REQUIRE(report);
    return *report;
  }

  // Everything: each MAC, each path.
  void require_sound() {
    Damages damages;
    const auto report = ops::check(*open(), {}, damages, {});
    REQUIRE(report);
    REQUIRE(damages.found == std::vector<std::string>());
  }

  Files read(const SnapshotId& id) { return read_files(*open(), id); }

  std::size_t count(ItemKind kind) const {
    return static_cast<std::size_t>(
        std::count_if(place.items.begin(), place.items.end(),
                      [kind](const auto& item) { return item.first.first == kind; }));
  }
  std::uint64_t size() const {
    std::uint64_t size = 0;
    for (const auto& [key, bytes] : place.items) {
      if (key.first == ItemKind::packfile) size += bytes.size();
    }
    return size;
  }

  void publish(const std::vector<kloset::StateEntry>& entries) {
    const auto repository = open();
    kloset::StateWriter writer(repository->index().last_state());
    for (const auto& entry : entries) writer.add(entry);
    REQUIRE(repository->publish_state(kloset::StateId::random(random),
                                      std::move(writer).finish(now_ns())));
  }
  std::int64_t now_ns() const {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(clock.wall().time_since_epoch())
        .count();
  }

  Noted noted;
};

inline std::string noise(std::uint64_t seed, std::size_t size) {
  SeededRandom random(seed);
  return to_text(random.bytes(size));
}

inline Files some_files(std::uint64_t seed, int count = 5) {
  Files files;
  for (int i = 0; i < count; ++i) {
    files["/file" + std::to_string(i)] = noise(seed * 100 + static_cast<unsigned>(i), 30'000);
  }
  return files;
}

// Nothing is too little to be repacked, and what is unused is gone at once.
inline const ops::MaintenanceOptions everything{
    .grace = std::chrono::seconds(0), .repack_dead_percent = 0, .repack_gain_min = 0};

// Something of everything that a snapshot can have.
inline MemoryTree rich_tree() {
  MemoryTree tree;
  for (int d = 0; d < 60; ++d) {
    const std::string directory = "/dir" + std::to_string(d);
    tree.add_directory(directory);
    for (int f = 0; f < 5; ++f) {
      tree.add_file(directory + "/" + std::to_string(f), noise(static_cast<unsigned>(d), 100));
      for (int a = 0; a < 3; ++a) {
        // Values that are no file's content, so that only attributes need them.
        tree.entries.back().record.attributes.push_back(
            {.name = "user." + std::to_string(a),
             .value = to_bytes("value" + std::to_string(d) + "." + std::to_string(f + a))});
      }
    }
    tree.add_symlink(directory + "/link", "target");
    tree.entries.push_back({});
    tree.entries.back().record.kind = kloset::RecordKind::error;
    tree.entries.back().record.path = directory + "/unreadable";
    tree.entries.back().record.error = "no permission " + std::to_string(d);
  }
  tree.add_directory("/empty-dir");
  tree.add_file("/empty", "");
  tree.add_file("/large", noise(99, 5'000'000));
  return tree;
}

}  // namespace plakar::testing
