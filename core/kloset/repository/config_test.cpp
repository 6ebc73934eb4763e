#include "core/kloset/repository/config.h"

#include <doctest/doctest.h>

#include "core/base/hex.h"
#include "tests/support/golden_stores.h"

namespace plakar::kloset {
namespace {

// The key of the store `enc`, as the format's text gives it.
Secret enc_key() {
  return Secret(*from_hex("7d8cd58722d79b09f9f04936b074622609c684f4686ada8dcc770f2f2901256c"));
}

UnverifiedConfig golden(std::string_view store) {
  auto decoded = decode_config(testing::read_whole(testing::golden_stores() / store / "CONFIG"));
  REQUIRE(decoded);
  return *std::move(decoded);
}

}  // namespace

TEST_SUITE("store configuration") {
  TEST_CASE("what genuine Plakar wrote is read, and written again to the same bytes") {
    for (const char* store : {"plain", "nocomp", "sha256", "multi"}) {
      CAPTURE(store);
      const UnverifiedConfig config = golden(store);
      CHECK(verify_config(config, nullptr));
      CHECK(seal_config(config.config, nullptr) == config.item);
    }
    const Secret key = enc_key();
    const UnverifiedConfig encrypted = golden("enc");
    CHECK(verify_config(encrypted, &key));
    CHECK(seal_config(encrypted.config, &key) == encrypted.item);
  }

  TEST_CASE("the fields are those that the store was made with") {
    const StoreConfig plain = golden("plain").config;
    CHECK(to_hex(plain.repository_id.view()) == "dbae71cb4e604a4d976935de1f93afe9");
    CHECK(plain.chunking.size_normal == 1048576);
    CHECK(plain.compression->algorithm == "LZ4");
    CHECK_FALSE(plain.encryption);
    CHECK_FALSE(golden("nocomp").config.compression);
    CHECK(golden("sha256").config.hashing.algorithm == "SHA256");
    const EncryptionParams encryption = *golden("enc").config.encryption;
    CHECK(to_hex(encryption.kdf.salt) == "d9dbeeafc7c13618c58631ce42ca00de");
    CHECK(encryption.kdf.argon2id->memory_kib == 262144);
    CHECK(encryption.canary.size() == 100);
  }

  TEST_CASE("the defaults are those of genuine Plakar") {
    StoreConfig ours = default_config();
    const StoreConfig theirs = golden("plain").config;
    ours.timestamp = theirs.timestamp;
    ours.repository_id = theirs.repository_id;
    CHECK(seal_config(ours, nullptr) == golden("plain").item);
  }

  TEST_CASE("a wrong key and every flipped bit are noticed") {
    const Secret key = enc_key();
    const UnverifiedConfig encrypted = golden("enc");
    CHECK_FALSE(verify_config(encrypted, nullptr));
    const Bytes item = golden("plain").item;
    for (std::size_t bit = 0; bit < item.size() * 8; ++bit) {
      Bytes flipped = item;
      flipped[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
      CAPTURE(bit);
      const auto decoded = decode_config(std::move(flipped));
      CHECK_FALSE((decoded && verify_config(*decoded, nullptr)));
    }
  }

  TEST_CASE("any version but 1.0.0 is unsupported, and an oversized item is corrupt") {
    Bytes item = golden("plain").item;
    store_le<std::uint32_t>(std::span(item).subspan(12), 0x0000ffff);
    CHECK(decode_config(item).error().code() == Errc::unsupported);
    CHECK(decode_config(Bytes(config_size_max + 1)).error().code() == Errc::corrupt);
  }

  TEST_CASE("a key derivation gets the numbers of new stores, or is not known") {
    CHECK(default_kdf("ARGON2ID")->argon2id->time == 4);
    CHECK(default_kdf("SCRYPT")->scrypt->n == 32768);
    CHECK(default_kdf("PBKDF2")->pbkdf2->iterations == 100000);
    CHECK(default_kdf("argon2id").error().code() == Errc::unsupported);
  }
}

}  // namespace plakar::kloset
