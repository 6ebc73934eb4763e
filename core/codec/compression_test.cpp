#include "core/codec/compression.h"

#include <doctest/doctest.h>

#include <random>
#include <string>

namespace plakar::codec {
namespace {

constexpr Compression all[] = {Compression::none, Compression::lz4, Compression::gzip,
                               Compression::zstd};

// Half text, half noise.
Bytes sample(std::size_t size) {
  std::mt19937 random(1);
  Bytes out;
  while (out.size() < size / 2) append(out, as_bytes("line " + std::to_string(random() % 300)));
  while (out.size() < size) out.push_back(static_cast<std::byte>(random()));
  out.resize(size);
  return out;
}

Bytes compressed(Compressor& compressor, BytesView plain) {
  Bytes unit(compressor.bound(plain.size()));
  unit.resize(compressor.compress(plain, unit));
  return unit;
}

Bytes compressed(Compression algorithm, BytesView plain) {
  Compressor compressor(algorithm);
  return compressed(compressor, plain);
}

// The plaintext, from pieces of the given sizes.
Result<Bytes> decoded_in_pieces(StreamDecoder& decoder, BytesView stream, std::size_t in_size,
                                std::size_t out_size) {
  Bytes plain;
  Bytes out(out_size);
  while (!stream.empty()) {
    BytesView in = stream.first(std::min(in_size, stream.size()));
    stream = stream.subspan(in.size());
    for (;;) {
      const auto progress = PLK_TRY(decoder.decode(in, out));
      in = in.subspan(progress.consumed);
      append(plain, BytesView(out).first(progress.produced));
      if (in.empty() && progress.produced < out.size()) break;
    }
  }
  PLK_TRY(decoder.finish());
  return plain;
}

}  // namespace

TEST_SUITE("compression") {
  TEST_CASE("every recorded name leads back to its algorithm") {
    for (Compression known : {Compression::lz4, Compression::gzip, Compression::zstd}) {
      auto found = compression_from_name(compression_name(known));
      REQUIRE(found);
      CHECK(*found == known);
    }
  }

  TEST_CASE("names are exact, and no unknown name means uncompressed") {
    for (const char* name : {"", "none", "lz4", "Lz4", "LZ4 ", "ZLIB", "zstd"}) {
      auto found = compression_from_name(name);
      REQUIRE_FALSE(found);
      CHECK(found.error().code() == Errc::unsupported);
    }
  }

  TEST_CASE("every unit survives, one after the other in the same memory") {
    for (const Compression algorithm : all) {
      CAPTURE(compression_name(algorithm));
      Compressor compressor(algorithm);
      Decompressor decompressor(algorithm);
      for (const std::size_t size : {100'000u, 0u, 1u, 1'500'000u, 17u}) {
        CAPTURE(size);
        const Bytes plain = sample(size);
        const Bytes unit = compressed(compressor, plain);
        CHECK(unit == compressed(algorithm, plain));

        const auto grown = decompressor.decompress(unit, size);
        REQUIRE(grown);
        CHECK(*grown == plain);
        Bytes exact(size);
        const auto used = decompressor.decompress(unit, std::span(exact));
        REQUIRE(used);
        CHECK(*used == size);
        CHECK(exact == plain);
        Bytes larger(size + 10);
        CHECK(decompressor.decompress(unit, std::span(larger)).value_or(0) == size);
      }
    }
  }

  TEST_CASE("one byte more than expected is corrupt, and harms no later unit") {
    const Bytes plain = sample(10'000);
    const Bytes other = sample(50);
    for (const Compression algorithm : all) {
      CAPTURE(compression_name(algorithm));
      const Bytes unit = compressed(algorithm, plain);
      Decompressor decompressor(algorithm);
      Bytes small(plain.size() - 1);
      for (int i = 0; i < 2; ++i) {
        const auto used = decompressor.decompress(unit, std::span(small));
        REQUIRE_FALSE(used);
        CHECK(used.error().code() == Errc::corrupt);
        const auto grown = decompressor.decompress(unit, small.size());
        REQUIRE_FALSE(grown);
        CHECK(grown.error().code() == Errc::corrupt);
      }
      const auto good = decompressor.decompress(compressed(algorithm, other), other.size());
      REQUIRE(good);
      CHECK(*good == other);
    }
  }

  TEST_CASE("a bomb costs no more memory than allowed") {
    const Bytes plain(std::size_t{16} << 20);
    for (const Compression algorithm : all) {
      if (algorithm == Compression::none) continue;
      const Bytes unit = compressed(algorithm, plain);
      CHECK(unit.size() < 100'000);
      const auto bomb = Decompressor(algorithm).decompress(unit, 1'000'000);
      REQUIRE_FALSE(bomb);
      CHECK(bomb.error().code() == Errc::corrupt);
    }
  }

  TEST_CASE("levels are passed on, and 0 is the default") {
    const Bytes plain = sample(200'000);
    for (const Compression algorithm : {Compression::gzip, Compression::zstd}) {
      Compressor fast(algorithm, {.level = 1});
      Compressor best(algorithm, {.level = 9});
      CHECK(compressed(best, plain).size() < compressed(fast, plain).size());
    }
    Compressor explicit_default(Compression::gzip, {.level = 6});
    CHECK(compressed(explicit_default, plain) == compressed(Compression::gzip, plain));
  }

  TEST_CASE("an LZ4 checksum is left out and passed over on demand") {
    const Bytes plain = sample(1'000);
    Compressor compressor(Compression::lz4, {.lz4_checksum = Lz4Checksum::off});
    CHECK(compressed(compressor, plain).size() + 4 == compressed(Compression::lz4, plain).size());

    Bytes unit = compressed(Compression::lz4, plain);
    unit.back() ^= std::byte{1};
    CHECK_FALSE(Decompressor(Compression::lz4).decompress(unit, 1'000));
    CHECK(Decompressor(Compression::lz4, Lz4Checksum::off).decompress(unit, 1'000));
  }
}

TEST_SUITE("stream decoders") {
  TEST_CASE("pieces of any size give the plaintext") {
    for (const Compression algorithm : all) {
      for (const std::size_t size : {0u, 1u, 3'000u, 400'000u}) {
        const Bytes plain = sample(size);
        const Bytes stream = compressed(algorithm, plain);
        for (const std::size_t in_size : {1u, 7u, 1'000u, 1'000'000u}) {
          for (const std::size_t out_size : {1u, 100u, 65'536u, 1'000'000u}) {
            if (size / in_size > 10'000 || size / out_size > 10'000) continue;
            CAPTURE(compression_name(algorithm));
            CAPTURE(size);
            CAPTURE(in_size);
            CAPTURE(out_size);
            const auto decoder = make_stream_decoder(algorithm);
            const auto decoded = decoded_in_pieces(*decoder, stream, in_size, out_size);
            REQUIRE(decoded);
            CHECK(*decoded == plain);
          }
        }
      }
    }
  }

  TEST_CASE("two streams behind each other are one, cut anywhere else they are corrupt") {
    const Bytes one = sample(300);
    for (const Compression algorithm : {Compression::lz4, Compression::gzip, Compression::zstd}) {
      CAPTURE(compression_name(algorithm));
      const Bytes first = compressed(algorithm, one);
      Bytes both = first;
      append(both, compressed(algorithm, as_bytes("end")));
      const auto decoder = make_stream_decoder(algorithm);
      for (std::size_t size = 1; size <= both.size(); ++size) {
        CAPTURE(size);
        decoder->reset();
        const auto plain = decode_all(*decoder, BytesView(both).first(size), 303);
        const bool is_complete = size == first.size() || size == both.size();
        REQUIRE(plain.has_value() == is_complete);
        if (plain) {
          CHECK(plain->size() == (size == both.size() ? 303 : 300));
        } else {
          CHECK(plain.error().code() == Errc::corrupt);
        }
      }
    }
  }
}

}  // namespace plakar::codec
