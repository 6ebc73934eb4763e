#include "core/crypto/kdf.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "core/base/hex.h"

namespace plakar::crypto {

namespace {

// kloset-format section 6.2.
KdfSettings spec_settings() {
  return {Argon2idParams{4, 262144, 1}, from_hex("d9dbeeafc7c13618c58631ce42ca00de").value(), 32};
}
constexpr std::string_view spec_passphrase = "kloset test vector";
const std::string spec_key = "7d8cd58722d79b09f9f04936b074622609c684f4686ada8dcc770f2f2901256c";

std::string derived(std::string_view passphrase, const KdfSettings& settings) {
  const Result<Secret> key = derive_key(as_bytes(passphrase), settings);
  return key ? to_hex(key->reveal()) : key.error().message();
}

KdfSettings with(const KdfParams& params) {
  KdfSettings settings = spec_settings();
  settings.params = params;
  return settings;
}

void check_refused(const KdfSettings& settings, Errc code, std::string_view message) {
  CAPTURE(message);
  const Status status = check_kdf(settings);
  REQUIRE_FALSE(status);
  CHECK(status.error().code() == code);
  CHECK(status.error().message() == message);
  const Result<Secret> key = derive_key(as_bytes("p"), settings);
  REQUIRE_FALSE(key);
  CHECK(key.error().message() == message);
}

}  // namespace

TEST_SUITE("kdf") {
  TEST_CASE("the specification's store has the specification's key") {
    CHECK(derived(spec_passphrase, spec_settings()) == spec_key);
  }

  TEST_CASE("the defaults are those of the specification's store") {
    KdfSettings defaults;
    defaults.salt = spec_settings().salt;
    CHECK(defaults == spec_settings());
  }

  TEST_CASE("another passphrase, salt or parameter gives another key") {
    const KdfParams small = Argon2idParams{2, 64, 2};
    KdfSettings salted = with(small);
    salted.salt.back() ^= std::byte{1};
    const std::set<std::string> keys{derived(spec_passphrase, with(small)),
                                     derived("kloset test vectoR", with(small)),
                                     derived("", with(small)),
                                     derived(spec_passphrase, salted),
                                     derived(spec_passphrase, with(Argon2idParams{3, 64, 2})),
                                     derived(spec_passphrase, with(Argon2idParams{2, 65, 2})),
                                     derived(spec_passphrase, with(Argon2idParams{2, 64, 1}))};
    CHECK(keys.size() == 7);
    for (const std::string& key : keys) CHECK(key.size() == 64);
  }

  TEST_CASE("scrypt and PBKDF2 with the reference's defaults give what Python gives") {
    CHECK(derived(spec_passphrase, with(ScryptParams{})) ==
          "bc619fba120bb669d996d021dcccae29cce39e3cb26da79a5ecd239158ba7d7e");
    CHECK(derived(spec_passphrase, with(Pbkdf2Params{})) ==
          "1e94d517c0abea0892ec0c473f510c4322e8ba18198b653234109cd77508e995");
    CHECK(derived(spec_passphrase, with(Pbkdf2Params{1000, Pbkdf2Hashing::sha512})) ==
          "bf75d76ef68591336e5a872f6f6cfc54d6a103030316be0b4fe427601952eeeb");
  }

  TEST_CASE("what cannot be is refused by name") {
    check_refused(with(Argon2idParams{0, 64, 1}), Errc::invalid_argument,
                  "Argon2id Time is 0; it must be at least 1");
    check_refused(with(Argon2idParams{1, 64, 0}), Errc::invalid_argument,
                  "Argon2id Threads is 0; it must be at least 1");
    check_refused(with(Argon2idParams{1, 31, 4}), Errc::invalid_argument,
                  "Argon2id Memory (KiB) is 31; it must be at least 32");
    check_refused(with(ScryptParams{0, 8, 1}), Errc::invalid_argument,
                  "scrypt N is 0; it must be at least 2");
    check_refused(with(ScryptParams{32767, 8, 1}), Errc::invalid_argument,
                  "scrypt N is 32767; it must be a power of two");
    check_refused(with(ScryptParams{65536, 1, 1}), Errc::invalid_argument,
                  "scrypt N is 65536; with R = 1 it must be below 65536");
    check_refused(with(ScryptParams{16, 0, 1}), Errc::invalid_argument,
                  "scrypt R is 0; it must be at least 1");
    check_refused(with(ScryptParams{16, 1, 0}), Errc::invalid_argument,
                  "scrypt P is 0; it must be at least 1");
    check_refused(with(Pbkdf2Params{0}), Errc::invalid_argument,
                  "PBKDF2 Iterations is 0; it must be at least 1");
    KdfSettings unsalted = spec_settings();
    unsalted.salt.resize(7);
    check_refused(unsalted, Errc::invalid_argument, "salt size is 7; it must be at least 8");
  }

  TEST_CASE("what a hostile store asks for is refused by name and limit") {
    check_refused(with(Argon2idParams{1, 0xffffffff, 1}), Errc::unsupported,
                  "Argon2id Memory (KiB) is 4294967295; at most 4194304 is supported");
    check_refused(with(Argon2idParams{0xffffffff, 262144, 1}), Errc::unsupported,
                  "Argon2id Time x Memory (KiB) is 4294967295 x 262144; at most 67108864 is "
                  "supported");
    check_refused(with(Argon2idParams{257, 262144, 1}), Errc::unsupported,
                  "Argon2id Time x Memory (KiB) is 257 x 262144; at most 67108864 is supported");
    check_refused(with(Argon2idParams{1, 262144, 256}), Errc::unsupported,
                  "Argon2id Threads is 256; at most 255 is supported");
    check_refused(with(ScryptParams{std::uint64_t{1} << 63, 0xffffffff, 1}), Errc::unsupported,
                  "scrypt memory (bytes), 128 x N x R is 128 x 9223372036854775808 x 4294967295; "
                  "at most 2147483648 is supported");
    check_refused(with(ScryptParams{1 << 22, 8, 1}), Errc::unsupported,
                  "scrypt memory (bytes), 128 x N x R is 128 x 4194304 x 8; at most 2147483648 is "
                  "supported");
    check_refused(with(ScryptParams{32768, 8, 0xffffffff}), Errc::unsupported,
                  "scrypt N x R x P is 32768 x 8 x 4294967295; at most 16777216 is supported");
    check_refused(with(Pbkdf2Params{~std::uint64_t{0}}), Errc::unsupported,
                  "PBKDF2 Iterations is 18446744073709551615; at most 10000000 is supported");
    KdfSettings settings = spec_settings();
    settings.key_size = 64;
    check_refused(settings, Errc::unsupported, "KeyLen is 64; only 32 is supported");
    settings = spec_settings();
    settings.salt.resize(1025);
    check_refused(settings, Errc::unsupported, "salt size is 1025; at most 1024 is supported");
  }

  TEST_CASE("what is exactly at a limit is accepted") {
    CHECK(check_kdf(with(Argon2idParams{16, 4194304, 255})));
    CHECK(check_kdf(with(Argon2idParams{256, 262144, 1})));
    CHECK(check_kdf(with(Argon2idParams{1, 8, 1})));
    CHECK(check_kdf(with(ScryptParams{1 << 21, 8, 1})));
    CHECK(check_kdf(with(ScryptParams{2, 1, 1})));
    CHECK(check_kdf(with(Pbkdf2Params{10'000'000})));
  }

  TEST_CASE("a passphrase of a megabyte is hashed, a longer one refused") {
    const Bytes longest(kdf_limits::passphrase_size_max);
    CHECK(derive_key(longest, with(Argon2idParams{1, 8, 1})));
    const Bytes too_long(kdf_limits::passphrase_size_max + 1);
    const auto key = derive_key(too_long, with(Argon2idParams{1, 8, 1}));
    REQUIRE_FALSE(key);
    CHECK(key.error().code() == Errc::invalid_argument);
  }

  TEST_CASE("names are those of the configuration") {
    CHECK(kdf_name(Argon2idParams{}) == "ARGON2ID");
    CHECK(kdf_name(ScryptParams{}) == "SCRYPT");
    CHECK(kdf_name(Pbkdf2Params{}) == "PBKDF2");
    for (const auto hashing :
         {Pbkdf2Hashing::sha256, Pbkdf2Hashing::sha384, Pbkdf2Hashing::sha512}) {
      CHECK(parse_pbkdf2_hashing(hashing_name(hashing)).value() == hashing);
    }
    const auto unknown = parse_pbkdf2_hashing("BLAKE3\n");
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().code() == Errc::unsupported);
    CHECK(unknown.error().message() ==
          "PBKDF2 Hashing is BLAKE3\\n; SHA256, SHA384 and SHA512 are supported");
  }

  TEST_CASE("an interrupt comes before the libraries and during Argon2id") {
    int asked = 0;
    const KdfInterrupt at_once = [&]() -> Status {
      ++asked;
      return Error(Errc::cancelled, "interrupted");
    };
    for (const KdfParams& params : {KdfParams(ScryptParams{}), KdfParams(Pbkdf2Params{})}) {
      const auto key = derive_key(as_bytes("p"), with(params), at_once);
      REQUIRE_FALSE(key);
      CHECK(key.error().code() == Errc::cancelled);
    }
    CHECK(asked == 2);

    const KdfInterrupt later = [&]() -> Status {
      if (++asked < 5) return {};
      return Error(Errc::cancelled, "interrupted");
    };
    const auto key = derive_key(as_bytes("p"), spec_settings(), later);
    REQUIRE_FALSE(key);
    CHECK(key.error().message() == "interrupted");
    CHECK(asked == 5);
  }
}

}  // namespace plakar::crypto
