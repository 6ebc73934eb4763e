#include "core/crypto/internal/kdf_library.h"

#include <doctest/doctest.h>
#include <gcrypt.h>

#include <set>
#include <string>

#include "core/base/hex.h"
#include "core/base/testing/seeded_random.h"
#include "core/crypto/internal/gcrypt.h"

namespace plakar::crypto {

namespace {

std::string by_pbkdf2(std::string_view passphrase, std::string_view salt, std::uint64_t iterations,
                      std::size_t size, Pbkdf2Hashing hashing = Pbkdf2Hashing::sha256) {
  Bytes out(size);
  const Status status = pbkdf2({iterations, hashing}, as_bytes(passphrase), as_bytes(salt), out);
  return status ? to_hex(out) : status.error().message();
}

std::string by_scrypt(std::string_view passphrase, std::string_view salt,
                      const ScryptParams& params, std::size_t size = 64) {
  Bytes out(size);
  const Status status = scrypt(params, as_bytes(passphrase), as_bytes(salt), out);
  return status ? to_hex(out) : status.error().message();
}

}  // namespace

TEST_SUITE("kdf library") {
  TEST_CASE("RFC 7914, section 11: PBKDF2-HMAC-SHA256") {
    CHECK(by_pbkdf2("passwd", "salt", 1, 64) ==
          "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
          "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783");
    CHECK(by_pbkdf2("Password", "NaCl", 80000, 64) ==
          "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56"
          "a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d");
  }

  TEST_CASE("the long inputs of RFC 6070, with SHA-2 in place of SHA-1, as Python has them") {
    const std::string passphrase = "passwordPASSWORDpassword";
    const std::string salt = "saltSALTsaltSALTsaltSALTsaltSALTsalt";
    CHECK(by_pbkdf2(passphrase, salt, 4096, 40) ==
          "348c89dbcbd32b2f32d814b8116e84cf2b17347ebc1800181c4e2a1fb8dd53e1c635518c7dac47e9");
    CHECK(by_pbkdf2(passphrase, salt, 4096, 64, Pbkdf2Hashing::sha384) ==
          "819143ad66df9a552559b9e131c52ae6c5c1b0eed18f4d283b8c5c9eaeb92b39"
          "2c147cc2d2869d58ffe2f7da13d15f8d925721f0ed1afafa24480d55cf6060b1");
    CHECK(by_pbkdf2(passphrase, salt, 4096, 64, Pbkdf2Hashing::sha512) ==
          "8c0511f4c6e597c6ac6315d8f0362e225f3c501495ba23b868c005174dc4ee71"
          "115b59f9e60cd9532fa33e0f75aefe30225c583a186cd82bd4daea9724a3d3b8");
    CHECK(by_pbkdf2(passphrase, salt, 1, 64, Pbkdf2Hashing::sha512) ==
          "6e23f27638084b0f7ea1734e0d9841f55dd29ea60a834466f3396bac801fac1e"
          "eb63802f03a0b4acd7603e3699c8b74437be83ff01ad7f55dac1ef60f4d56480");
  }

  TEST_CASE("another passphrase, salt, count or hash gives another PBKDF2 key") {
    const std::set<std::string> keys{by_pbkdf2("passwd", "salt", 2, 32),
                                     by_pbkdf2("Passwd", "salt", 2, 32),
                                     by_pbkdf2("passwd", "Salt", 2, 32),
                                     by_pbkdf2("passwd", "salt", 3, 32),
                                     by_pbkdf2("passwd", "salt", 2, 32, Pbkdf2Hashing::sha384),
                                     by_pbkdf2("passwd", "salt", 2, 32, Pbkdf2Hashing::sha512)};
    CHECK(keys.size() == 6);
  }

  TEST_CASE("RFC 7914, section 12: scrypt") {
    CHECK(by_scrypt("", "", {16, 1, 1}) ==
          "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
          "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906");
    CHECK(by_scrypt("password", "NaCl", {1024, 8, 16}) ==
          "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
          "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640");
    CHECK(by_scrypt("pleaseletmein", "SodiumChloride", {16384, 8, 1}) ==
          "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
          "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887");
  }

  TEST_CASE("another passphrase, salt or parameter gives another scrypt key") {
    const std::set<std::string> keys{
        by_scrypt("passwd", "salt", {16, 2, 2}), by_scrypt("Passwd", "salt", {16, 2, 2}),
        by_scrypt("passwd", "Salt", {16, 2, 2}), by_scrypt("passwd", "salt", {32, 2, 2}),
        by_scrypt("passwd", "salt", {16, 3, 2}), by_scrypt("passwd", "salt", {16, 2, 3})};
    CHECK(keys.size() == 6);
  }

  TEST_CASE("scrypt agrees with libgcrypt, which has r = 8 only, over random parameters") {
    REQUIRE(gcrypt::ready());
    const std::uint64_t seed = testing::test_seed();
    CAPTURE(seed);
    testing::SeededRandom random(seed);
    for (int round = 0; round < 20; ++round) {
      const ScryptParams params{std::uint64_t{2} << random.below(10), 8,
                                static_cast<std::uint32_t>(1 + random.below(4))};
      const Bytes passphrase = random.bytes(1 + random.below(80));
      const Bytes salt = random.bytes(1 + random.below(64));
      Bytes ours(1 + random.below(100));
      Bytes theirs(ours.size());
      REQUIRE(scrypt(params, passphrase, salt, ours));
      REQUIRE(gcry_kdf_derive(passphrase.data(), passphrase.size(), GCRY_KDF_SCRYPT,
                              static_cast<int>(params.n), salt.data(), salt.size(), params.p,
                              theirs.size(), theirs.data()) == 0);
      CHECK(to_hex(ours) == to_hex(theirs));
    }
  }

  TEST_CASE("what a library refuses leaves the output alone") {
    Bytes out(32, std::byte{0x55});
    CHECK_FALSE(scrypt({1000, 8, 1}, as_bytes("p"), as_bytes("s"), out));
    CHECK_FALSE(pbkdf2({0, Pbkdf2Hashing::sha256}, as_bytes("p"), as_bytes("s"), out));
    CHECK_FALSE(argon2id_by_libgcrypt({as_bytes("p"), as_bytes("s"), 1, 8, 0}, out));
    CHECK(out == Bytes(32, std::byte{0x55}));
  }
}

}  // namespace plakar::crypto
