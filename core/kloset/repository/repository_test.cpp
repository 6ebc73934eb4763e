#include "core/kloset/repository/repository.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "core/kloset/format/envelope.h"
#include "core/kloset/repository/packfile_reader.h"
#include "core/kloset/repository/transaction.h"
#include "core/kloset/state/delta.h"
#include "core/kloset/testing/memory_store.h"

namespace plakar::kloset {
namespace {

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

  TEST_CASE("a snapshot that was removed and is stored again is there, and leads to the new one") {
    Fixture fixture;
    {
      const auto repository = fixture.open();
      const auto transaction = Transaction::begin(*repository, {});
      REQUIRE(transaction->commit(snapshot_id(1), as_bytes("old")));
      StateWriter removal(repository->index().last_state());
      const Mac mac{.bytes = snapshot_id(1).bytes};
      removal.add(ColouredEntry{.type = ResourceType::snapshot, .mac = mac, .time_ns = 5});
      REQUIRE(repository->publish_state(StateId::random(system_env().random),
                                        std::move(removal).finish(5)));
      CHECK(repository->index().snapshots().empty());
      const auto again = Transaction::begin(*repository, {});
      REQUIRE(again->commit(snapshot_id(1), as_bytes("new")));
      CHECK(repository->index().snapshots() == std::vector{snapshot_id(1)});
    }
    const auto repository = fixture.open();
    CHECK(repository->index().snapshots() == std::vector{snapshot_id(1)});
    const Mac header{.bytes = snapshot_id(1).bytes};
    CHECK(as_text(*repository->load(ResourceType::snapshot, header, 1000)) == "new");
    CHECK(repository->index().find_all(ResourceType::snapshot, header).size() == 1);
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

  TEST_CASE("many threads store at once, each blob once") {
    Fixture fixture(true, 300'000);
    {
      const auto repository = fixture.open();
      const auto transaction = Transaction::begin(*repository, {.data_packfiles = 3});
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

}  // namespace plakar::kloset
