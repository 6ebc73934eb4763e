#include "core/kloset/snapshot/catalogue.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>

#include "core/base/clock.h"
#include "core/base/files.h"
#include "core/base/testing/memory_disk.h"
#include "core/base/testing/seeded_random.h"
#include "core/kloset/repository/transaction.h"
#include "core/kloset/state/delta.h"
#include "core/kloset/testing/faulty_store.h"
#include "core/kloset/testing/memory_store.h"

namespace plakar::kloset {
namespace {

using testing::FaultyStore;
using testing::MemoryPlace;
using testing::MemoryStore;
using testing::StoreCall;

SnapshotId id_of(int number) {
  SnapshotId id;
  id.bytes.fill(static_cast<std::byte>(number));
  store_le(std::span(id.bytes), static_cast<std::uint64_t>(number));
  return id;
}

SnapshotHeader header_of(int number, const std::string& directory = "/home") {
  SnapshotHeader header;
  header.identifier = id_of(number);
  header.timestamp = {.seconds = 1000 + number, .nanoseconds = 0};
  header.name = "number " + std::to_string(number);
  header.sources.emplace_back();
  header.sources[0].importer = {.type = "fs", .origin = "host", .directory = directory};
  return header;
}

using Names = std::map<SnapshotId, std::string>;

// A store with snapshots that consist of a header each, and the cache of a user.
struct Fixture {
  MemoryPlace place;
  MemoryStore store{place};
  plakar::testing::MemoryDisk disk;
  FileSystem files{disk};
  Names names;

  explicit Fixture(bool encrypted = false, bool compressed = true) {
    KdfParams kdf = *default_kdf("ARGON2ID");
    kdf.argon2id->memory_kib = 8;
    kdf.argon2id->time = 1;
    const Secret passphrase("right");
    StoreConfig config = default_config();
    if (!compressed) config.compression.reset();
    REQUIRE(
        Repository::create(store, config, encrypted ? &passphrase : nullptr, kdf, system_env()));
  }

  std::unique_ptr<Repository> open(Store& through, const char* cache = "/cache") {
    const Env system = system_env();
    auto repository =
        Repository::open(through, {system.clock, system.random, files, system.processes},
                         [] { return Secret("right"); }, {.cache_directory = cache});
    REQUIRE(repository);
    REQUIRE((*repository)->refresh());
    return *std::move(repository);
  }
  std::unique_ptr<Repository> open() { return open(store); }

  void add(Repository& repository, const SnapshotHeader& header) {
    const auto transaction = Transaction::begin(repository, {});
    REQUIRE(transaction->commit(header.identifier, encode_header(header)));
    names[header.identifier] = header.name;
  }
  void add(int first, int count) {
    const auto repository = open();
    for (int i = first; i < first + count; ++i) add(*repository, header_of(i));
  }
  void remove(int number) {
    const auto repository = open();
    StateWriter writer(repository->index().last_state());
    writer.add(ColouredEntry{ResourceType::snapshot, Mac{.bytes = id_of(number).bytes}, 1});
    REQUIRE(repository->publish_state(StateId::random(system_env().random),
                                      std::move(writer).finish(1)));
    names.erase(id_of(number));
  }
  std::string cache_path() {
    return "/cache/native/" + open()->config().repository_id.text() + "/snapshots";
  }
};

Names list(Repository& repository, int unreadable_expected = 0) {
  Names found;
  int unreadable = 0;
  REQUIRE(for_each_header(
      repository,
      [&](const SnapshotHeader& header) -> Status {
        REQUIRE(found.emplace(header.identifier, header.name).second);
        return {};
      },
      [&](const SnapshotId&, const Error&) -> Status {
        ++unreadable;
        return {};
      }));
  REQUIRE(unreadable == unreadable_expected);
  return found;
}

}  // namespace

TEST_SUITE("catalogue") {
  TEST_CASE("a store that stores bytes as they are has a cache like any other") {
    Fixture fixture(false, false);
    fixture.add(1, 5);
    CHECK(list(*fixture.open()) == fixture.names);
    CHECK(list(*fixture.open()) == fixture.names);
    fixture.add(6, 3);  // Joins the batches that are there.
    CHECK(list(*fixture.open()) == fixture.names);
    CHECK(list(*fixture.open()) == fixture.names);
  }

  TEST_CASE("headers are read from packfiles once") {
    for (const bool encrypted : {false, true}) {
      Fixture fixture(encrypted);
      CHECK(list(*fixture.open()).empty());
      fixture.add(1, 5);
      CHECK(list(*fixture.open()) == fixture.names);
      fixture.add(6, 1);
      CHECK(list(*fixture.open()) == fixture.names);
      fixture.remove(3);
      FaultyStore store(fixture.store, {{.call = StoreCall::read, .kind = ItemKind::packfile}});
      CHECK(list(*fixture.open(store)) == fixture.names);
      CHECK(find_newest_snapshot(*fixture.open(store), header_of(1).source().importer).value() ==
            id_of(6));
      CHECK_FALSE(store.fired());
      CHECK(list(*fixture.open(fixture.store, "")) == fixture.names);
    }
  }

  TEST_CASE("the newest snapshot of a source is found, and that of no other") {
    Fixture fixture;
    {
      const auto repository = fixture.open();
      fixture.add(*repository, header_of(5));
      fixture.add(*repository, header_of(7));
      fixture.add(*repository, header_of(6));
      fixture.add(*repository, header_of(8, "/hom"));
      fixture.add(*repository, header_of(9, "/home/e"));
    }
    for (int round = 0; round < 2; ++round) {
      const auto repository = fixture.open();
      const auto newest = [&](const Importer& importer) {
        return find_newest_snapshot(*repository, importer).value();
      };
      CHECK(newest({.type = "fs", .origin = "host", .directory = "/home"}) == id_of(7));
      CHECK(newest({.type = "fs", .origin = "host", .directory = "/hom"}) == id_of(8));
      CHECK_FALSE(newest({.type = "fs", .origin = "hos", .directory = "t/home"}));
      CHECK_FALSE(newest({.type = "s3", .origin = "host", .directory = "/home"}));
    }
  }

  TEST_CASE("a snapshot that comes back elsewhere is read anew") {
    Fixture fixture;
    fixture.add(1, 3);
    CHECK(list(*fixture.open()) == fixture.names);
    {
      const auto repository = fixture.open();
      const Mac mac{.bytes = id_of(2).bytes};
      const auto old = repository->index().find(ResourceType::snapshot, mac).value();
      StateWriter writer(repository->index().last_state());
      writer.add(DeletedLocation{ResourceType::snapshot, mac, old.packfile});
      REQUIRE(repository->publish_state(StateId::random(system_env().random),
                                        std::move(writer).finish(1)));
      SnapshotHeader changed = header_of(2);
      changed.name = "again";
      fixture.add(*repository, changed);
    }
    CHECK(fixture.names.at(id_of(2)) == "again");
    CHECK(list(*fixture.open()) == fixture.names);
    CHECK(list(*fixture.open()) == fixture.names);
  }

  TEST_CASE("what is damaged in the store is told, and looked for again the next time") {
    Fixture fixture;
    fixture.add(1, 3);
    const auto location =
        fixture.open()->index().find(ResourceType::snapshot, Mac{.bytes = id_of(2).bytes}).value();
    Bytes& packfile =
        fixture.place.items.at({ItemKind::packfile, ItemName{.bytes = location.packfile.bytes}});
    const Bytes sound = packfile;
    for (std::byte& b : packfile) b ^= std::byte{0xff};
    Names others = fixture.names;
    others.erase(id_of(2));
    CHECK(list(*fixture.open(), 1) == others);
    CHECK(list(*fixture.open(), 1) == others);
    packfile = sound;
    CHECK(list(*fixture.open()) == fixture.names);
  }

  TEST_CASE("a store that is away, and a visitor's error, end the walk") {
    Fixture fixture;
    fixture.add(1, 3);
    FaultyStore store(fixture.store, {{.call = StoreCall::read,
                                       .kind = ItemKind::packfile,
                                       .error = Errc::unavailable,
                                       .repeats = true}});
    const auto ignore = [](const SnapshotId&, const Error&) { return Status(); };
    const auto away = fixture.open(store);
    CHECK(for_each_header(
              *away, [](const SnapshotHeader&) { return Status(); }, ignore)
              .error()
              .code() == Errc::unavailable);
    for (const Errc code : {Errc::corrupt, Errc::cancelled}) {
      for (int round = 0; round < 2; ++round) {
        int visited = 0;
        const Status status = for_each_header(
            *fixture.open(),
            [&](const SnapshotHeader&) -> Status {
              ++visited;
              return Error(code, "enough");
            },
            ignore);
        CHECK(status.error().code() == code);
        CHECK(visited == 1);
        if (round == 0) CHECK(list(*fixture.open()) == fixture.names);
      }
    }
  }

  TEST_CASE("a damaged file, one cut off, and one of another store cost time") {
    const std::uint64_t seed = 7;
    plakar::testing::SeededRandom random(seed);
    for (const bool encrypted : {false, true}) {
      Fixture fixture(encrypted);
      for (int i = 1; i <= 6; i += 2) {
        fixture.add(i, 2);
        REQUIRE(list(*fixture.open()) == fixture.names);
      }
      const std::string path = fixture.cache_path();
      const Bytes sound = read_file(fixture.files, path, 1 << 20).value();
      const auto repository = fixture.open();
      const auto check = [&](BytesView content) {
        REQUIRE(write_file_atomically(fixture.files, random, path, content));
        REQUIRE(list(*repository) == fixture.names);
        // And is mended.
        FaultyStore store(fixture.store, {{.call = StoreCall::read, .kind = ItemKind::packfile}});
        REQUIRE(list(*fixture.open(store)) == fixture.names);
        REQUIRE_FALSE(store.fired());
      };
      for (std::size_t at = 0; at < sound.size(); at += at < 120 ? 1 : 1 + random.below(30)) {
        CAPTURE(at);
        Bytes damaged = sound;
        damaged[at] ^= std::byte{1} << static_cast<int>(random.below(8));
        check(damaged);
        check(BytesView(sound).first(at));
      }
      Bytes longer = sound;
      append(longer, random.bytes(1000));
      check(longer);
      // Batches in another order.
      append(longer, BytesView(sound).subspan(32));
      check(longer);

      Fixture other(encrypted);
      other.add(1, 9);
      REQUIRE(list(*other.open()) == other.names);
      check(read_file(other.files, other.cache_path(), 1 << 20).value());
    }
  }

  TEST_CASE("where nothing can be kept there is an answer all the same") {
    Fixture fixture;
    fixture.add(1, 3);
    const std::string path = fixture.cache_path();
    const auto repository = fixture.open();
    fixture.disk.set_capacity(0);
    CHECK(list(*repository) == fixture.names);
    fixture.disk.set_capacity(UINT64_MAX);
    CHECK(list(*repository) == fixture.names);
    {
      // Somebody else is writing: what is there is read, and nothing written.
      fixture.add(4, 1);
      const File other = fixture.files.open(path, {.access = Access::read_write}).value();
      REQUIRE(other.lock(LockMode::exclusive, Wait::no));
      const Bytes before = read_file(fixture.files, path, 1 << 20).value();
      CHECK(list(*fixture.open()) == fixture.names);
      CHECK(read_file(fixture.files, path, 1 << 20).value() == before);
    }
    CHECK(list(*fixture.open()) == fixture.names);
    REQUIRE(fixture.files.remove_file(path));
    REQUIRE(fixture.files.make_directory(path, 0700));
    CHECK(list(*fixture.open()) == fixture.names);
  }

  TEST_CASE("an encrypted store's headers are not kept in clear") {
    Fixture fixture(true);
    {
      const auto repository = fixture.open();
      fixture.add(*repository, header_of(1, "/very/secret/directory"));
    }
    CHECK(list(*fixture.open()) == fixture.names);
    const Bytes file = read_file(fixture.files, fixture.cache_path(), 1 << 20).value();
    CHECK(file.size() > 200);
    CHECK(as_text(file).find("secret") == std::string_view::npos);
    CHECK(fixture.files.stat(fixture.cache_path()).value().mode % 01000 == 0600);
  }

  TEST_CASE("the file stays in proportion, one by one, many at once, and after removals") {
    Fixture fixture;
    const auto repository = fixture.open();
    SnapshotHeader large = header_of(0);
    large.tags.emplace_back(3000, 'x');
    plakar::testing::SeededRandom random(1);
    const auto add = [&](int number) {
      large.identifier = id_of(number);
      for (char& c : large.tags[0]) c = static_cast<char>('a' + random.below(26));
      fixture.add(*repository, large);
    };
    const auto size = [&] {
      return read_file(fixture.files, repository->cache_directory() + "/snapshots", 1 << 24)
          .value()
          .size();
    };
    for (int i = 0; i < 150; ++i) {
      add(i);
      REQUIRE(list(*repository).size() == fixture.names.size());
    }
    CHECK(size() > 150 * 1800);
    CHECK(size() < 150 * 3500);
    for (int i = 150; i < 400; ++i) add(i);
    REQUIRE(list(*repository) == fixture.names);
    CHECK(size() < 400 * 3500);
    // Written again, with nothing lost that is of use.
    {
      StateWriter writer(repository->index().last_state());
      for (int i = 0; i < 300; ++i) {
        writer.add(ColouredEntry{ResourceType::snapshot, Mac{.bytes = id_of(i).bytes}, 1});
        fixture.names.erase(id_of(i));
      }
      REQUIRE(repository->publish_state(StateId::random(system_env().random),
                                        std::move(writer).finish(1)));
    }
    CHECK(list(*repository) == fixture.names);
    CHECK(size() < 100 * 3500);
    FaultyStore store(fixture.store, {{.call = StoreCall::read, .kind = ItemKind::packfile}});
    CHECK(list(*fixture.open(store)) == fixture.names);
    CHECK_FALSE(store.fired());
    CHECK_FALSE(fixture.files.find(repository->cache_directory() + "/snapshots.tmp").value());
  }
}

}  // namespace plakar::kloset
