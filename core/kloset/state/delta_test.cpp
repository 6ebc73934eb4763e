#include "core/kloset/state/delta.h"

#include <doctest/doctest.h>

#include <vector>

#include "core/kloset/format/envelope.h"
#include "tests/support/golden_stores.h"

namespace plakar::kloset {
namespace {

struct Read {
  StateFrame frame;
  std::vector<StateEntry> entries;
};

Result<Read> read_all(BytesView plain, Version version = version_1_1_0) {
  Read read;
  read.frame = PLK_TRY(read_state(plain, version, [&](const StateEntry& entry) -> Status {
    read.entries.push_back(entry);
    return {};
  }));
  return read;
}

template <class Id>
Id filled(int value) {
  Id id;
  id.bytes.fill(static_cast<std::byte>(value));
  return id;
}

std::vector<StateEntry> one_of_each() {
  return {
      DeletedPackfile{.packfile = filled<PackfileMac>(1)},
      DeletedColour{.type = ResourceType::packfile, .mac = filled<Mac>(2)},
      DeletedLocation{
          .type = ResourceType::chunk, .blob = filled<Mac>(3), .packfile = filled<PackfileMac>(4)},
      LocationEntry{.type = ResourceType::vfs_root,
                    .version = version_1_0_0,
                    .blob = filled<Mac>(5),
                    .packfile = filled<PackfileMac>(6),
                    .offset = 1ull << 40,
                    .length = 77,
                    .flags = 0},
      ColouredEntry{.type = ResourceType::snapshot, .mac = filled<Mac>(7), .time_ns = -1},
      PackfileEntry{.packfile = filled<PackfileMac>(8),
                    .state = filled<StateId>(9),
                    .time_ns = 1795241883615332450}};
}

Bytes written(const std::vector<StateEntry>& entries) {
  StateWriter writer(filled<StateId>(0x5a));
  for (const StateEntry& entry : entries) writer.add(entry);
  return std::move(writer).finish(42);
}

}  // namespace

TEST_SUITE("state") {
  TEST_CASE("a state of genuine Plakar is read, and written again to the same bytes") {
    // The store without compression: the body of its envelope is the plaintext.
    for (const auto& file : testing::golden_items("nocomp", "states")) {
      const Bytes item = testing::read_whole(file);
      const auto envelope = split_envelope(item, ResourceType::state);
      REQUIRE(envelope);
      const auto read = read_all(envelope->body, envelope->version);
      REQUIRE(read);
      CHECK(read->entries.size() > 60);
      StateWriter writer(read->frame.parent);
      for (const StateEntry& entry : read->entries) writer.add(entry);
      CHECK(std::move(writer).finish(read->frame.timestamp_ns) == to_bytes(envelope->body));
    }
  }

  TEST_CASE("every kind of entry survives the way there and back") {
    const auto read = read_all(written(one_of_each()));
    REQUIRE(read);
    CHECK(read->entries == one_of_each());
    CHECK(read->frame.parent == filled<StateId>(0x5a));
    CHECK(read->frame.timestamp_ns == 42);
    CHECK(read->frame.serial.is_zero());
  }

  TEST_CASE("version 1.0.0 has no parent") {
    const Bytes plain = written({});
    const auto read = read_all(BytesView(plain).subspan(32), version_1_0_0);
    REQUIRE(read);
    CHECK(read->frame.parent.is_zero());
    CHECK(read->frame.timestamp_ns == 42);
  }

  TEST_CASE("every truncation is corrupt") {
    const Bytes plain = written(one_of_each());
    for (std::size_t size = 0; size < plain.size(); ++size) {
      const auto read = read_all(BytesView(plain).first(size));
      CAPTURE(size);
      REQUIRE_FALSE(read);
      CHECK(read.error().code() == Errc::corrupt);
    }
  }

  TEST_CASE("unknown entries and configurations are passed over by their length") {
    Bytes plain;
    append(plain, StateId().view());
    for (const int type : {5, 99}) {
      plain.push_back(static_cast<std::byte>(type));
      append_le<std::uint32_t>(plain, 3);
      append(plain, as_bytes("abc"));
    }
    append(plain, BytesView(written({})).subspan(32));
    const auto read = read_all(plain);
    REQUIRE(read);
    CHECK(read->entries.empty());
  }

  TEST_CASE("a known entry of another length, or a deletion of something else, is corrupt") {
    Bytes plain = written({ColouredEntry{}});
    store_le<std::uint32_t>(std::span(plain).subspan(33), 40);
    CHECK(read_all(plain).error().code() == Errc::corrupt);
    plain = written({DeletedColour{}});
    plain[37] = std::byte{5};
    CHECK(read_all(plain).error().code() == Errc::corrupt);
  }

  TEST_CASE("a length that reaches past the end is corrupt, however large") {
    Bytes plain = written({});
    plain.insert(plain.begin() + 32, {std::byte{99}, std::byte{0xff}, std::byte{0xff},
                                      std::byte{0xff}, std::byte{0xff}});
    CHECK(read_all(plain).error().code() == Errc::corrupt);
  }

  TEST_CASE("the visitor's error ends the reading") {
    int visited = 0;
    const Bytes plain = written(one_of_each());
    const auto read = read_state(plain, version_1_1_0, [&](const StateEntry&) -> Status {
      ++visited;
      return Error(Errc::cancelled, "enough");
    });
    CHECK(read.error().code() == Errc::cancelled);
    CHECK(visited == 1);
  }
}

}  // namespace plakar::kloset
