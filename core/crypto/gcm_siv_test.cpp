#include "core/crypto/gcm_siv.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "core/base/hex.h"

namespace plakar::crypto {

namespace {

Bytes unhex(std::string_view hex) { return from_hex(hex).value(); }

struct Vector {
  std::string_view key;
  std::string_view nonce;
  std::string_view additional;
  std::string_view plain;
  std::string_view sealed;  // with the tag
};

constexpr std::string_view key_1 =
    "0100000000000000000000000000000000000000000000000000000000000000";
constexpr std::string_view key_0 =
    "0000000000000000000000000000000000000000000000000000000000000000";
constexpr std::string_view nonce_3 = "030000000000000000000000";
constexpr std::string_view nonce_0 = "000000000000000000000000";

// RFC 8452, appendices C.2 and C.3. In the last two the block counter wraps.
constexpr Vector vectors[] = {
    {key_1, nonce_3, "", "", "07f5f4169bbf55a8400cd47ea6fd400f"},
    {key_1, nonce_3, "", "0100000000000000", "c2ef328e5c71c83b843122130f7364b761e0b97427e3df28"},
    {key_1, nonce_3, "", "010000000000000000000000",
     "9aab2aeb3faa0a34aea8e2b18ca50da9ae6559e48fd10f6e5c9ca17e"},
    {key_1, nonce_3, "", "01000000000000000000000000000000",
     "85a01b63025ba19b7fd3ddfc033b3e76c9eac6fa700942702e90862383c6c366"},
    {key_1, nonce_3, "", "0100000000000000000000000000000002000000000000000000000000000000",
     "4a6a9db4c8c6549201b9edb53006cba821ec9cf850948a7c86c68ac7539d027f"
     "e819e63abcd020b006a976397632eb5d"},
    {key_1, nonce_3, "",
     "010000000000000000000000000000000200000000000000000000000000000003000000000000000000000000000"
     "000",
     "c00d121893a9fa603f48ccc1ca3c57ce7499245ea0046db16c53c7c66fe717e3"
     "9cf6c748837b61f6ee3adcee17534ed5790bc96880a99ba804bd12c0e6a22cc4"},
    {key_1, nonce_3, "01", "0200000000000000", "1de22967237a813291213f267e3b452f02d01ae33e4ec854"},
    {key_1, nonce_3, "010000000000000000000000000000000200",
     "0300000000000000000000000000000004000000",
     "43dd0163cdb48f9fe3212bf61b201976067f342bb879ad976d8242acc188ab59cabfe307"},
    {"3c535de192eaed3822a2fbbe2ca9dfc88255e14a661b8aa82cc54236093bbc23", "688089e55540db1872504e1c",
     "734320ccc9d9bbbb19cb81b2af4ecbc3e72834321f7aa0f70b7282b4f33df23f167541",
     "ced532ce4159b035277d4dfbb7db62968b13cd4eec",
     "626660c26ea6612fb17ad91e8e767639edd6c9faee9d6c7029675b89eaf4ba1ded1a286594"},
    {key_0, nonce_0, "", "000000000000000000000000000000004db923dc793ee6497c76dcc03a98e108",
     "f3f80f2cf0cb2dd9c5984fcda908456cc537703b5ba70324a6793a7bf218d3ea"
     "ffffffff000000000000000000000000"},
    {key_0, nonce_0, "", "eb3640277c7ffd1303c7a542d02d3e4c0000000000000000",
     "18ce4f0b8cb4d0cac65fea8f79257b20888e53e72299e56dffffffff000000000000000000000000"},
};

struct Message {
  Bytes key, nonce, additional, sealed, tag;

  explicit Message(const Vector& vector)
      : key(unhex(vector.key)),
        nonce(unhex(vector.nonce)),
        additional(unhex(vector.additional)),
        sealed(unhex(vector.sealed)),
        tag(sealed.end() - 16, sealed.end()) {
    sealed.resize(sealed.size() - 16);
  }

  Status open(GcmSiv& cipher, std::span<std::byte> plain) const {
    PLK_TRY(cipher.set_key(BytesView(key).first<32>()));
    return cipher.open(BytesView(nonce).first<12>(), additional, sealed, BytesView(tag).first<16>(),
                       plain);
  }
};

// Whether the message opens as nothing after one bit of one of its parts was turned.
bool refused(GcmSiv& cipher, const Vector& vector, Bytes Message::* part, std::size_t bit) {
  Message message(vector);
  (message.*part)[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
  Bytes plain(message.sealed.size(), std::byte{0xee});
  const Status opened = message.open(cipher, plain);
  return !opened && opened.error().code() == Errc::corrupt && plain == Bytes(message.sealed.size());
}

}  // namespace

TEST_SUITE("gcm-siv") {
  TEST_CASE("the vectors of RFC 8452 seal and open, in place and not") {
    auto cipher = GcmSiv::create();
    REQUIRE(cipher);
    for (const Vector& vector : vectors) {
      CAPTURE(vector.sealed);
      const Message message(vector);
      const Bytes plain = unhex(vector.plain);
      Bytes text(plain.size());
      Bytes tag(16);
      REQUIRE(cipher->set_key(BytesView(message.key).first<32>()));
      CHECK(cipher->seal(BytesView(message.nonce).first<12>(), message.additional, plain, text,
                         std::span(tag).first<16>()));
      CHECK(text == message.sealed);
      CHECK(tag == message.tag);

      text = plain;
      CHECK(cipher->seal(BytesView(message.nonce).first<12>(), message.additional, text, text,
                         std::span(tag).first<16>()));
      CHECK(text == message.sealed);

      Bytes opened(plain.size());
      CHECK(message.open(*cipher, opened));
      CHECK(opened == plain);
      CHECK(cipher->open(BytesView(message.nonce).first<12>(), message.additional, text,
                         BytesView(tag).first<16>(), text));
      CHECK(text == plain);
    }
  }

  TEST_CASE("every single turned bit is refused and leaves nothing of the text") {
    auto cipher = GcmSiv::create();
    REQUIRE(cipher);
    for (const Vector& vector : vectors) {
      const Message message(vector);
      for (const auto part : {&Message::key, &Message::nonce, &Message::additional,
                              &Message::sealed, &Message::tag}) {
        for (std::size_t bit = 0; bit < (message.*part).size() * 8; ++bit) {
          CHECK(refused(*cipher, vector, part, bit));
        }
      }
      // The cipher is not poisoned by what it refused.
      Bytes plain(message.sealed.size());
      CHECK(message.open(*cipher, plain));
      CHECK(plain == unhex(vector.plain));
    }
  }

  TEST_CASE("a large text survives, and a turned bit in its middle is refused") {
    auto cipher = GcmSiv::create();
    REQUIRE(cipher);
    REQUIRE(cipher->set_key(as_bytes("0123456789abcdef0123456789abcdef").first<32>()));
    const auto nonce = as_bytes("nonce is 12!").first<12>();
    Bytes plain(200'001);
    for (std::size_t i = 0; i < plain.size(); ++i) plain[i] = static_cast<std::byte>(i * 7 >> 3);
    Bytes sealed(plain.size());
    Bytes tag(16);
    REQUIRE(cipher->seal(nonce, {}, plain, sealed, std::span(tag).first<16>()));
    Bytes opened(plain.size());
    CHECK(cipher->open(nonce, {}, sealed, BytesView(tag).first<16>(), opened));
    CHECK(opened == plain);
    sealed[100'000] ^= std::byte{0x10};
    CHECK_FALSE(cipher->open(nonce, {}, sealed, BytesView(tag).first<16>(), opened));
    CHECK(std::ranges::all_of(opened, [](std::byte b) { return b == std::byte{0}; }));
  }
}

}  // namespace plakar::crypto
