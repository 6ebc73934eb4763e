#include "core/crypto/aes_gcm.h"

#include <doctest/doctest.h>

#include "core/base/hex.h"

namespace plakar::crypto {

namespace {

Bytes unhex(std::string_view hex) { return from_hex(hex).value(); }

struct Vector {
  std::string_view key;
  std::string_view nonce;
  std::string_view additional;
  std::string_view plain;
  std::string_view sealed;
  std::string_view tag;
};

constexpr std::string_view key_0 =
    "0000000000000000000000000000000000000000000000000000000000000000";
constexpr std::string_view key_f =
    "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";

// Test cases 13 to 16 of the submission of GCM to NIST.
constexpr Vector vectors[] = {
    {key_0, "000000000000000000000000", "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {key_0, "000000000000000000000000", "", "00000000000000000000000000000000",
     "cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919"},
    {key_f, "cafebabefacedbaddecaf888", "",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad",
     "b094dac5d93471bdec1a502270e3cc6c"},
    {key_f, "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};

struct Message {
  Bytes key, nonce, additional, sealed, tag;

  explicit Message(const Vector& vector)
      : key(unhex(vector.key)),
        nonce(unhex(vector.nonce)),
        additional(unhex(vector.additional)),
        sealed(unhex(vector.sealed)),
        tag(unhex(vector.tag)) {}

  Status open(std::span<std::byte> plain) const {
    return aes_gcm_open(BytesView(key).first<32>(), BytesView(nonce).first<12>(), additional,
                        sealed, BytesView(tag).first<16>(), plain);
  }
};

}  // namespace

TEST_SUITE("aes-gcm") {
  TEST_CASE("NIST's vectors seal and open") {
    for (const Vector& vector : vectors) {
      const Message message(vector);
      const Bytes plain = unhex(vector.plain);
      Bytes text(plain.size());
      Bytes tag(16);
      CHECK(aes_gcm_seal(BytesView(message.key).first<32>(), BytesView(message.nonce).first<12>(),
                         message.additional, plain, text, std::span(tag).first<16>()));
      CHECK(text == message.sealed);
      CHECK(tag == message.tag);
      Bytes opened(plain.size());
      CHECK(message.open(opened));
      CHECK(opened == plain);
    }
  }

  TEST_CASE("every single turned bit is refused and leaves nothing of the text") {
    for (const Vector& vector : vectors) {
      for (const auto part : {&Message::key, &Message::nonce, &Message::additional,
                              &Message::sealed, &Message::tag}) {
        Message message(vector);
        for (std::size_t bit = 0; bit < (message.*part).size() * 8; ++bit) {
          const auto mask = static_cast<std::byte>(1u << (bit % 8));
          (message.*part)[bit / 8] ^= mask;
          Bytes plain(message.sealed.size(), std::byte{0xee});
          const Status opened = message.open(plain);
          REQUIRE_FALSE(opened);
          CHECK(opened.error().code() == Errc::corrupt);
          CHECK(plain == Bytes(plain.size()));
          (message.*part)[bit / 8] ^= mask;
        }
      }
    }
  }
}

}  // namespace plakar::crypto
