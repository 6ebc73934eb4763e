#include "core/codec/gzip.h"

#include <doctest/doctest.h>

#include <string>

#include "core/base/hex.h"

namespace plakar::codec {
namespace {

Bytes compressed(BytesView plain) {
  GzipCompressor compressor;
  Bytes stream(gzip_compress_bound(plain.size()));
  stream.resize(compressor.compress(plain, stream));
  return stream;
}

// "hello\n" as gzip(1) writes it, with a name and a time.
constexpr std::string_view named_member =
    "1f8b08080068a26a000368656c6c6f2e74787400"
    "cb48cdc9c9e7020020303a3606000000";

void check_corrupt(BytesView stream) {
  const auto plain = gzip_decompress(stream, 1'000);
  REQUIRE_FALSE(plain);
  CHECK(plain.error().code() == Errc::corrupt);
}

}  // namespace

TEST_SUITE("gzip") {
  TEST_CASE("the header names no file, no time and no system, and is always the same") {
    GzipCompressor compressor;
    for (const char* text : {"first", "second"}) {
      Bytes stream(gzip_compress_bound(6));
      compressor.compress(as_bytes(text), stream);
      CHECK(to_hex(BytesView(stream).first(10)) == "1f8b08000000000000ff");
    }
    CHECK(to_hex(compressed({})) == "1f8b08000000000000ff03000000000000000000");
  }

  TEST_CASE("a member with a name is read, members behind each other are one plaintext") {
    Bytes stream = *from_hex(named_member);
    append(stream, compressed(as_bytes("and more\n")));
    const auto plain = gzip_decompress(stream, 15);
    REQUIRE(plain);
    CHECK(as_text(*plain) == "hello\nand more\n");
  }

  TEST_CASE("what follows a member and is not another is corrupt, zeros too") {
    Bytes stream = *from_hex(named_member);
    stream.push_back(std::byte{0});
    check_corrupt(stream);
    stream.resize(stream.size() + 100);
    check_corrupt(stream);
    stream = *from_hex(named_member);
    append(stream, *from_hex("1f8b"));
    check_corrupt(stream);
  }

  TEST_CASE("a wrong checksum or length is corrupt") {
    for (const std::size_t from_end : {8u, 4u}) {
      Bytes stream = *from_hex(named_member);
      stream[stream.size() - from_end] ^= std::byte{1};
      check_corrupt(stream);
    }
  }

  TEST_CASE("no input is not a stream") { check_corrupt({}); }
}

}  // namespace plakar::codec
