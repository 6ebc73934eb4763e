#include "core/kloset/repository/blob_reader.h"

#include <doctest/doctest.h>

#include <map>
#include <string>

#include "core/base/testing/seeded_random.h"
#include "core/kloset/repository/transaction.h"
#include "core/kloset/testing/memory_store.h"

namespace plakar::kloset {
namespace {

using testing::MemoryPlace;
using testing::MemoryStore;

// A store with blobs of all sizes, in several packfiles.
struct Fixture {
  MemoryPlace place;
  MemoryStore store{place};
  std::unique_ptr<Repository> repository;
  std::vector<std::pair<Mac, Bytes>> blobs;

  Fixture() {
    StoreConfig config = default_config();
    config.packfile.size_max = 300'000;
    KdfParams kdf = *default_kdf("ARGON2ID");
    kdf.argon2id->memory_kib = 8;
    kdf.argon2id->time = 1;
    const Secret secret("secret");
    REQUIRE(Repository::create(store, config, &secret, kdf, system_env()));
    auto opened = Repository::open(store, system_env(),
                                   []() -> Result<Secret> { return Secret("secret"); }, {});
    REQUIRE(opened);
    repository = *std::move(opened);
    const auto transaction = Transaction::begin(*repository, {});
    plakar::testing::SeededRandom random(5);
    for (std::size_t i = 0; i < 200; ++i) {
      Bytes bytes(i % 40 == 39 ? 100'000 + i : i * i % 7000);
      random.fill(bytes);
      const auto mac = transaction->put(ResourceType::chunk, bytes);
      REQUIRE(mac);
      blobs.emplace_back(*mac, std::move(bytes));
    }
    REQUIRE(transaction->commit(StateId::random(random)));
  }

  WantedBlob wanted(std::size_t blob, std::span<std::byte> out = {}) const {
    const auto& [mac, bytes] = blobs[blob];
    return {.type = ResourceType::chunk, .mac = mac, .plain_size_max = bytes.size(), .out = out};
  }
  Bytes& item_of(std::size_t blob) {
    const auto location = repository->index().find(ResourceType::chunk, blobs[blob].first);
    REQUIRE(location);
    return place.items.at({ItemKind::packfile, item_name(location->packfile)});
  }

  std::map<std::size_t, Result<Bytes>> read(std::span<const WantedBlob> all) {
    auto reader = BlobReader::create(*repository);
    REQUIRE(reader);
    std::map<std::size_t, Result<Bytes>> got;
    REQUIRE(reader->read(
        all,
        [&](std::size_t number, Result<BytesView> plain) -> Status {
          const bool is_new =
              got.emplace(number, plain ? Result<Bytes>(to_bytes(*plain)) : plain.error()).second;
          CHECK(is_new);
          return {};
        },
        {}));
    CHECK(got.size() == all.size());
    return got;
  }
};

}  // namespace

TEST_SUITE("blob reader") {
  TEST_CASE("every blob comes once, whatever the order and however often it is wanted") {
    Fixture fixture;
    plakar::testing::SeededRandom random(6);
    std::vector<WantedBlob> wanted;
    std::vector<std::size_t> which;
    for (int i = 0; i < 500; ++i) {
      which.push_back(random.below(fixture.blobs.size()));
      wanted.push_back(fixture.wanted(which.back()));
    }
    const auto got = fixture.read(wanted);
    for (const auto& [number, bytes] : got) {
      REQUIRE(bytes);
      CHECK(*bytes == fixture.blobs[which[number]].second);
    }
  }

  TEST_CASE("blobs land where they are wanted, several times if need be") {
    Fixture fixture;
    std::vector<WantedBlob> wanted;
    std::vector<Bytes> places(fixture.blobs.size() * 2);
    for (std::size_t i = 0; i < places.size(); ++i) {
      places[i].resize(fixture.blobs[i / 2].second.size());
      wanted.push_back(fixture.wanted(i / 2, places[i]));
    }
    fixture.read(wanted);
    for (std::size_t i = 0; i < places.size(); ++i) {
      CHECK(places[i] == fixture.blobs[i / 2].second);
    }
  }

  TEST_CASE("damage is that of the blob that it is in, and of no neighbour") {
    Fixture fixture;
    const auto location =
        fixture.repository->index().find(ResourceType::chunk, fixture.blobs[50].first);
    REQUIRE(location);
    fixture.item_of(50)[16 + location->offset + location->length / 2] ^= std::byte{1};
    std::vector<WantedBlob> wanted;
    for (std::size_t i = 0; i < fixture.blobs.size(); ++i) wanted.push_back(fixture.wanted(i));
    wanted.push_back({.type = ResourceType::chunk, .mac = {}, .plain_size_max = 10});
    wanted.push_back(fixture.wanted(50));
    for (const auto& [number, bytes] : fixture.read(wanted)) {
      CAPTURE(number);
      if (number == 50 || number == fixture.blobs.size() + 1) {
        REQUIRE_FALSE(bytes);
        CHECK(bytes.error().code() == Errc::corrupt);
        CHECK(bytes.error().message().find("in packfile " + location->packfile.short_hex()) !=
              std::string::npos);
      } else if (number == fixture.blobs.size()) {
        CHECK(bytes.error().code() == Errc::not_found);
      } else {
        REQUIRE(bytes);
        CHECK(*bytes == fixture.blobs[number].second);
      }
    }
  }

  TEST_CASE("a packfile that is cut off, or missing, costs what was in it") {
    Fixture fixture;
    const auto location =
        fixture.repository->index().find(ResourceType::chunk, fixture.blobs[50].first);
    REQUIRE(location);
    Bytes& item = fixture.item_of(50);
    item.resize(16 + location->offset + location->length / 2);
    std::vector<WantedBlob> wanted;
    for (std::size_t i = 0; i < fixture.blobs.size(); ++i) wanted.push_back(fixture.wanted(i));
    std::size_t lost = 0;
    for (const auto& [number, bytes] : fixture.read(wanted)) {
      const auto place =
          fixture.repository->index().find(ResourceType::chunk, fixture.blobs[number].first);
      REQUIRE(place);
      const bool is_lost = place->packfile == location->packfile && place->length > 0 &&
                           place->offset + place->length > item.size() - 16;
      CHECK(bytes.has_value() == !is_lost);
      lost += is_lost ? 1 : 0;
    }
    CHECK(lost > 0);
    CHECK(lost < fixture.blobs.size());
  }

  TEST_CASE("what is larger than it may be is corrupt") {
    Fixture fixture;
    WantedBlob blob = fixture.wanted(100);
    REQUIRE(blob.plain_size_max > 100);
    blob.plain_size_max -= 1;
    const std::vector<WantedBlob> wanted{blob, fixture.wanted(100)};
    const auto got = fixture.read(wanted);
    CHECK(got.at(0).error().code() == Errc::corrupt);
    REQUIRE(got.at(1));
    CHECK(*got.at(1) == fixture.blobs[100].second);
  }

  TEST_CASE("the first error of who gets the blobs, and a cancel, end the reading") {
    Fixture fixture;
    auto reader = BlobReader::create(*fixture.repository);
    REQUIRE(reader);
    const std::vector<WantedBlob> wanted{fixture.wanted(1), fixture.wanted(2)};
    int calls = 0;
    const auto refuse = [&](std::size_t, const Result<BytesView>&) -> Status {
      ++calls;
      return Error(Errc::io, "full");
    };
    CHECK(reader->read(wanted, refuse, {}).error().code() == Errc::io);
    CHECK(calls == 1);
    const flow::CancelSource cancel;
    cancel.cancel("test");
    CHECK(reader->read(wanted, refuse, cancel.token()).error().code() == Errc::cancelled);
    CHECK(calls == 1);
  }
}

}  // namespace plakar::kloset
