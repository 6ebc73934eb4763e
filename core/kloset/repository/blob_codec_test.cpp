#include "core/kloset/repository/blob_codec.h"

#include <doctest/doctest.h>

#include "core/base/hex.h"
#include "core/kloset/format/envelope.h"
#include "tests/support/golden_stores.h"

namespace plakar::kloset {
namespace {

struct Fixture {
  StoreConfig config;
  StoreKeys keys;
};

// A key derivation that costs next to nothing.
KdfParams cheap_kdf() {
  KdfParams kdf = *default_kdf("ARGON2ID");
  kdf.argon2id->memory_kib = 8;
  kdf.argon2id->time = 1;
  return kdf;
}

Fixture fixture(const char* compression, bool encrypted) {
  StoreConfig config = default_config();
  config.repository_id = Uuid::random(system_random());
  if (compression == nullptr) {
    config.compression = std::nullopt;
  } else {
    config.compression->algorithm = compression;
  }
  auto keys = encrypted ? encrypt_config(config, cheap_kdf(), as_bytes("secret"), system_random())
                        : plain_keys(config);
  REQUIRE(keys);
  return {.config = std::move(config), .keys = *std::move(keys)};
}

Bytes text(std::size_t size) {
  Bytes out;
  for (std::size_t i = 0; out.size() < size; ++i) append(out, as_bytes(std::to_string(i) + " "));
  out.resize(size);
  return out;
}

}  // namespace

TEST_SUITE("blob codec") {
  TEST_CASE("every combination survives the way there and back, at every size") {
    for (const char* compression : {static_cast<const char*>(nullptr), "LZ4", "GZIP", "ZSTD"}) {
      for (const bool encrypted : {false, true}) {
        const Fixture store = fixture(compression, encrypted);
        auto codec = BlobCodec::create(store.config, store.keys, system_random());
        REQUIRE(codec);
        for (const std::size_t size : {0u, 1u, 31u, 65535u, 65536u, 65537u, 1000000u}) {
          CAPTURE(size);
          const Bytes plain = text(size);
          const auto encoded = codec->encode(plain);
          REQUIRE(encoded);
          const Bytes kept = to_bytes(*encoded);
          const auto decoded = codec->decode(kept, size);
          REQUIRE(decoded);
          CHECK(to_bytes(*decoded) == plain);
          if (size > 0) CHECK(codec->decode(kept, size - 1).error().code() == Errc::corrupt);
          for (const std::size_t room : {size, size + 100}) {
            Bytes into(room);
            REQUIRE(codec->decode_into(kept, into) == size);
            into.resize(size);
            CHECK(into == plain);
          }
          if (size > 0) {
            Bytes into(size - 1);
            CHECK(codec->decode_into(kept, into).error().code() == Errc::corrupt);
          }
        }
      }
    }
  }

  TEST_CASE("what expands beyond all bounds is decoded within its own") {
    const Fixture store = fixture("LZ4", false);
    auto codec = BlobCodec::create(store.config, store.keys, system_random());
    REQUIRE(codec);
    const Bytes bomb = to_bytes(*codec->encode(Bytes(16 << 20)));
    CHECK(bomb.size() < 100000);
    CHECK(codec->decode(bomb, 1 << 20).error().code() == Errc::corrupt);
    CHECK(codec->decode(bomb, 16 << 20)->size() == 16 << 20);
  }

  TEST_CASE("only units without encryption carry a checksum of their content") {
    const Fixture plain = fixture("LZ4", false);
    auto codec = BlobCodec::create(plain.config, plain.keys, system_random());
    REQUIRE(codec);
    const Bytes frame = to_bytes(*codec->encode(as_bytes("hello world\n")));
    CHECK(to_hex(frame) == "04224d186470b90c00008068656c6c6f20776f726c640a00000000b08d52a4");
    const Fixture encrypted = fixture("LZ4", true);
    codec = BlobCodec::create(encrypted.config, encrypted.keys, system_random());
    REQUIRE(codec);
    const std::size_t overhead = 40 + 28;
    CHECK(codec->encode(as_bytes("hello world\n"))->size() == frame.size() - 4 + overhead);
  }

  TEST_CASE("an encrypted unit with a flipped bit is corrupt") {
    const Fixture store = fixture("LZ4", true);
    auto codec = BlobCodec::create(store.config, store.keys, system_random());
    REQUIRE(codec);
    const Bytes encoded = to_bytes(*codec->encode(as_bytes("hello world")));
    for (std::size_t bit = 0; bit < encoded.size() * 8; ++bit) {
      Bytes flipped = encoded;
      flipped[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
      CHECK(codec->decode(flipped, 1000).error().code() == Errc::corrupt);
    }
  }

  TEST_CASE("the states of genuine Plakar's encrypted store decode with its passphrase") {
    auto config = decode_config(testing::read_whole(testing::golden_stores() / "enc" / "CONFIG"));
    REQUIRE(config);
    const auto keys = unlock(*config, as_bytes(testing::golden_passphrase), system_random());
    REQUIRE(keys);
    CHECK(to_hex(keys->store_key->reveal()) ==
          "7d8cd58722d79b09f9f04936b074622609c684f4686ada8dcc770f2f2901256c");
    auto codec = BlobCodec::create(config->config, *keys, system_random());
    REQUIRE(codec);
    for (const auto& file : testing::golden_items("enc", "states")) {
      const Bytes item = testing::read_whole(file);
      const auto envelope = open_envelope(item, ResourceType::state, keys->mac);
      REQUIRE(envelope);
      const auto plain = codec->decode(envelope->body, 1 << 20);
      REQUIRE(plain);
      CHECK(plain->size() > 1000);
    }
  }
}

TEST_SUITE("store keys") {
  TEST_CASE("a wrong passphrase is refused, whatever it is") {
    StoreConfig config = default_config();
    REQUIRE(encrypt_config(config, cheap_kdf(), as_bytes("right"), system_random()));
    const Secret key(32);
    auto sealed = decode_config(seal_config(config, &key));
    REQUIRE(sealed);
    for (const char* wrong : {"", "wrong", "right "}) {
      CHECK(unlock(*sealed, as_bytes(wrong), system_random()).error().code() ==
            Errc::permission_denied);
    }
    // The right passphrase, but a CONFIG that was not sealed with the key it gives.
    CHECK(unlock(*sealed, as_bytes("right"), system_random()).error().code() == Errc::corrupt);
  }

  TEST_CASE("every key derivation that the format names makes a store that opens again") {
    for (const char* name : {"ARGON2ID", "SCRYPT", "PBKDF2"}) {
      CAPTURE(name);
      KdfParams kdf = *default_kdf(name);
      if (kdf.argon2id) kdf.argon2id->memory_kib = 64;
      if (kdf.scrypt) kdf.scrypt->n = 16;
      if (kdf.pbkdf2) kdf.pbkdf2->iterations = 10;
      StoreConfig config = default_config();
      const auto keys = encrypt_config(config, kdf, as_bytes("pass"), system_random());
      REQUIRE(keys);
      auto sealed = decode_config(seal_config(config, &*keys->store_key));
      REQUIRE(sealed);
      CHECK(unlock(*sealed, as_bytes("pass"), system_random()));
    }
  }

  TEST_CASE("a key derivation that is not described, or has absurd numbers, is an error") {
    StoreConfig config = default_config();
    REQUIRE(encrypt_config(config, cheap_kdf(), as_bytes("x"), system_random()));
    const auto error_of = [&](auto change) {
      StoreConfig changed = config;
      change(changed.encryption->kdf);
      auto sealed = decode_config(seal_config(changed, nullptr));
      REQUIRE(sealed);
      const auto keys = unlock(*sealed, as_bytes("x"), system_random());
      return keys ? Errc::internal : keys.error().code();
    };
    CHECK(error_of([](KdfParams& kdf) { kdf.kdf = "BCRYPT"; }) == Errc::unsupported);
    CHECK(error_of([](KdfParams& kdf) { kdf.argon2id.reset(); }) == Errc::corrupt);
    CHECK(error_of([](KdfParams& kdf) { kdf.argon2id->key_size = 16; }) == Errc::unsupported);
    CHECK(error_of([](KdfParams& kdf) { kdf.argon2id->memory_kib = 0xffffffff; }) ==
          Errc::unsupported);
    CHECK(error_of([](KdfParams& kdf) {
            kdf = *default_kdf("SCRYPT");
            kdf.salt.resize(16);
            kdf.scrypt->n = -1;
          }) == Errc::corrupt);
  }
}

}  // namespace plakar::kloset
