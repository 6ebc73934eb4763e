// Damage anywhere in a store: `check` finds it, nothing crashes, and nothing is read that is not
// what was stored.
#include <doctest/doctest.h>

#include <set>

#include "core/base/testing/seeded_random.h"
#include "core/kloset/repository/transaction.h"
#include "core/kloset/snapshot/snapshot_reader.h"
#include "core/kloset/testing/memory_store.h"
#include "core/kloset/tree/tree_writer.h"
#include "core/ops/backup.h"
#include "core/ops/check.h"
#include "tests/faults/tree_source.h"

namespace plakar {
namespace {

using kloset::Repository;
using kloset::testing::MemoryPlace;
using kloset::testing::MemoryStore;

struct Counting final : ops::CheckObserver {
  void checked(const SnapshotId&, std::string_view) override { ++paths; }
  void damaged(const ops::Damage& damage) override {
    where.insert((damage.snapshot ? damage.snapshot->short_hex() + ":" : "") + damage.where);
  }
  int paths = 0;
  std::set<std::string> where;
};

struct Fixture {
  MemoryPlace place;
  bool encrypted;

  explicit Fixture(bool with_encryption) : encrypted(with_encryption) {
    MemoryStore store(place);
    kloset::KdfParams kdf = *kloset::default_kdf("ARGON2ID");
    kdf.argon2id->memory_kib = 8;
    kdf.argon2id->time = 1;
    const Secret secret("secret");
    REQUIRE(Repository::create(store, kloset::default_config(), encrypted ? &secret : nullptr, kdf,
                               system_env()));
    for (const auto& tree : {testing::first_tree(), testing::second_tree()}) {
      const auto repository = open(store);
      REQUIRE(repository);
      testing::TreeSource source(tree);
      testing::SilentObserver observer;
      REQUIRE(ops::backup(**repository, source, {.hostname = "h"}, observer, {}));
    }
  }

  static Result<std::unique_ptr<Repository>> open(MemoryStore& store) {
    auto repository = PLK_TRY(Repository::open(
        store, system_env(), []() -> Result<Secret> { return Secret("secret"); }, {}));
    PLK_TRY(repository->refresh());
    return repository;
  }

  // Whether the damage is found: by opening the store, or by the check.
  bool is_damaged(ops::CheckDepth depth = ops::CheckDepth::full, Counting* seen = nullptr) {
    MemoryStore store(place);
    const auto repository = open(store);
    if (!repository) return true;
    Counting observer;
    const auto report = ops::check(**repository, {.depth = depth}, observer, {});
    REQUIRE(report);
    CHECK(report->sound() == observer.where.empty());
    CHECK((report->snapshots == 2 || !report->sound()));
    if (seen != nullptr) *seen = observer;
    return !report->sound();
  }
};

}  // namespace

TEST_SUITE("check") {
  TEST_CASE("a sound store is found sound, by structure and in full") {
    for (const bool encrypted : {false, true}) {
      Fixture fixture(encrypted);
      Counting seen;
      CHECK_FALSE(fixture.is_damaged(ops::CheckDepth::structure));
      CHECK_FALSE(fixture.is_damaged(ops::CheckDepth::full, &seen));
      CHECK(seen.paths == 28);
    }
  }

  TEST_CASE("any flipped bit, in any item, is found") {
    const std::uint64_t seed = testing::test_seed();
    CAPTURE(seed);
    testing::SeededRandom random(seed);
    for (const bool encrypted : {false, true}) {
      Fixture fixture(encrypted);
      std::size_t flips = 0;
      const auto flip = [&](std::byte& byte) {
        const auto bit = static_cast<std::byte>(1u << random.below(8));
        byte ^= bit;
        CHECK(fixture.is_damaged());
        byte ^= bit;
        ++flips;
      };
      for (auto& [key, bytes] : fixture.place.items) {
        CAPTURE(kloset::to_name(key.first));
        // The ends of items have structure; the middle is mostly padding.
        for (std::size_t at = 0; at < bytes.size(); at += 1 + random.below(bytes.size() / 60)) {
          CAPTURE(at);
          flip(bytes[at]);
        }
        for (std::size_t back = 1; back <= 120 && back <= bytes.size(); back += 7) {
          CAPTURE(back);
          flip(bytes[bytes.size() - back]);
        }
      }
      for (std::size_t at = 0; at < fixture.place.config->size(); at += 5) {
        CAPTURE(at);
        flip((*fixture.place.config)[at]);
      }
      CHECK(flips > 700);
      CHECK_FALSE(fixture.is_damaged());
    }
  }

  TEST_CASE("an item that is cut, missing, emptied or in another's place is found") {
    Fixture fixture(false);
    const MemoryPlace::Items sound = fixture.place.items;
    for (const auto& [key, bytes] : sound) {
      CAPTURE(kloset::to_name(key.first));
      for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{15},
                                     bytes.size() / 2, bytes.size() - 33, bytes.size() - 1}) {
        fixture.place.items.at(key).resize(size);
        CHECK(fixture.is_damaged());
        fixture.place.items = sound;
      }
      if (key.first == kloset::ItemKind::packfile) {
        fixture.place.items.erase(key);
        CHECK(fixture.is_damaged());
        CHECK(fixture.is_damaged(ops::CheckDepth::structure));
        fixture.place.items = sound;
      }
      for (const auto& [other, others_bytes] : sound) {
        if (other.first != key.first || other == key) continue;
        fixture.place.items.at(key) = others_bytes;
        // A state has no name in it: one in another's place is the other's content twice.
        if (key.first == kloset::ItemKind::packfile) CHECK(fixture.is_damaged());
        fixture.place.items = sound;
      }
    }
  }

  TEST_CASE("damage to the content of one file is named by its path, in each snapshot it is in") {
    Fixture fixture(false);
    MemoryStore store(fixture.place);
    const auto repository = Fixture::open(store);
    REQUIRE(repository);
    const std::string content(2000, 'a');  // of /file0
    const Mac mac = (*repository)->mac().compute(as_bytes(content));
    const auto location = (*repository)->index().find(kloset::ResourceType::chunk, mac);
    REQUIRE(location);
    Bytes& item =
        fixture.place.items.at({kloset::ItemKind::packfile, kloset::item_name(location->packfile)});
    item[16 + location->offset + 12] ^= std::byte{1};
    Counting seen;
    CHECK(fixture.is_damaged(ops::CheckDepth::full, &seen));
    std::size_t named = 0;
    for (const std::string& where : seen.where) named += where.ends_with(":/file0") ? 1 : 0;
    CHECK(named == 2);
    CHECK(seen.where.size() == 3);  // those, and the packfile
    CHECK_FALSE(fixture.is_damaged(ops::CheckDepth::structure));
  }

  TEST_CASE("an entry that only the tree of content types names is looked for") {
    for (const bool is_there : {false, true}) {
      Fixture fixture(false);
      MemoryStore store(fixture.place);
      const auto repository = Fixture::open(store);
      REQUIRE(repository);
      const SnapshotId sound = (*repository)->index().snapshots().front();
      auto header = kloset::SnapshotReader::open(**repository, sound).value().header();
      const auto transaction = kloset::Transaction::begin(**repository, {});
      Mac entry = (*repository)->mac().compute(as_bytes("an entry that nobody stored"));
      if (is_there) {
        entry = transaction->put(kloset::ResourceType::vfs_entry, as_bytes("any")).value();
      }
      kloset::TreeWriter tree(*transaction, kloset::ResourceType::btree_root,
                              kloset::KeyOrder::bytes);
      REQUIRE(tree.add("/text/plain/file", entry));
      for (kloset::TreeIndex& index : header.sources.front().indexes) {
        if (index.name == "content-type") index.value = tree.finish().value();
      }
      header.identifier.bytes[0] ^= std::byte{1};
      REQUIRE(transaction->commit(header.identifier, kloset::encode_header(header)));

      Counting observer;
      REQUIRE(ops::check(**repository, {.depth = ops::CheckDepth::structure}, observer, {}));
      const std::string tree_name = header.identifier.short_hex() + ":content-type tree";
      CHECK(observer.where ==
            (is_there ? std::set<std::string>() : std::set{tree_name + ", /text/plain/file"}));
    }
  }

  TEST_CASE("a cancel ends the check") {
    Fixture fixture(false);
    MemoryStore store(fixture.place);
    const auto repository = Fixture::open(store);
    REQUIRE(repository);
    const flow::CancelSource cancel;
    cancel.cancel("test");
    Counting observer;
    CHECK(ops::check(**repository, {}, observer, cancel.token()).error().code() == Errc::cancelled);
  }
}

}  // namespace plakar
