// What a check says of a path: one thing, and something of each. Every blob of a store is damaged
// in turn, and every one is lost.
#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/kloset/format/envelope.h"
#include "core/kloset/state/delta.h"
#include "core/ops/check.h"
#include "core/ops/testing/memory_side.h"

namespace plakar {
namespace {

using kloset::BlobLocation;
using kloset::ItemKind;
using kloset::ResourceType;
using ops::testing::MemorySide;

struct Verdicts final : ops::CheckObserver {
  void checked(const SnapshotId&, std::string_view path) override { ++sound[std::string(path)]; }
  void damaged(const ops::Damage& damage) override {
    if (damage.snapshot) damages[damage.where].push_back(damage.what);
    of_snapshot = of_snapshot || damage.snapshot;
  }
  std::map<std::string, int> sound;
  std::map<std::string, std::vector<std::string>> damages;
  bool of_snapshot = false;
};

Verdicts check(kloset::Repository& repository, ops::CheckDepth depth) {
  Verdicts verdicts;
  const auto report = ops::check(repository, {.depth = depth, .threads = 1}, verdicts, {});
  REQUIRE(report);
  return verdicts;
}

// One verdict each, and for whatever `paths` has.
void require_verdicts(const Verdicts& verdicts, const std::set<std::string>& paths) {
  for (const auto& [path, times] : verdicts.sound) {
    CAPTURE(path);
    CHECK(times == 1);
    if (verdicts.damages.contains(path)) {
      FAIL_CHECK("sound, and damaged: " << verdicts.damages.at(path).front());
    }
  }
  std::set<std::string> named;
  for (const auto& [path, times] : verdicts.sound) named.insert(path);
  for (const auto& [where, what] : verdicts.damages) named.insert(where);
  if (verdicts.damages.contains("header")) return;
  for (const std::string& path : paths) {
    CAPTURE(path);
    // Below what cannot be entered there is nothing to say.
    bool told = false;
    for (const std::string& name : named) {
      told = told || path == name || path.starts_with(name == "/" ? name : name + "/");
    }
    CHECK(told);
  }
}

struct Blob {
  ResourceType type;
  BlobLocation location;
  Mac mac;
};

// A store of one snapshot, with all kinds of blobs.
struct Store {
  MemorySide side;
  std::set<std::string> paths;
  std::vector<Blob> blobs;

  Store() : side({.compression = "", .small_chunks = true}) {
    side.back_up(ops::testing::make_tree());
    for (const auto& [path, times] : check(*side.reopen(), ops::CheckDepth::full).sound) {
      paths.insert(path);
    }
    CHECK(paths.size() > 70);
    for (const auto& [key, bytes] : side.place.items) {
      if (key.first == ItemKind::state) read_state(bytes);
    }
  }

  void read_state(const Bytes& item) {
    const auto repository = side.reopen();
    const auto envelope = kloset::open_envelope(item, ResourceType::state, repository->mac());
    REQUIRE(envelope);
    const auto lease = repository->codec();
    REQUIRE(lease);
    const auto plain = (*lease)->decode(envelope->body, 1u << 26);
    REQUIRE(plain);
    REQUIRE(kloset::read_state(
        *plain, envelope->version, [&](const kloset::StateEntry& entry) -> Status {
          const auto* found = std::get_if<kloset::LocationEntry>(&entry);
          // Padding is nobody's.
          if (found != nullptr && found->type != ResourceType::random) {
            const auto location = repository->index().find(found->type, found->blob);
            REQUIRE(location);
            blobs.push_back({.type = found->type, .location = *location, .mac = found->blob});
          }
          return {};
        }));
  }
};

}  // namespace

TEST_SUITE("verdicts of a check") {
  TEST_CASE("whatever blob is damaged, no path is told of as sound and as damaged") {
    Store store;
    std::set<ResourceType> types;
    for (const Blob& blob : store.blobs) {
      CAPTURE(kloset::to_name(blob.type));
      CAPTURE(blob.mac.short_hex());
      types.insert(blob.type);
      Bytes& packfile = store.side.place.items.at(
          {ItemKind::packfile, kloset::item_name(blob.location.packfile)});
      std::byte& hit =
          packfile[kloset::envelope_header_size + blob.location.offset + blob.location.length / 2];
      hit ^= std::byte{1};
      const Verdicts verdicts = check(*store.side.reopen(), ops::CheckDepth::full);
      hit ^= std::byte{1};
      require_verdicts(verdicts, store.paths);
      CHECK(verdicts.of_snapshot);
    }
    // Roots, nodes and entries of trees and indexes, objects, chunks, and what belongs to entries.
    CHECK(types.size() >= 12);
  }

  TEST_CASE("whatever blob is lost, also of an attribute or a summary, it is missed") {
    Store store;
    for (const Blob& blob : store.blobs) {
      CAPTURE(kloset::to_name(blob.type));
      CAPTURE(blob.mac.short_hex());
      const auto items = store.side.place.items;
      {
        const auto repository = store.side.reopen();
        kloset::StateWriter writer(repository->index().last_state());
        writer.add(kloset::DeletedLocation{
            .type = blob.type, .blob = blob.mac, .packfile = blob.location.packfile});
        REQUIRE(repository->publish_state(kloset::StateId::random(system_env().random),
                                          std::move(writer).finish(1)));
      }
      // Without its header there is no snapshot any more.
      if (blob.type != ResourceType::snapshot) {
        for (const ops::CheckDepth depth : {ops::CheckDepth::structure, ops::CheckDepth::full}) {
          const Verdicts verdicts = check(*store.side.reopen(), depth);
          require_verdicts(verdicts, store.paths);
          CHECK(verdicts.of_snapshot);
        }
      }
      store.side.place.items = items;
    }
  }
}

}  // namespace plakar
