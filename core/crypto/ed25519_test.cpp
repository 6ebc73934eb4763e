#include "core/crypto/ed25519.h"

#include <doctest/doctest.h>

#include "core/base/hex.h"
#include "core/base/testing/seeded_random.h"

namespace plakar::crypto {

namespace {

Bytes unhex(std::string_view hex) { return from_hex(hex).value(); }

struct Vector {
  std::string_view seed;
  std::string_view public_key;
  std::string_view message;
  std::string_view signature;
};

// RFC 8032, section 7.1, tests 1 to 3.
constexpr Vector vectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b"
     "46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11"
     "d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc"
     "6594a7c15e9716ed28dc027beceea1ec40a"},
};

Ed25519Signature signature_of(const Vector& vector) {
  Ed25519Signature signature;
  REQUIRE(from_hex(vector.signature, signature.bytes));
  return signature;
}

}  // namespace

TEST_SUITE("ed25519") {
  TEST_CASE("the vectors of RFC 8032 sign and verify") {
    for (const Vector& vector : vectors) {
      const auto key = Ed25519Key::from_seed(BytesView(unhex(vector.seed)).first<32>());
      REQUIRE(key);
      CHECK(key->public_key().hex() == vector.public_key);
      const Bytes message = unhex(vector.message);
      const auto signature = key->sign(message);
      REQUIRE(signature);
      CHECK(*signature == signature_of(vector));
      CHECK(ed25519_verify(key->public_key(), message, *signature));
    }
  }

  TEST_CASE("every single turned bit of signature, key and message is refused") {
    for (const Vector& vector : vectors) {
      Ed25519Signature signature = signature_of(vector);
      Ed25519PublicKey key = Ed25519PublicKey::parse(vector.public_key).value();
      Bytes message = unhex(vector.message);
      const auto all_refused = [&](std::span<std::byte> part) {
        for (std::size_t bit = 0; bit < part.size() * 8; ++bit) {
          const auto mask = static_cast<std::byte>(1u << (bit % 8));
          part[bit / 8] ^= mask;
          const Status verified = ed25519_verify(key, message, signature);
          if (verified || verified.error().code() != Errc::corrupt) return false;
          part[bit / 8] ^= mask;
        }
        return true;
      };
      CHECK(all_refused(signature.bytes));
      CHECK(all_refused(key.bytes));
      CHECK(all_refused(message));
      CHECK(ed25519_verify(key, message, signature));
      message.push_back(std::byte{0});
      CHECK_FALSE(ed25519_verify(key, message, signature));
    }
  }

  TEST_CASE("a second spelling of a signature, larger by the group's order, is refused") {
    // S + L of test 1; RFC 8032 demands S < L so that a signature has one form.
    Ed25519Signature signature = signature_of(vectors[0]);
    const Bytes order = unhex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    unsigned carry = 0;
    for (std::size_t i = 0; i < 32; ++i) {
      carry +=
          std::to_integer<unsigned>(signature.bytes[32 + i]) + std::to_integer<unsigned>(order[i]);
      signature.bytes[32 + i] = static_cast<std::byte>(carry & 0xff);
      carry >>= 8;
    }
    REQUIRE(carry == 0);
    const auto key = Ed25519PublicKey::parse(vectors[0].public_key).value();
    CHECK_FALSE(ed25519_verify(key, {}, signature));
  }

  TEST_CASE("generated keys differ, and come back from their seed") {
    testing::SeededRandom random(1);
    const auto a = Ed25519Key::generate(random);
    const auto b = Ed25519Key::generate(random);
    REQUIRE(a);
    REQUIRE(b);
    CHECK(a->public_key() != b->public_key());
    const auto again = Ed25519Key::from_seed(a->seed());
    REQUIRE(again);
    CHECK(again->public_key() == a->public_key());
  }
}

}  // namespace plakar::crypto
