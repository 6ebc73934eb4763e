#include "core/codec/zstd.h"

#include <doctest/doctest.h>

#include "core/base/hex.h"

namespace plakar::codec {
namespace {

Bytes compressed(BytesView plain, int level = zstd_level_default) {
  ZstdCompressor compressor(level);
  Bytes frame(zstd_compress_bound(plain.size()));
  frame.resize(compressor.compress(plain, frame));
  return frame;
}

}  // namespace

TEST_SUITE("zstd") {
  TEST_CASE("a frame carries size and checksum of its content") {
    const Bytes frame = compressed(as_bytes("hello"));
    CHECK(to_hex(BytesView(frame).first(6)) == "28b52ffd2405");
    for (std::size_t byte = frame.size() - 4; byte < frame.size(); ++byte) {
      Bytes flipped = frame;
      flipped[byte] ^= std::byte{1};
      const auto plain = zstd_decompress(flipped, 100);
      REQUIRE_FALSE(plain);
      CHECK(plain.error().code() == Errc::corrupt);
    }
  }

  TEST_CASE("frames behind each other are one plaintext, skippable ones are skipped") {
    Bytes frames = *from_hex("502a4d1803000000aabbcc");
    append(frames, compressed(as_bytes("one ")));
    append(frames, compressed({}));
    append(frames, compressed(as_bytes("two")));
    const auto plain = zstd_decompress(frames, 7);
    REQUIRE(plain);
    CHECK(as_text(*plain) == "one two");
  }

  TEST_CASE("every level is read, and the highest is not larger than the lowest") {
    Bytes plain;
    for (int i = 0; i < 20'000; ++i) append(plain, as_bytes(std::to_string(i * i % 1'009) + ","));
    for (const int level : {1, 3, 19}) {
      const auto back = zstd_decompress(compressed(plain, level), plain.size());
      REQUIRE(back);
      CHECK(*back == plain);
    }
    CHECK(compressed(plain, 19).size() <= compressed(plain, 1).size());
  }

  TEST_CASE("a frame that asks for a window above the limit is unsupported") {
    // No content size, window descriptor 88: 128 MiB. A block of one raw byte.
    const auto plain = zstd_decompress(*from_hex("28b52ffd008809000061"), 100);
    REQUIRE_FALSE(plain);
    CHECK(plain.error().code() == Errc::unsupported);
  }

  TEST_CASE("the old formats are unsupported, whole and in pieces") {
    const Bytes old = *from_hex("27b52ffd002ffd006100000000000000000000000000");
    const auto plain = zstd_decompress(old, 100);
    REQUIRE_FALSE(plain);
    CHECK(plain.error().code() == Errc::unsupported);

    ZstdDecoder decoder;
    Bytes out(100);
    bool refused = false;
    for (std::size_t i = 0; i < 4; ++i)
      refused |= !decoder.decode(BytesView(old).subspan(i, 1), out);
    CHECK(refused);
  }

  TEST_CASE("no input and bytes that are no frame are corrupt") {
    for (const char* stream : {"", "00", "0000000000", "28b52f"}) {
      CAPTURE(stream);
      const auto plain = zstd_decompress(*from_hex(stream), 100);
      REQUIRE_FALSE(plain);
      CHECK(plain.error().code() == Errc::corrupt);
    }
  }
}

}  // namespace plakar::codec
