#include "core/kloset/snapshot/object_reader.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "core/kloset/testing/memory_blobs.h"

namespace plakar::kloset {
namespace {

using testing::MemoryBlobs;

// An object of chunks "aa", "", "bbb", "c": `lengths` is what it says of them.
Mac store(MemoryBlobs& blobs, std::vector<std::uint32_t> lengths = {2, 0, 3, 1}) {
  Object object;
  std::size_t at = 0;
  for (const std::string_view text : {"aa", "", "bbb", "c"}) {
    const Mac mac = blobs.put(ResourceType::chunk, as_bytes(text)).value();
    object.chunks.push_back({.content = mac, .length = lengths[at++]});
  }
  object.content = blobs.mac(as_bytes("aabbbc"));
  Bytes encoded;
  encode_object(encoded, object);
  return blobs.put(ResourceType::object, encoded).value();
}

}  // namespace

TEST_SUITE("reading objects") {
  TEST_CASE("chunks come in order, and together are the content") {
    MemoryBlobs blobs;
    auto reader = ObjectReader::open(blobs, store(blobs));
    REQUIRE(reader);
    CHECK(reader->size() == 6);
    CHECK(reader->content() == blobs.mac(as_bytes("aabbbc")));
    std::string text;
    for (Bytes chunk; reader->next_chunk(chunk).value();) text += as_text(chunk);
    CHECK(text == "aabbbc");
    CHECK(as_text(load_object_content(blobs, store(blobs), 6).value()) == "aabbbc");
    CHECK(load_object_content(blobs, store(blobs), 5).error().code() == Errc::corrupt);
  }

  TEST_CASE("any range is read, in pieces of any size") {
    MemoryBlobs blobs;
    auto reader = ObjectReader::open(blobs, store(blobs));
    REQUIRE(reader);
    const std::string_view whole = "aabbbc";
    for (std::size_t offset = 0; offset <= 8; ++offset) {
      for (std::size_t piece = 1; piece <= 7; ++piece) {
        CAPTURE(offset);
        CAPTURE(piece);
        reader->seek(offset);
        std::string text;
        Bytes out(piece);
        while (const std::size_t got = reader->read(out).value()) {
          text += as_text(BytesView(out).first(got));
        }
        CHECK(text == whole.substr(std::min(offset, whole.size())));
      }
    }
  }

  TEST_CASE("a chunk of another length than the object says is corrupt") {
    MemoryBlobs blobs;
    for (const std::uint32_t wrong : {0u, 1u, 3u}) {
      auto reader = ObjectReader::open(blobs, store(blobs, {wrong, 0, 3, 1}));
      REQUIRE(reader);
      Bytes chunk;
      CHECK(reader->next_chunk(chunk).error().code() == Errc::corrupt);
    }
    CHECK(ObjectReader::open(blobs, store(blobs, {0xffffffff, 0, 3, 1})).error().code() ==
          Errc::corrupt);
  }

  TEST_CASE("reading on after a chunk of a wrong length fails again, and gives nothing of it") {
    MemoryBlobs blobs;
    // "aa" is sound; "bbb" is longer than said, or shorter.
    for (const std::uint32_t wrong : {1u, 2u, 9u}) {
      CAPTURE(wrong);
      auto reader = ObjectReader::open(blobs, store(blobs, {2, 0, wrong, 1}));
      REQUIRE(reader);
      Bytes out(10);
      CHECK(reader->read(out).value() == 2);
      for (int attempt = 0; attempt < 3; ++attempt) {
        CHECK(reader->read(out).error().code() == Errc::corrupt);
      }
      Bytes chunk = to_bytes(as_bytes("kept"));
      CHECK(reader->next_chunk(chunk).error().code() == Errc::corrupt);
      CHECK(as_text(chunk) == "kept");
    }
  }

  TEST_CASE("a chunk taken whole ends what a seek began in it") {
    MemoryBlobs blobs;
    auto reader = ObjectReader::open(blobs, store(blobs));
    REQUIRE(reader);
    reader->seek(4);
    Bytes chunk;
    REQUIRE(reader->next_chunk(chunk).value());
    CHECK(as_text(chunk) == "bbb");
    Bytes out(10);
    CHECK(reader->read(out).value() == 1);
    CHECK(out[0] == std::byte{'c'});
  }

  TEST_CASE("a lost chunk fails where it is, and what is before and behind it can be read") {
    MemoryBlobs blobs;
    const Mac object = store(blobs);
    REQUIRE(blobs.items.erase({ResourceType::chunk, blobs.mac(as_bytes("bbb"))}) == 1);
    auto reader = ObjectReader::open(blobs, object);
    REQUIRE(reader);
    Bytes out(10);
    CHECK(reader->read(out).value() == 2);
    CHECK(reader->read(out).error().code() == Errc::not_found);
    reader->seek(5);
    CHECK(reader->read(out).value() == 1);
    CHECK(out[0] == std::byte{'c'});
  }
}

}  // namespace plakar::kloset
