#include "core/crypto/key_wrap.h"

#include <doctest/doctest.h>
#include <openssl/evp.h>

#include <memory>

#include "core/base/hex.h"
#include "core/base/testing/seeded_random.h"

namespace plakar::crypto {

namespace {

Bytes unhex(std::string_view hex) { return from_hex(hex).value(); }

struct Vector {
  std::string_view key;
  std::string_view wrapped;
};

constexpr std::string_view wrapping_key =
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

// RFC 3394, sections 4.3, 4.5 and 4.6: those under a 256-bit key.
constexpr Vector vectors[] = {
    {"00112233445566778899aabbccddeeff", "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7"},
    {"00112233445566778899aabbccddeeff0001020304050607",
     "a8f9bc1612c68b3ff6e6f4fbe30e71e4769c8b80a32cb8958cd5d17d6b254da1"},
    {"00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f",
     "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21"},
};

KeyWrap opened(BytesView key) {
  auto wrap = KeyWrap::create(key.first<32>());
  REQUIRE(wrap);
  return std::move(*wrap);
}

// The same by OpenSSL, which nothing else uses for this.
Bytes wrapped_by_openssl(BytesView wrapping, BytesView key) {
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(
      EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  EVP_CIPHER_CTX_set_flags(context.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  Bytes out(key.size() + 8);
  int size = 0;
  REQUIRE(EVP_EncryptInit_ex2(context.get(), EVP_aes_256_wrap(),
                              reinterpret_cast<const unsigned char*>(wrapping.data()), nullptr,
                              nullptr) == 1);
  REQUIRE(EVP_EncryptUpdate(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size,
                            reinterpret_cast<const unsigned char*>(key.data()),
                            static_cast<int>(key.size())) == 1);
  REQUIRE(static_cast<std::size_t>(size) == out.size());
  return out;
}

}  // namespace

TEST_SUITE("key wrap") {
  TEST_CASE("the vectors of RFC 3394 wrap and unwrap") {
    KeyWrap wrap = opened(unhex(wrapping_key));
    for (const Vector& vector : vectors) {
      const Bytes key = unhex(vector.key);
      Bytes wrapped(key.size() + 8);
      CHECK(wrap.wrap(key, wrapped));
      CHECK(to_hex(wrapped) == vector.wrapped);
      Bytes back(key.size());
      CHECK(wrap.unwrap(wrapped, back));
      CHECK(back == key);
    }
  }

  TEST_CASE("every single turned bit is refused and leaves nothing of the key") {
    for (const Vector& vector : vectors) {
      KeyWrap wrap = opened(unhex(wrapping_key));
      Bytes wrapped = unhex(vector.wrapped);
      for (std::size_t bit = 0; bit < wrapped.size() * 8; ++bit) {
        const auto mask = static_cast<std::byte>(1u << (bit % 8));
        wrapped[bit / 8] ^= mask;
        Bytes key(wrapped.size() - 8, std::byte{0xee});
        const Status unwrapped = wrap.unwrap(wrapped, key);
        REQUIRE_FALSE(unwrapped);
        CHECK(unwrapped.error().code() == Errc::corrupt);
        CHECK(key == Bytes(key.size()));
        wrapped[bit / 8] ^= mask;
      }
      Bytes other = unhex(wrapping_key);
      other[31] ^= std::byte{1};
      Bytes key(wrapped.size() - 8);
      CHECK_FALSE(opened(other).unwrap(wrapped, key));
    }
  }

  TEST_CASE("random keys wrap to what OpenSSL makes of them") {
    const auto seed = testing::test_seed();
    CAPTURE(seed);
    testing::SeededRandom generator(seed);
    for (int round = 0; round < 50; ++round) {
      const Bytes wrapping = generator.bytes(32);
      const Bytes key = generator.bytes(16 + 8 * generator.below(15));
      KeyWrap wrap = opened(wrapping);
      Bytes wrapped(key.size() + 8);
      REQUIRE(wrap.wrap(key, wrapped));
      CHECK(wrapped == wrapped_by_openssl(wrapping, key));
    }
  }
}

}  // namespace plakar::crypto
