// Damage at thousands of places in a store, of every kind of item: `check` finds each, and nothing
// is lost but what the damage is in. PLAKAR_FAULTS=all tries many more places.
#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>

#include "core/base/testing/seeded_random.h"
#include "core/kloset/format/object.h"
#include "core/kloset/snapshot/snapshot_reader.h"
#include "core/kloset/testing/memory_destination.h"
#include "core/kloset/testing/memory_source.h"
#include "core/kloset/testing/memory_store.h"
#include "core/kloset/tree/path.h"
#include "core/ops/backup.h"
#include "core/ops/check.h"
#include "core/ops/restore.h"
#include "tests/faults/sample.h"
#include "tests/faults/tree_source.h"

namespace plakar {
namespace {

using kloset::ItemKind;
using kloset::Repository;
using kloset::ResourceType;
using kloset::testing::MemoryPlace;
using kloset::testing::MemoryStore;

struct Damages final : ops::CheckObserver {
  void checked(const SnapshotId&, std::string_view) override {}
  void damaged(const ops::Damage& damage) override { all.push_back(damage); }
  std::vector<ops::Damage> all;
};

struct Failures final : ops::RestoreObserver {
  void restored(std::string_view, std::uint64_t) override {}
  void failed(std::string_view path, std::string_view) override { paths.emplace(path); }
  std::set<std::string> paths;
};

kloset::testing::MemoryTree sample_tree() {
  kloset::testing::MemoryTree tree;
  plakar::testing::SeededRandom random(11);
  tree.add_directory("/a");
  tree.add_directory("/a/b");
  tree.add_directory("/empty");
  for (int i = 0; i < 60; ++i) {
    const std::string name = (i % 3 == 0 ? "/f" : i % 3 == 1 ? "/a/f" : "/a/b/f");
    tree.add_file(name + std::to_string(i), "content of file " + std::to_string(i));
  }
  tree.add_file("/a/nothing", "");
  Bytes noise(1'700'000);
  random.fill(noise);
  tree.add_file("/noise", as_text(noise));
  tree.add_file("/a/noise again", as_text(noise));
  tree.add_symlink("/a/link", "../f0");
  for (auto& entry : tree.entries) {
    if (entry.record.path != "/f0" && entry.record.path != "/a/f1") continue;
    entry.record.attributes = {{.name = "user.note", .value = to_bytes("kept")}};
  }
  return tree;
}

// A store in memory with one snapshot, and what a restore of it gives.
struct Fixture {
  MemoryPlace place;
  SnapshotId snapshot;
  std::map<std::string, std::string> content;               // of files, by path
  std::map<std::string, std::set<std::string>> blobs_used;  // by the same

  explicit Fixture(bool encrypted) {
    MemoryStore store(place);
    kloset::KdfParams kdf = *kloset::default_kdf("ARGON2ID");
    kdf.argon2id->memory_kib = 8;
    kdf.argon2id->time = 1;
    const Secret secret("secret");
    REQUIRE(Repository::create(store, kloset::default_config(), encrypted ? &secret : nullptr, kdf,
                               system_env()));
    const auto repository = open(store);
    REQUIRE(repository);
    kloset::testing::MemorySource source(sample_tree());
    testing::SilentObserver silent;
    const auto report = ops::backup(**repository, source, {.hostname = "h"}, silent, {});
    REQUIRE(report);
    snapshot = report->id;
    Failures failures;
    for (const auto& [path, entry] : restore(**repository, failures)) {
      if (entry.record.kind == kloset::RecordKind::regular) content[path] = to_text(entry.content);
    }
    REQUIRE(failures.paths.empty());
    REQUIRE(content.size() == 63);
    note_blobs(**repository);
  }

  static Result<std::unique_ptr<Repository>> open(MemoryStore& store) {
    auto repository = PLK_TRY(Repository::open(
        store, system_env(), []() -> Result<Secret> { return Secret("secret"); }, {}));
    PLK_TRY(repository->refresh());
    return repository;
  }

  void note_blobs(Repository& repository) {
    auto reader = kloset::SnapshotReader::open(repository, snapshot);
    REQUIRE(reader);
    REQUIRE(reader->walk(
        "/",
        [&](const kloset::VfsEntry& entry, const Mac&) -> Status {
          if (!content.contains(entry.path())) return {};
          auto& used = blobs_used[entry.path()];
          used.insert(entry.object.hex());
          const Bytes bytes =
              PLK_TRY(repository.load(ResourceType::object, entry.object, kloset::object_size_max));
          for (const auto& chunk : PLK_TRY(kloset::decode_object(bytes)).chunks) {
            used.insert(chunk.content.hex());
          }
          return {};
        },
        [](const std::string&, const Error& error) -> Status { return error; }));
  }

  std::map<std::string, kloset::testing::MemoryRestored::Entry> restore(Repository& repository,
                                                                        Failures& failures) {
    kloset::testing::MemoryRestored restored;
    kloset::testing::MemoryDestination destination(restored);
    const auto report = ops::restore(repository, snapshot, destination, {}, failures, {});
    if (!report) failures.paths.insert("/");
    return std::move(restored.entries);
  }

  // The blobs that lie at a range of an item, by MAC, and whether one is the header.
  std::set<std::string> blobs_at(Repository& repository, const kloset::ItemName& name,
                                 std::uint64_t begin, std::uint64_t end, bool& has_header) {
    std::set<std::string> touched;
    REQUIRE(repository.index().for_each_location([&](const kloset::LocationEntry& at) -> Status {
      if (kloset::item_name(at.packfile) != name) return {};
      const std::uint64_t first = 16 + at.offset;
      if (first >= end || first + at.length <= begin) return {};
      touched.insert(at.blob.hex());
      has_header = has_header || at.type == ResourceType::snapshot;
      return {};
    }));
    return touched;
  }

  // The item has been damaged at [begin, end).
  void expect_found_and_contained(const MemoryPlace::Items::key_type& key, std::uint64_t begin,
                                  std::uint64_t end) {
    MemoryStore store(place);
    const auto repository = open(store);
    // CONFIG and states are needed to see anything: with those damaged nothing is opened.
    if (!repository) {
      CHECK(key.first == ItemKind::state);
      return;
    }
    Damages damages;
    const auto report = ops::check(**repository, {}, damages, {});
    REQUIRE(report);
    CHECK_FALSE(report->sound());
    CHECK_FALSE(damages.all.empty());
    if (key.first != ItemKind::packfile) return;
    bool names_packfile = false;
    for (const auto& damage : damages.all) {
      names_packfile =
          names_packfile || (damage.packfile && kloset::item_name(*damage.packfile) == key.second);
    }
    CHECK(names_packfile);

    bool has_header = false;
    const auto touched = blobs_at(**repository, key.second, begin, end, has_header);
    Failures failures;
    const auto restored = restore(**repository, failures);
    if (has_header && restored.empty()) return;
    for (const auto& [path, text] : content) {
      CAPTURE(path);
      bool is_touched = false;
      for (const std::string& blob : blobs_used.at(path)) {
        is_touched = is_touched || touched.contains(blob);
      }
      const auto found = restored.find(path);
      if (found != restored.end()) CHECK(to_text(found->second.content) == text);
      if (found != restored.end()) continue;
      // Several blobs at once may be both copies of an entry: then its directory is named.
      const bool may_be_lost = is_touched || touched.size() > 1;
      CHECK(may_be_lost);
      bool is_told = failures.paths.contains(path);
      for (std::string above = path; above != "/" && !is_told;) {
        above = kloset::parent_of(above);
        is_told = failures.paths.contains(above);
      }
      CHECK(is_told);
    }
  }
};

}  // namespace

TEST_SUITE("damage anywhere") {
  TEST_CASE("a flipped bit is found wherever it is, and costs nothing but what it is in") {
    const std::uint64_t seed = testing::test_seed();
    CAPTURE(seed);
    testing::SeededRandom random(seed);
    std::size_t flips = 0;
    const std::size_t wanted = 2000 * 6 / testing::sample_of(6);
    for (const bool encrypted : {false, true}) {
      Fixture fixture(encrypted);
      std::vector<MemoryPlace::Items::key_type> keys;
      for (const auto& [key, bytes] : fixture.place.items) keys.push_back(key);
      for (std::size_t i = 0; i < wanted / 2; ++i) {
        const auto& key = keys[i % keys.size()];
        Bytes& item = fixture.place.items.at(key);
        // The ends of items have structure; a third of the flips goes there.
        const std::size_t near = std::min<std::size_t>(item.size(), 3000);
        const std::size_t at =
            i % 3 == 0 ? item.size() - 1 - random.below(near) : random.below(item.size());
        CAPTURE(kloset::to_name(key.first));
        CAPTURE(at);
        const auto bit = static_cast<std::byte>(1u << random.below(8));
        item[at] ^= bit;
        fixture.expect_found_and_contained(key, at, at + 1);
        item[at] ^= bit;
        ++flips;
      }
    }
    CHECK(flips >= wanted);
    MESSAGE("flips: ", flips);
  }

  TEST_CASE("pages of zeros and items cut off are found, and cost what was there") {
    const std::uint64_t seed = testing::test_seed();
    CAPTURE(seed);
    testing::SeededRandom random(seed);
    Fixture fixture(true);
    const MemoryPlace::Items sound = fixture.place.items;
    for (int round = 0; round < 20; ++round) {
      for (const auto& [key, bytes] : sound) {
        CAPTURE(kloset::to_name(key.first));
        const std::size_t page = random.below(bytes.size()) / 4096 * 4096;
        const std::size_t end = std::min(page + 4096, bytes.size());
        CAPTURE(page);
        Bytes& item = fixture.place.items.at(key);
        std::fill(item.begin() + static_cast<std::ptrdiff_t>(page),
                  item.begin() + static_cast<std::ptrdiff_t>(end), std::byte{0});
        fixture.expect_found_and_contained(key, page, end);
        item = bytes;

        const std::size_t size = random.below(bytes.size());
        CAPTURE(size);
        item.resize(size);
        fixture.expect_found_and_contained(key, size, bytes.size());
        item = bytes;
      }
    }
  }

  TEST_CASE("two items in each other's place, or an old one in a new one's, are found") {
    Fixture fixture(true);
    {
      MemoryStore store(fixture.place);
      const auto repository = Fixture::open(store);
      REQUIRE(repository);
      kloset::testing::MemoryTree tree = sample_tree();
      tree.add_file("/one more", "text");
      kloset::testing::MemorySource source(std::move(tree));
      testing::SilentObserver silent;
      REQUIRE(ops::backup(**repository, source, {.hostname = "h"}, silent, {}));
    }
    const MemoryPlace::Items sound = fixture.place.items;
    std::size_t exchanges = 0;
    for (const auto& [key, bytes] : sound) {
      for (const auto& [other, others] : sound) {
        if (other.first != key.first || other == key) continue;
        fixture.place.items.at(key) = others;
        fixture.expect_found_and_contained(key, 0, std::max(bytes.size(), others.size()));
        if (key.first == ItemKind::packfile) {
          fixture.place.items.at(other) = bytes;
          Damages damages;
          MemoryStore store(fixture.place);
          const auto repository = Fixture::open(store);
          REQUIRE(repository);
          const auto report = ops::check(**repository, {}, damages, {});
          REQUIRE(report);
          CHECK_FALSE(report->sound());
        }
        fixture.place.items = sound;
        ++exchanges;
      }
    }
    CHECK(exchanges >= 4);
  }
}

}  // namespace plakar
