#include "core/crypto/segment_stream.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "core/base/hex.h"
#include "core/base/testing/seeded_random.h"
#include "core/crypto/canary.h"

namespace plakar::crypto {

namespace {

// The store key of the format's vectors.
Bytes store_key() {
  return from_hex("7d8cd58722d79b09f9f04936b074622609c684f4686ada8dcc770f2f2901256c").value();
}

StreamFormat format_of(std::string_view subkey, std::int64_t segment_size) {
  return StreamFormat::parse(subkey, StreamFormat::data_algorithm, segment_size).value();
}

SegmentCipher cipher_of(const StreamFormat& format, BytesView key = {}) {
  static testing::SeededRandom random(1);
  const Bytes own = store_key();
  auto cipher =
      SegmentCipher::create((key.empty() ? BytesView(own) : key).first<32>(), format, random);
  REQUIRE(cipher);
  return std::move(*cipher);
}

Bytes pattern(std::size_t size) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::byte>(i * 31 >> 2);
  return out;
}

Bytes encrypted(SegmentCipher& cipher, BytesView plain) {
  Bytes out(cipher.format().encrypted_size(plain.size()));
  REQUIRE(cipher.encrypt(plain, out));
  return out;
}

Result<Bytes> decrypted(SegmentCipher& cipher, BytesView stream) {
  Bytes out(PLK_TRY(cipher.format().plain_size(stream.size())), std::byte{0xee});
  const Status opened = cipher.decrypt(stream, out);
  if (!opened) {
    CHECK(out == Bytes(out.size()));
    return opened.error();
  }
  return out;
}

// The formats that the tests below run over: both subkey algorithms, several sizes.
const std::array formats{format_of("AES256-KW", 65536), format_of("AES256-GCM", 65536),
                         format_of("AES256-KW", 64), format_of("AES256-GCM", 1)};

constexpr std::string_view vector_canary =
    "60c7dabf909aa105db52e4bef7469b5639a7651ab2be0e74c6154e86ff858e00452b9cd6b27fc9f0"
    "696f5312b29edadd00c3f103"
    "69e2bf55556c4fcb565191d72580a688448e584f1349b4c7c4feac9e794ba9f0"
    "42d7417a9d0d23239108c2cdca1f052d";

}  // namespace

TEST_SUITE("segment stream") {
  TEST_CASE("the canary of the format's vectors opens to its subkey and plaintext") {
    const Bytes canary = from_hex(vector_canary).value();
    SegmentCipher cipher = cipher_of(StreamFormat());
    const auto plain = decrypted(cipher, canary);
    REQUIRE(plain);
    CHECK(to_hex(*plain) == "89a7654aedd11753a407498f1a7f456d76f0a9ba4e6b1229b28f35a5f12eb980");

    const Bytes key = store_key();
    auto wrap = KeyWrap::create(BytesView(key).first<32>());
    REQUIRE(wrap);
    Bytes subkey(32);
    CHECK(wrap->unwrap(BytesView(canary).first(40), subkey));
    CHECK(to_hex(subkey) == "74c43d6d52271443d10fa76aef54b4a96aa1816d8f18129cb8dd928ab73e3c72");
  }

  TEST_CASE("every size around the borders of segments survives, in the size foretold") {
    for (const StreamFormat& format : formats) {
      SegmentCipher cipher = cipher_of(format);
      const std::size_t segment = format.segment_size();
      for (const std::size_t size : {std::size_t{0}, std::size_t{1}, segment - 1, segment,
                                     segment + 1, 2 * segment, 3 * segment + 7, 50 * segment}) {
        CAPTURE(segment);
        CAPTURE(size);
        const Bytes plain = pattern(size);
        const Bytes stream = encrypted(cipher, plain);
        CHECK(stream.size() == format.prefix_size() + size + 28 * ((size + segment - 1) / segment));
        const auto back = decrypted(cipher, stream);
        REQUIRE(back);
        CHECK(*back == plain);
      }
    }
  }

  TEST_CASE("the sizes are those of the format: 40 or 60 bytes, and 28 for each piece") {
    CHECK(StreamFormat().encrypted_size(0) == 40);
    CHECK(StreamFormat().encrypted_size(15) == 83);
    CHECK(StreamFormat().encrypted_size(32) == 100);
    CHECK(StreamFormat().encrypted_size(65536) == 40 + 65564);
    CHECK(StreamFormat().encrypted_size(65537) == 40 + 65564 + 29);
    CHECK(format_of("AES256-GCM", 65536).encrypted_size(0) == 60);
  }

  TEST_CASE("a size is either that of exactly one plaintext or refused") {
    for (const StreamFormat& format : formats) {
      for (std::uint64_t size = 0; size < 400; ++size) {
        const auto plain = format.plain_size(size);
        if (plain) {
          CHECK(format.encrypted_size(*plain) == size);
        } else {
          CHECK(plain.error().code() == Errc::corrupt);
        }
      }
      CHECK_FALSE(format.plain_size(format.prefix_size() - 1));
      // An empty piece, and a piece without room for its tag.
      CHECK_FALSE(format.plain_size(format.prefix_size() + 28));
      CHECK_FALSE(format.plain_size(format.prefix_size() + 27));
      CHECK_FALSE(format.plain_size(~std::uint64_t{0}));
      const std::uint64_t largest = format.encrypted_size(StreamFormat::plain_size_max);
      CHECK(format.plain_size(largest) == StreamFormat::plain_size_max);
    }
  }

  TEST_CASE("two streams of one plaintext share nothing") {
    for (const StreamFormat& format : formats) {
      SegmentCipher cipher = cipher_of(format);
      const Bytes plain = pattern(100);
      const Bytes a = encrypted(cipher, plain);
      const Bytes b = encrypted(cipher, plain);
      CHECK_FALSE(std::equal(a.begin(), a.begin() + 12, b.begin()));
      CHECK_FALSE(std::equal(a.end() - 29, a.end(), b.end() - 29));
    }
  }

  TEST_CASE("nonces differ between the segments of a long stream") {
    const StreamFormat format = format_of("AES256-KW", 16);
    SegmentCipher cipher = cipher_of(format);
    const Bytes stream = encrypted(cipher, pattern(16 * 200));
    std::vector<std::string> nonces;
    for (std::size_t at = 40; at < stream.size(); at += 44) {
      nonces.push_back(to_hex(BytesView(stream).subspan(at, 12)));
    }
    REQUIRE(nonces.size() == 200);
    std::ranges::sort(nonces);
    CHECK(std::ranges::adjacent_find(nonces) == nonces.end());
  }

  TEST_CASE("every single turned bit is refused and leaves nothing of the plaintext") {
    for (const auto* subkey : {"AES256-KW", "AES256-GCM"}) {
      SegmentCipher cipher = cipher_of(format_of(subkey, 32));
      Bytes stream = encrypted(cipher, pattern(80));
      for (std::size_t bit = 0; bit < stream.size() * 8; ++bit) {
        const auto mask = static_cast<std::byte>(1u << (bit % 8));
        stream[bit / 8] ^= mask;
        const auto plain = decrypted(cipher, stream);
        REQUIRE_FALSE(plain);
        CHECK(plain.error().code() == Errc::corrupt);
        stream[bit / 8] ^= mask;
      }
      CHECK(decrypted(cipher, stream));
    }
  }

  TEST_CASE("a cut is refused anywhere but between two segments") {
    const StreamFormat format = format_of("AES256-KW", 32);
    SegmentCipher cipher = cipher_of(format);
    const Bytes plain = pattern(80);
    const Bytes stream = encrypted(cipher, plain);
    for (std::size_t size = 0; size < stream.size(); ++size) {
      const auto cut = decrypted(cipher, BytesView(stream).first(size));
      // The MAC above this layer finds the others: see the header.
      const bool between = size >= 40 && (size - 40) % 60 == 0;
      CHECK(cut.has_value() == between);
      if (cut) CHECK(std::equal(cut->begin(), cut->end(), plain.begin()));
    }
  }

  TEST_CASE("another store key, subkey algorithm or segment size opens nothing") {
    SegmentCipher cipher = cipher_of(format_of("AES256-KW", 64));
    const Bytes stream = encrypted(cipher, pattern(200));
    Bytes other = store_key();
    other[0] ^= std::byte{1};
    SegmentCipher wrong_key = cipher_of(format_of("AES256-KW", 64), other);
    SegmentCipher wrong_wrap = cipher_of(format_of("AES256-GCM", 64));
    SegmentCipher wrong_size = cipher_of(format_of("AES256-KW", 128));
    CHECK_FALSE(decrypted(wrong_key, stream));
    CHECK_FALSE(decrypted(wrong_wrap, stream));
    CHECK_FALSE(decrypted(wrong_size, stream));
  }

  TEST_CASE("a stream in parts is the stream in one, and a range opens alone") {
    for (const auto* subkey : {"AES256-KW", "AES256-GCM"}) {
      const StreamFormat format = format_of(subkey, 64);
      SegmentCipher cipher = cipher_of(format);
      const Bytes plain = pattern(64 * 10 + 5);
      const BytesView view = plain;
      Bytes prefix(format.prefix_size());
      Bytes first(format.segments_size(64 * 4));
      Bytes second(format.segments_size(64 * 6 + 5));
      REQUIRE(cipher.start_encrypting(prefix));
      REQUIRE(cipher.encrypt_segments(view.first(64 * 4), first));
      REQUIRE(cipher.encrypt_segments(view.subspan(64 * 4), second));

      Bytes stream = prefix;
      append(stream, first);
      append(stream, second);
      const auto whole = decrypted(cipher, stream);
      REQUIRE(whole);
      CHECK(*whole == plain);

      Bytes range(64 * 2);
      REQUIRE(cipher.start_decrypting(prefix));
      CHECK(cipher.decrypt_segments(BytesView(stream).subspan(prefix.size() + 92 * 3, 92 * 2),
                                    range));
      CHECK(std::equal(range.begin(), range.end(), plain.begin() + 64 * 3));
    }
  }

  TEST_CASE("an error names the segment") {
    SegmentCipher cipher = cipher_of(format_of("AES256-KW", 64));
    Bytes stream = encrypted(cipher, pattern(200));
    stream[40 + 92 + 20] ^= std::byte{1};
    const auto plain = decrypted(cipher, stream);
    REQUIRE_FALSE(plain);
    CHECK(plain.error().message().starts_with("segment 2: "));
  }

  TEST_CASE("algorithms and segment sizes that nobody knows are refused by name") {
    for (const auto* name : {"", "aes256-kw", "AES128-KW"}) {
      CHECK(StreamFormat::parse(name, "AES256-GCM-SIV", 65536).error().code() == Errc::unsupported);
    }
    CHECK(StreamFormat::parse("AES256-KW", "AES256-GCM", 65536).error().code() ==
          Errc::unsupported);
    for (const std::int64_t size :
         {std::int64_t{0}, std::int64_t{-1}, std::int64_t{StreamFormat::segment_size_max} + 1}) {
      CHECK(StreamFormat::parse("AES256-KW", "AES256-GCM-SIV", size).error().code() ==
            Errc::unsupported);
    }
  }
}

TEST_SUITE("canary") {
  TEST_CASE("a canary opens with its key and no other") {
    for (const StreamFormat& format : formats) {
      SegmentCipher cipher = cipher_of(format);
      testing::SeededRandom random(2);
      const auto canary = make_canary(cipher, random);
      REQUIRE(canary);
      CHECK(check_canary(cipher, *canary));

      Bytes other = store_key();
      other[31] ^= std::byte{0x80};
      SegmentCipher wrong = cipher_of(format, other);
      const Status refused = check_canary(wrong, *canary);
      REQUIRE_FALSE(refused);
      CHECK(refused.error().code() == Errc::permission_denied);
    }
    SegmentCipher cipher = cipher_of(StreamFormat());
    CHECK(check_canary(cipher, from_hex(vector_canary).value()));
  }

  TEST_CASE("what cannot be a canary is corrupt, not a wrong passphrase") {
    SegmentCipher cipher = cipher_of(StreamFormat());
    for (const std::size_t size : {0u, 39u, 68u, 5000u}) {
      CHECK(check_canary(cipher, Bytes(size)).error().code() == Errc::corrupt);
    }
  }
}

}  // namespace plakar::crypto
