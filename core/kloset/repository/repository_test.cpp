#include "core/kloset/repository/repository.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "core/base/file_system.h"
#include "core/base/testing/memory_disk.h"
#include "core/kloset/format/envelope.h"
#include "core/kloset/repository/packfile_reader.h"
#include "core/kloset/repository/transaction.h"
#include "core/kloset/state/delta.h"
#include "core/kloset/testing/faulty_store.h"
#include "core/kloset/testing/memory_store.h"

namespace plakar::kloset {
namespace {

using testing::FaultyStore;
using testing::MemoryPlace;
using testing::MemoryStore;

KdfParams cheap_kdf() {
  KdfParams kdf = *default_kdf("ARGON2ID");
  kdf.argon2id->memory_kib = 8;
  kdf.argon2id->time = 1;
  return kdf;
}

Bytes content(std::size_t size, std::uint32_t seed) {
  Bytes bytes(size);
  for (std::byte& b : bytes) {
    seed = seed * 1664525 + 1013904223;
    b = static_cast<std::byte>(seed >> 24);
  }
  return bytes;
}

SnapshotId snapshot_id(int value) {
  SnapshotId id;
  id.bytes.fill(static_cast<std::byte>(value));
  return id;
}

// A store in memory, and what opens it.
struct Fixture {
  MemoryPlace place;
  MemoryStore store{place};

  explicit Fixture(bool encrypted = false, std::uint64_t packfile_size_max = 0) {
    StoreConfig config = default_config();
    if (packfile_size_max != 0) config.packfile.size_max = packfile_size_max;
    const Secret passphrase("right");
    REQUIRE(Repository::create(store, config, encrypted ? &passphrase : nullptr, cheap_kdf(),
                               system_env()));
  }

  Result<std::unique_ptr<Repository>> try_open(const char* passphrase = "right") {
    return Repository::open(store, system_env(),
                            [=]() -> Result<Secret> { return Secret(passphrase); }, {});
  }
  std::unique_ptr<Repository> open() {
    auto repository = try_open();
    REQUIRE(repository);
    REQUIRE((*repository)->refresh());
    return *std::move(repository);
  }
  std::size_t count(ItemKind kind) {
    std::size_t found = 0;
    for (const auto& [key, bytes] : place.items) found += key.first == kind ? 1 : 0;
    return found;
  }
};

}  // namespace

TEST_SUITE("repository") {
  TEST_CASE("what a transaction committed is read by who opens the store next") {
    for (const bool encrypted : {false, true}) {
      Fixture fixture(encrypted);
      const Bytes chunk = content(100'000, 1);
      Mac mac;
      {
        const auto repository = fixture.open();
        const auto transaction = Transaction::begin(*repository, {});
        mac = transaction->put(ResourceType::chunk, chunk).value();
        CHECK(transaction->has(ResourceType::chunk, mac));
        CHECK(transaction->put(ResourceType::chunk, chunk).value() == mac);
        REQUIRE(transaction->commit(snapshot_id(1), as_bytes("header")));
        CHECK(transaction->stats().blobs_new == 1);
        CHECK(transaction->stats().blobs_known == 1);
        CHECK(transaction->stats().packfiles == 2);
      }
      const auto repository = fixture.open();
      CHECK(repository->load(ResourceType::chunk, mac, chunk.size()).value() == chunk);
      CHECK(repository->index().snapshots() == std::vector{snapshot_id(1)});
      const Mac header{.bytes = snapshot_id(1).bytes};
      CHECK(as_text(*repository->load(ResourceType::snapshot, header, 1000)) == "header");
      CHECK(repository->load(ResourceType::object, mac, 1000).error().code() == Errc::not_found);
    }
  }

  TEST_CASE("a transaction that is not committed leaves nothing visible") {
    Fixture fixture;
    {
      const auto repository = fixture.open();
      const auto transaction = Transaction::begin(*repository, {});
      REQUIRE(transaction->put(ResourceType::chunk, as_bytes("lost")));
    }
    CHECK(fixture.place.items.empty());
  }

  TEST_CASE("what is in the store already is not stored again") {
    Fixture fixture;
    for (int i = 1; i <= 2; ++i) {
      const auto repository = fixture.open();
      const auto transaction = Transaction::begin(*repository, {});
      REQUIRE(transaction->put(ResourceType::chunk, as_bytes("same")));
      REQUIRE(transaction->commit(snapshot_id(i), as_bytes("header")));
      CHECK(transaction->stats().blobs_new == (i == 1 ? 1 : 0));
    }
    CHECK(fixture.open()->index().snapshots().size() == 2);
  }

  TEST_CASE("the identifier of a snapshot that was removed is not given to another one") {
    Fixture fixture;
    const auto repository = fixture.open();
    const auto transaction = Transaction::begin(*repository, {});
    REQUIRE(transaction->commit(snapshot_id(1), as_bytes("old")));
    StateWriter removal(repository->index().last_state());
    const Mac mac{.bytes = snapshot_id(1).bytes};
    removal.add(ColouredEntry{.type = ResourceType::snapshot, .mac = mac, .time_ns = 5});
    REQUIRE(repository->publish_state(StateId::random(system_env().random),
                                      std::move(removal).finish(5)));
    const auto again = Transaction::begin(*repository, {});
    const Status refused = again->commit(snapshot_id(1), as_bytes("new"));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == Errc::conflict);
    CHECK(fixture.open()->index().snapshots().empty());
  }

  TEST_CASE("a wrong passphrase is refused, and asked for only when it is needed") {
    Fixture encrypted(true);
    CHECK(encrypted.try_open("wrong").error().code() == Errc::permission_denied);
    CHECK(encrypted.try_open("right"));
    Fixture plain;
    CHECK(Repository::open(plain.store, system_env(),
                           []() -> Result<Secret> { return Error(Errc::internal, "asked"); }, {}));
  }

  TEST_CASE("packfiles are sealed when they are full, and states published on the way") {
    Fixture fixture(false, 200'000);
    std::vector<Mac> macs;
    {
      const auto repository = fixture.open();
      const auto transaction =
          Transaction::begin(*repository, {.data_packfiles = 1, .checkpoint_locations = 8});
      for (std::uint32_t i = 0; i < 43; ++i) {
        macs.push_back(transaction->put(ResourceType::chunk, content(50'000, i)).value());
      }
      CHECK(fixture.count(ItemKind::packfile) >= 7);
      CHECK(fixture.count(ItemKind::state) >= 2);
      // Cut off here: no commit.
    }
    const auto repository = fixture.open();
    CHECK(repository->index().snapshots().empty());
    CHECK(repository->has(ResourceType::chunk, macs.front()));
    CHECK_FALSE(repository->has(ResourceType::chunk, macs.back()));
    const auto transaction = Transaction::begin(*repository, {});
    for (std::uint32_t i = 0; i < 43; ++i) {
      REQUIRE(transaction->put(ResourceType::chunk, content(50'000, i)));
    }
    REQUIRE(transaction->commit(snapshot_id(1), as_bytes("header")));
    CHECK(transaction->stats().blobs_known >= 32);
    for (std::uint32_t i = 0; i < 43; ++i) {
      CHECK(repository->load(ResourceType::chunk, macs[i], 50'000).value() == content(50'000, i));
    }
  }

  TEST_CASE("what a checkpoint published is known for the rest of the run") {
    Fixture fixture(false, 200'000);
    const auto repository = fixture.open();
    const auto transaction =
        Transaction::begin(*repository, {.data_packfiles = 1, .checkpoint_locations = 8});
    std::vector<Mac> macs;
    for (int round = 0; round < 2; ++round) {
      for (std::uint32_t i = 0; i < 43; ++i) {
        macs.push_back(transaction->put(ResourceType::chunk, content(50'000, i)).value());
        REQUIRE(transaction->has(ResourceType::chunk, macs.back()));
        REQUIRE(transaction->has(ResourceType::chunk, macs.front()));
      }
    }
    CHECK(fixture.count(ItemKind::state) >= 2);
    CHECK(transaction->stats().blobs_new == 43);
    CHECK(transaction->stats().blobs_known == 43);
  }

  TEST_CASE("many threads store at once, each blob once") {
    for (const std::size_t checkpoint_locations : {std::size_t{100'000}, std::size_t{8}}) {
      Fixture fixture(true, 300'000);
      {
        const auto repository = fixture.open();
        const auto transaction = Transaction::begin(
            *repository, {.data_packfiles = 3, .checkpoint_locations = checkpoint_locations});
        std::atomic<int> failures = 0;
        {
          std::vector<std::jthread> threads;
          for (int t = 0; t < 6; ++t) {
            threads.emplace_back([&] {
              for (std::uint32_t i = 0; i < 60; ++i) {
                const auto type = i % 3 == 0 ? ResourceType::vfs_entry : ResourceType::chunk;
                if (!transaction->put(type, content(20'000, i))) ++failures;
              }
            });
          }
        }
        REQUIRE(failures == 0);
        REQUIRE(transaction->commit(snapshot_id(1), as_bytes("header")));
        CHECK(transaction->stats().blobs_new == 60);
      }
      const auto repository = fixture.open();
      for (std::uint32_t i = 0; i < 60; ++i) {
        const auto type = i % 3 == 0 ? ResourceType::vfs_entry : ResourceType::chunk;
        const Bytes bytes = content(20'000, i);
        CHECK(repository->load(type, repository->mac().compute(bytes), 20'000).value() == bytes);
      }
    }
  }

  TEST_CASE("blobs put together are those put one by one, each once") {
    Fixture fixture(true, 300'000);
    const auto repository = fixture.open();
    const auto transaction = Transaction::begin(*repository, {});
    std::vector<Bytes> contents;
    for (std::uint32_t i = 0; i < 100; ++i) contents.push_back(content(i % 50 * 400, i % 50));
    contents.push_back(content(500'000, 7));
    std::vector<BlobToPut> blobs;
    for (std::size_t i = 0; i < contents.size(); ++i) {
      const auto type = i % 2 == 0 ? ResourceType::chunk : ResourceType::vfs_summary;
      blobs.push_back({.type = type, .plain = contents[i]});
    }
    REQUIRE(transaction->put_many(blobs));
    CHECK(transaction->stats().blobs_new == 51);
    CHECK(transaction->stats().blobs_known == 50);
    REQUIRE(transaction->commit(snapshot_id(1), as_bytes("header")));
    const auto again = fixture.open();
    for (const BlobToPut& blob : blobs) {
      CHECK(blob.mac == again->mac().compute(blob.plain));
      CHECK(again->load(blob.type, blob.mac, 1u << 20).value() == to_bytes(blob.plain));
    }
  }

  TEST_CASE("what a checkpoint published is found by the next run, though nothing was committed") {
    Fixture fixture(true, 300'000);
    {
      const auto repository = fixture.open();
      const auto transaction = Transaction::begin(*repository, {.checkpoint_locations = 10});
      for (std::uint32_t i = 0; i < 60; ++i) {
        REQUIRE(transaction->put(ResourceType::chunk, content(20'000, i)));
      }
      // Those that are published already are still not stored twice.
      for (std::uint32_t i = 0; i < 60; ++i) {
        REQUIRE(transaction->put(ResourceType::chunk, content(20'000, i)));
      }
      CHECK(transaction->stats().blobs_new == 60);
    }
    const auto repository = fixture.open();
    CHECK(repository->index().snapshots().empty());
    const auto transaction = Transaction::begin(*repository, {});
    for (std::uint32_t i = 0; i < 60; ++i) {
      REQUIRE(transaction->put(ResourceType::chunk, content(20'000, i)));
    }
    CHECK(transaction->stats().blobs_known >= 30);
  }

  TEST_CASE("a damaged blob is corrupt and named, and read from elsewhere if it is there twice") {
    Fixture fixture;
    Mac mac;
    {
      const auto first = fixture.open();
      const auto second = fixture.open();  // Does not know what the first one stores.
      int id = 0;
      for (Repository* repository : {first.get(), second.get()}) {
        const auto transaction = Transaction::begin(*repository, {});
        mac = transaction->put(ResourceType::chunk, as_bytes("precious")).value();
        REQUIRE(transaction->commit(snapshot_id(++id), as_bytes("header")));
      }
    }
    const auto repository = fixture.open();
    const auto locations = repository->index().find_all(ResourceType::chunk, mac);
    REQUIRE(locations.size() == 2);
    const auto damage = [&](const BlobLocation& location) {
      Bytes& item = fixture.place.items.at({ItemKind::packfile, item_name(location.packfile)});
      item[envelope_header_size + location.offset + 12] ^= std::byte{1};
    };
    damage(locations[0]);
    CHECK(as_text(*repository->load(ResourceType::chunk, mac, 100)) == "precious");
    damage(locations[1]);
    const auto lost = repository->load(ResourceType::chunk, mac, 100);
    REQUIRE_FALSE(lost);
    CHECK(lost.error().code() == Errc::corrupt);
    CHECK(lost.error().message().find(mac.short_hex()) != std::string::npos);
    CHECK(lost.error().message().find("packfile") != std::string::npos);
  }

  TEST_CASE("a header has no MAC, and rot in it is noticed by its checksum") {
    Fixture fixture;
    const Bytes header = content(500, 3);
    {
      const auto repository = fixture.open();
      REQUIRE(Transaction::begin(*repository, {})->commit(snapshot_id(1), header));
    }
    const auto repository = fixture.open();
    const Mac mac{.bytes = snapshot_id(1).bytes};
    const auto location = repository->index().find(ResourceType::snapshot, mac);
    REQUIRE(location);
    Bytes& item = fixture.place.items.at({ItemKind::packfile, item_name(location->packfile)});
    for (std::size_t i = 0; i < location->length; ++i) {
      item[16 + location->offset + i] ^= std::byte{4};
      const auto loaded = repository->load(ResourceType::snapshot, mac, 1000);
      CHECK((!loaded || *loaded == header));
      item[16 + location->offset + i] ^= std::byte{4};
    }
    item[16 + location->offset + location->length / 2] ^= std::byte{4};
    CHECK(repository->load(ResourceType::snapshot, mac, 1000).error().code() == Errc::corrupt);
  }

  TEST_CASE("a state that cannot be read is an error, not a store with fewer snapshots") {
    Fixture fixture;
    {
      const auto repository = fixture.open();
      const auto transaction = Transaction::begin(*repository, {});
      REQUIRE(transaction->commit(snapshot_id(1), as_bytes("header")));
    }
    for (auto& [key, bytes] : fixture.place.items) {
      if (key.first == ItemKind::state) bytes[bytes.size() / 2] ^= std::byte{1};
    }
    const auto repository = fixture.try_open();
    REQUIRE(repository);
    const Status refreshed = (*repository)->refresh();
    REQUIRE_FALSE(refreshed);
    CHECK(refreshed.error().code() == Errc::corrupt);
    CHECK(refreshed.error().message().starts_with("read state "));
  }

  TEST_CASE("a packfile's own index says what the states say, and ends with enough padding") {
    Fixture fixture(true);
    const auto repository = fixture.open();
    const auto transaction = Transaction::begin(*repository, {});
    const Mac mac = transaction->put(ResourceType::chunk, content(5000, 1)).value();
    REQUIRE(transaction->commit(snapshot_id(1), as_bytes("header")));
    const BlobLocation location = repository->index().find(ResourceType::chunk, mac).value();
    const auto lease = repository->codec();
    REQUIRE(lease);
    const auto contents =
        read_packfile(fixture.store, location.packfile, **lease, repository->keys());
    REQUIRE(contents);
    REQUIRE(contents->records.size() == 2);
    CHECK(contents->records[0].mac == mac);
    CHECK(contents->records[0].offset == location.offset);
    CHECK(contents->records[0].length == location.length);
    CHECK(contents->records[1].type == ResourceType::random);
    CHECK(contents->records[1].length >= 64 * 1024);
    CHECK(contents->footer.timestamp_ns > 1'700'000'000'000'000'000);
    Bytes buffer(10'000);
    CHECK(verify_packfile(fixture.store, location.packfile, repository->keys(), buffer));
  }

  TEST_CASE("every flipped byte of a packfile is noticed") {
    Fixture fixture;
    const auto repository = fixture.open();
    const auto transaction = Transaction::begin(*repository, {});
    const Mac mac = transaction->put(ResourceType::chunk, content(500, 1)).value();
    REQUIRE(transaction->commit(snapshot_id(1), as_bytes("header")));
    const BlobLocation location = repository->index().find(ResourceType::chunk, mac).value();
    Bytes& item = fixture.place.items.at({ItemKind::packfile, item_name(location.packfile)});
    Bytes buffer(100'000);
    const auto lease = repository->codec();
    REQUIRE(lease);
    const std::size_t padding_end = item.size() - 400;
    for (std::size_t at = 0; at < item.size(); at += at > 700 && at < padding_end ? 997 : 1) {
      CAPTURE(at);
      item[at] ^= std::byte{0x10};
      CHECK_FALSE(verify_packfile(fixture.store, location.packfile, repository->keys(), buffer));
      // Reading only the index either works or fails; it never crashes.
      static_cast<void>(
          read_packfile(fixture.store, location.packfile, **lease, repository->keys()));
      item[at] ^= std::byte{0x10};
    }
    for (std::size_t cut = 1; cut < 500; ++cut) {
      const Bytes whole = item;
      item.resize(item.size() - cut);
      CHECK_FALSE(verify_packfile(fixture.store, location.packfile, repository->keys(), buffer));
      CHECK_FALSE(read_packfile(fixture.store, location.packfile, **lease, repository->keys()));
      item = whole;
    }
  }
}

namespace {

// The cache of a user, on a disk of its own.
struct Cache {
  plakar::testing::MemoryDisk disk;
  FileSystem files{disk};

  Env env() {
    const Env system = system_env();
    return {system.clock, system.random, files, system.processes};
  }
  Result<std::unique_ptr<Repository>> open(Store& store) {
    return Repository::open(store, env(), [] { return Secret("right"); },
                            {.cache_directory = "/cache"});
  }
  std::string directory(Repository& repository) {
    return "/cache/native/" + repository.config().repository_id.text();
  }
};

void add_snapshot(Repository& repository, int value) {
  const auto transaction = Transaction::begin(repository, {});
  REQUIRE(transaction->put(ResourceType::chunk, content(1000, static_cast<unsigned>(value))));
  REQUIRE(transaction->commit(snapshot_id(value), as_bytes("header")));
}

}  // namespace

TEST_SUITE("repository with a cache") {
  TEST_CASE("states are read once, and by nobody who comes later") {
    Fixture fixture(true);
    Cache cache;
    add_snapshot(*fixture.open(), 1);
    add_snapshot(*fixture.open(), 2);
    for (const std::uint64_t read : {2u, 0u, 0u}) {
      FaultyStore store(fixture.store,
                        {{.nth = 1000, .call = testing::StoreCall::size, .kind = ItemKind::state}});
      const auto repository = cache.open(store).value();
      REQUIRE(repository->refresh());
      CHECK(store.matched() == read);
      CHECK(repository->index().snapshots().size() == 2);
      CHECK(repository->cache_directory() == cache.directory(*repository));
    }
    {
      const auto repository = cache.open(fixture.store).value();
      REQUIRE(repository->refresh());
      add_snapshot(*repository, 3);
      repository->save_index();
    }
    FaultyStore store(
        fixture.store,
        {{.call = testing::StoreCall::read, .kind = ItemKind::state, .repeats = true}});
    const auto repository = cache.open(store).value();
    REQUIRE(repository->refresh());
    CHECK(repository->index().snapshots().size() == 3);
  }

  TEST_CASE("a full disk, a lost cache and a damaged one only cost time") {
    Fixture fixture;
    Cache cache;
    add_snapshot(*fixture.open(), 1);
    const auto snapshots = [&]() -> std::size_t {
      const auto repository = cache.open(fixture.store).value();
      const Status refreshed = repository->refresh();
      REQUIRE(refreshed);
      const std::size_t found = repository->index().snapshots().size();
      REQUIRE(repository->index().status());
      repository->save_index();  // Damage may have been met only now.
      return found;
    };
    cache.disk.set_capacity(0);
    CHECK(snapshots() == 1);
    cache.disk.set_capacity(UINT64_MAX);
    CHECK(snapshots() == 1);
    const std::string table = cache.directory(*fixture.open()) + "/table";
    const std::uint64_t size = cache.files.stat(table).value().size;
    for (std::uint64_t at = 0; at < size; at += 1021) {
      CAPTURE(at);
      {
        const File file = cache.files.open(table, {.access = Access::read_write}).value();
        Bytes damaged(1);
        REQUIRE(file.read_exactly(at, damaged));
        damaged[0] ^= std::byte{0x20};
        REQUIRE(file.write_at(at, damaged));
      }
      REQUIRE(snapshots() == 1);
      // As good as new.
      REQUIRE(cache.files.find(table).value());
    }
    REQUIRE(cache.files.remove_file(table));
    CHECK(snapshots() == 1);
  }

  TEST_CASE("an index that cannot be healed publishes nothing and calls nothing missing") {
    Fixture fixture;
    Cache cache;
    add_snapshot(*fixture.open(), 1);
    REQUIRE(cache.open(fixture.store).value()->refresh());
    const std::string table = cache.directory(*fixture.open()) + "/table";
    {
      const File file = cache.files.open(table, {.access = Access::read_write}).value();
      const Bytes zeros(4096);
      const std::uint64_t size = file.stat().value().size;
      REQUIRE(file.write_at(size - 4096, zeros));  // locations,
      REQUIRE(file.write_at(size - 8192, zeros));  // and the filter
    }
    FaultyStore store(
        fixture.store,
        {{.call = testing::StoreCall::read, .kind = ItemKind::state, .repeats = true}});
    const auto repository = cache.open(store).value();
    const Mac header{.bytes = snapshot_id(1).bytes};
    CHECK(repository->load(ResourceType::snapshot, header, 1000).error().code() == Errc::io);
    CHECK(repository->publish_state(StateId{.bytes = {std::byte{1}}}, {}).error().code() ==
          Errc::io);
    CHECK(repository->refresh().error().code() == Errc::io);
    CHECK(fixture.count(ItemKind::state) == 1);
    // The store is back.
    const auto healed = cache.open(fixture.store).value();
    CHECK(healed->refresh());
    CHECK(as_text(healed->load(ResourceType::snapshot, header, 1000).value()) == "header");
  }

  TEST_CASE("the index of another copy of a store, or of a later time, is not believed") {
    Fixture fixture;
    Cache cache;
    add_snapshot(*fixture.open(), 1);
    const MemoryPlace::Items before = fixture.place.items;
    const auto refresh = [&](std::size_t snapshots) {
      const auto repository = cache.open(fixture.store).value();
      REQUIRE(repository->refresh());
      CHECK(repository->index().snapshots().size() == snapshots);
      return repository->index().has(ResourceType::chunk,
                                     repository->mac().compute(content(1000, 2)));
    };
    add_snapshot(*fixture.open(), 2);
    CHECK(refresh(2));
    fixture.place.items = before;
    CHECK_FALSE(refresh(1));
    // The copies have as many states each.
    add_snapshot(*fixture.open(), 3);
    CHECK_FALSE(refresh(2));
    fixture.place.items = before;
    add_snapshot(*fixture.open(), 2);
    CHECK(refresh(2));
  }

  TEST_CASE("a state that is not listed yet is not forgotten") {
    Fixture fixture;
    Cache cache;
    FaultyStore store(fixture.store);
    const auto repository = cache.open(store).value();
    REQUIRE(repository->refresh());
    store.lag_behind();
    add_snapshot(*repository, 1);
    REQUIRE(repository->refresh());
    CHECK(repository->index().snapshots().size() == 1);
  }
}

}  // namespace plakar::kloset
