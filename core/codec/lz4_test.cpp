#include "core/codec/lz4.h"

#include <doctest/doctest.h>
#include <lz4frame.h>

#include <array>
#include <random>
#include <string>

#include "core/base/hex.h"

namespace plakar::codec {
namespace {

Bytes compressed(BytesView plain, Lz4Checksum checksum = Lz4Checksum::on) {
  Lz4Compressor compressor(checksum);
  Bytes frame(lz4_compress_bound(plain.size()));
  frame.resize(compressor.compress(plain, frame));
  return frame;
}

// What liblz4's own decoder makes of one frame.
Bytes decompressed_by_library(BytesView frame, std::size_t size) {
  Bytes plain(size + 1);
  LZ4F_dctx* context = nullptr;
  LZ4F_createDecompressionContext(&context, LZ4F_VERSION);
  std::size_t produced = plain.size();
  std::size_t consumed = frame.size();
  const std::size_t hint =
      LZ4F_decompress(context, plain.data(), &produced, frame.data(), &consumed, nullptr);
  LZ4F_freeDecompressionContext(context);
  CHECK(hint == 0);
  CHECK(consumed == frame.size());
  plain.resize(produced);
  return plain;
}

Bytes compressed_by_library(BytesView plain, const LZ4F_preferences_t& preferences) {
  Bytes frame(LZ4F_compressFrameBound(plain.size(), &preferences));
  const std::size_t size =
      LZ4F_compressFrame(frame.data(), frame.size(), plain.data(), plain.size(), &preferences);
  REQUIRE_FALSE(LZ4F_isError(size));
  frame.resize(size);
  return frame;
}

// Words drawn from a small vocabulary, or, for `spread` 256, bytes without any pattern.
Bytes sample(std::size_t size, unsigned spread, unsigned seed) {
  std::mt19937 random(seed);
  Bytes out;
  out.reserve(size);
  while (out.size() < size) {
    if (spread >= 256) {
      out.push_back(static_cast<std::byte>(random()));
    } else {
      append(out, as_bytes("word" + std::to_string(random() % spread) + " "));
    }
  }
  out.resize(size);
  return out;
}

void check_corrupt(BytesView frames, std::size_t size_max = 1'000) {
  const auto plain = lz4_decompress(frames, size_max);
  REQUIRE_FALSE(plain);
  CHECK(plain.error().code() == Errc::corrupt);
}

constexpr std::string_view hello = "hello world\n";
constexpr std::string_view hello_frame =
    "04224d186470b9"
    "0c000080"
    "68656c6c6f20776f726c640a"
    "00000000b08d52a4";

}  // namespace

TEST_SUITE("lz4") {
  TEST_CASE("the empty plaintext and a stored block are the bytes of the reference") {
    CHECK(to_hex(compressed({})) == "04224d186470b900000000055dcc02");
    CHECK(to_hex(compressed(as_bytes(hello))) == hello_frame);
  }

  TEST_CASE("every size and kind of data survives, and is what the library reads") {
    constexpr std::size_t block = std::size_t{4} << 20;
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{12}, std::size_t{13},
                                   std::size_t{300}, std::size_t{65'536}, std::size_t{1'000'000},
                                   block - 1, block, block + 1, 2 * block + 5}) {
      for (const unsigned spread : {1u, 200u, 256u}) {
        CAPTURE(size);
        CAPTURE(spread);
        const Bytes plain = sample(size, spread, 1);
        for (const Lz4Checksum checksum : {Lz4Checksum::on, Lz4Checksum::off}) {
          const Bytes frame = compressed(plain, checksum);
          CHECK(frame.size() <= lz4_compress_bound(size));
          CHECK(decompressed_by_library(frame, size) == plain);

          Bytes exact(size);
          const auto decoded = lz4_decompress(frame, std::span(exact));
          REQUIRE(decoded);
          CHECK(*decoded == size);
          CHECK(exact == plain);
          const auto grown = lz4_decompress(frame, size);
          REQUIRE(grown);
          CHECK(*grown == plain);
        }
      }
    }
  }

  TEST_CASE("a compressor carries nothing from one frame to the next") {
    Lz4Compressor compressor;
    const Bytes text = sample(5'000, 50, 2);
    Bytes first(lz4_compress_bound(text.size()));
    first.resize(compressor.compress(text, first));
    for (const std::size_t size : {200'000u, 100u, 0u}) {
      const Bytes other = sample(size, 300, 3);
      Bytes frame(lz4_compress_bound(other.size()));
      compressor.compress(other, frame);
    }
    Bytes again(lz4_compress_bound(text.size()));
    again.resize(compressor.compress(text, again));
    CHECK(again == first);
  }

  TEST_CASE("every form of frame that the library writes is read") {
    const Bytes plain = sample(300'000, 100, 4);
    for (const auto block_size : {LZ4F_max64KB, LZ4F_max256KB, LZ4F_max1MB, LZ4F_max4MB}) {
      for (const auto mode : {LZ4F_blockLinked, LZ4F_blockIndependent}) {
        for (const auto block_check : {LZ4F_noBlockChecksum, LZ4F_blockChecksumEnabled}) {
          for (const auto content_check : {LZ4F_noContentChecksum, LZ4F_contentChecksumEnabled}) {
            for (const std::size_t content_size : {std::size_t{0}, plain.size()}) {
              LZ4F_preferences_t preferences{};
              preferences.frameInfo.blockSizeID = block_size;
              preferences.frameInfo.blockMode = mode;
              preferences.frameInfo.blockChecksumFlag = block_check;
              preferences.frameInfo.contentChecksumFlag = content_check;
              preferences.frameInfo.contentSize = content_size;
              const Bytes frame = compressed_by_library(plain, preferences);
              const auto grown = lz4_decompress(frame, plain.size());
              REQUIRE(grown);
              CHECK(*grown == plain);
              Bytes fixed(plain.size() + 100);
              const auto size = lz4_decompress(frame, std::span(fixed));
              REQUIRE(size);
              CHECK(*size == plain.size());
            }
          }
        }
      }
    }
  }

  TEST_CASE("no input is the empty plaintext") {
    const auto plain = lz4_decompress({}, 0);
    REQUIRE(plain);
    CHECK(plain->empty());
  }

  TEST_CASE("frames behind each other are one plaintext, skippable ones are skipped") {
    Bytes frames = *from_hex("502a4d1803000000aabbcc");
    append(frames, *from_hex(hello_frame));
    append(frames, *from_hex("5f2a4d1800000000"));
    append(frames, compressed(as_bytes("again")));
    const auto plain = lz4_decompress(frames, 17);
    REQUIRE(plain);
    CHECK(as_text(*plain) == "hello world\nagain");
  }

  TEST_CASE("a legacy frame ends with the input or at the next frame") {
    // One block of the literals "hello world\n".
    const Bytes legacy = *from_hex("02214c180d000000c068656c6c6f20776f726c640a");
    auto plain = lz4_decompress(legacy, 12);
    REQUIRE(plain);
    CHECK(as_text(*plain) == hello);

    Bytes both = legacy;
    append(both, *from_hex(hello_frame));
    plain = lz4_decompress(both, 24);
    REQUIRE(plain);
    CHECK(as_text(*plain) == "hello world\nhello world\n");
    check_corrupt(BytesView(legacy).first(legacy.size() - 1));
  }

  TEST_CASE("plaintext above the limit is corrupt, however small its frame") {
    const Bytes plain(std::size_t{3} << 20);
    const Bytes frame = compressed(plain);
    CHECK(frame.size() < 20'000);
    check_corrupt(frame, plain.size() - 1);
    check_corrupt(frame, 0);
    check_corrupt(*from_hex(hello_frame), 11);
    CHECK(lz4_decompress(frame, plain.size()));
  }

  TEST_CASE("a frame cut at any byte is corrupt") {
    Bytes frame = compressed(sample(500, 20, 5));
    append(frame, *from_hex(hello_frame));
    const std::size_t first_frame = frame.size() - hello_frame.size() / 2;
    for (std::size_t size = 1; size < frame.size(); ++size) {
      CAPTURE(size);
      if (size == first_frame) continue;
      check_corrupt(BytesView(frame).first(size));
    }
  }

  TEST_CASE("a flipped bit never makes another plaintext") {
    const Bytes plain = sample(300, 20, 6);
    const Bytes frame = compressed(plain);
    for (std::size_t bit = 0; bit < 8 * frame.size(); ++bit) {
      CAPTURE(bit);
      Bytes flipped = frame;
      flipped[bit / 8] ^= std::byte{1} << (bit % 8);
      // A match may move to another copy of the same bytes.
      const auto decoded = lz4_decompress(flipped, 1'000);
      CHECK((!decoded || *decoded == plain));
    }
  }

  TEST_CASE("bytes behind the last frame are corrupt") {
    Bytes frame = *from_hex(hello_frame);
    frame.push_back(std::byte{0});
    check_corrupt(frame);
    append(frame, Bytes(7));
    check_corrupt(frame);
  }

  TEST_CASE("a wrong checksum of the content is passed over only where asked") {
    Bytes frame = *from_hex(hello_frame);
    frame.back() ^= std::byte{1};
    check_corrupt(frame);
    std::array<std::byte, 12> out{};
    CHECK(lz4_decompress(frame, out, Lz4Checksum::off));
    CHECK_FALSE(lz4_decompress(frame, out, Lz4Checksum::on));
  }

  TEST_CASE("a frame of another version, with unknown flags or a dictionary is unsupported") {
    LZ4F_preferences_t preferences{};
    preferences.frameInfo.dictID = 7;
    const Bytes with_dictionary = compressed_by_library(as_bytes(hello), preferences);
    for (const Bytes& frame : {*from_hex("04224d18247000"), *from_hex("04224d18667000"),
                               *from_hex("04224d18647100"), with_dictionary}) {
      const auto plain = lz4_decompress(frame, 100);
      REQUIRE_FALSE(plain);
      CHECK(plain.error().code() == Errc::unsupported);
    }
  }
}

}  // namespace plakar::codec
