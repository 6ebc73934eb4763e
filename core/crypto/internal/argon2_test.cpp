#include "core/crypto/internal/argon2.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "core/base/hex.h"
#include "core/base/testing/seeded_random.h"
#include "core/crypto/internal/kdf_library.h"

namespace plakar::crypto::argon2 {

namespace {

using testing::SeededRandom;

// Those that this machine has. The others are tested where they exist.
std::vector<Isa> available() {
  std::vector<Isa> found;
  for (const Isa isa : every_isa) {
    if (runs_here(isa)) found.push_back(isa);
  }
  return found;
}

std::string derived(Isa isa, const Input& input, std::size_t size, const Options& options = {}) {
  Bytes out(size);
  const Status status = derive_with(isa, input, out, options);
  if (!status) return status.error().message();
  return to_hex(out);
}

// RFC 9106, section 5.3.
const Bytes rfc_passphrase(32, std::byte{1});
const Bytes rfc_salt(16, std::byte{2});
const Bytes rfc_secret(8, std::byte{3});
const Bytes rfc_associated(12, std::byte{4});
const std::string rfc_tag = "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659";

Input rfc_input() { return {rfc_passphrase, rfc_salt, 3, 32, 4, rfc_secret, rfc_associated}; }

}  // namespace

TEST_SUITE("argon2") {
  TEST_CASE("RFC 9106: Argon2id with a secret and associated data, in every instruction set") {
    for (const Isa isa : available()) {
      CAPTURE(name(isa));
      CHECK(derived(isa, rfc_input(), 32) == rfc_tag);
    }
  }

  TEST_CASE("every input and every parameter of the RFC's vector changes the result") {
    const Bytes other_passphrase(32, std::byte{0});
    const Bytes shorter_salt(15, std::byte{2});
    std::vector<Input> twins(8, rfc_input());
    twins[0].passphrase = other_passphrase;
    twins[1].passphrase = BytesView(rfc_passphrase).first(31);
    twins[2].salt = shorter_salt;
    twins[3].time = 4;
    twins[4].memory_kib = 33;  // Uses the same memory, and is hashed nonetheless.
    twins[5].lanes = 2;
    twins[6].secret = {};
    twins[7].associated = BytesView(rfc_associated).first(11);
    for (const Isa isa : available()) {
      std::set<std::string> results{rfc_tag};
      for (const Input& twin : twins) results.insert(derived(isa, twin, 32));
      CHECK(results.size() == twins.size() + 1);
    }
  }

  TEST_CASE("the output size is part of the function, not a cut") {
    CHECK(derived(Isa::portable, rfc_input(), 64).substr(0, 64) != rfc_tag);
    CHECK(derived(Isa::portable, rfc_input(), 31) != rfc_tag.substr(0, 62));
  }

  TEST_CASE("every instruction set and libgcrypt agree over random parameters") {
    const std::uint64_t seed = testing::test_seed();
    CAPTURE(seed);
    SeededRandom random(seed);
    for (int round = 0; round < 60; ++round) {
      const auto lanes = static_cast<std::uint32_t>(1 + random.below(4));
      const auto memory = static_cast<std::uint32_t>(8 * lanes + random.below(2048 - 8 * lanes));
      const auto time = static_cast<std::uint32_t>(1 + random.below(4));
      const Bytes passphrase = random.bytes(1 + random.below(80));
      const Bytes salt = random.bytes(8 + random.below(57));
      const Bytes secret = random.coin() ? random.bytes(random.below(33)) : Bytes();
      const Bytes associated = random.coin() ? random.bytes(random.below(33)) : Bytes();
      const std::size_t size = 4 + random.below(125);
      const Input input{passphrase, salt, time, memory, lanes, secret, associated};
      CAPTURE(round);
      CAPTURE(time);
      CAPTURE(memory);
      CAPTURE(lanes);
      CAPTURE(size);
      Bytes reference(size);
      REQUIRE(argon2id_by_libgcrypt(input, reference));
      for (const Isa isa : available()) {
        CAPTURE(name(isa));
        CHECK(derived(isa, input, size, {.threads_max = 1}) == to_hex(reference));
        CHECK(derived(isa, input, size, {.threads_max = 3}) == to_hex(reference));
      }
    }
  }

  TEST_CASE("the smallest and the most crowded memory agree with libgcrypt") {
    const Bytes salt = to_bytes("saltsalt");
    for (const auto& [memory, lanes] : std::vector<std::pair<std::uint32_t, std::uint32_t>>{
             {8, 1}, {9, 1}, {11, 1}, {12, 1}, {16, 2}, {2047, 255}, {2040, 255}}) {
      CAPTURE(memory);
      CAPTURE(lanes);
      const Input input{as_bytes("passphrase"), salt, 2, memory, lanes};
      Bytes reference(32);
      REQUIRE(argon2id_by_libgcrypt(input, reference));
      for (const Isa isa : available()) CHECK(derived(isa, input, 32) == to_hex(reference));
    }
  }

  TEST_CASE("an empty passphrase has a result of its own") {
    const Input empty{{}, rfc_salt, 1, 64, 1};
    const Input zero{as_bytes(std::string_view("\0", 1)), rfc_salt, 1, 64, 1};
    for (const Isa isa : available()) {
      CHECK(derived(isa, empty, 32) == derived(Isa::portable, empty, 32));
      CHECK(derived(isa, empty, 32) != derived(isa, zero, 32));
    }
  }

  TEST_CASE("the chosen instruction set is one that this machine has") {
    const auto chosen = chosen_isa();
    REQUIRE(chosen);
    CHECK(runs_here(*chosen));
    Bytes out(32);
    REQUIRE(derive(rfc_input(), out));
    CHECK(to_hex(out) == rfc_tag);
  }

  TEST_CASE("parameters outside the RFC's limits are refused, and leave the output alone") {
    std::vector<Input> bad(4, rfc_input());
    bad[0].time = 0;
    bad[1].lanes = 0;
    bad[2].lanes = lanes_max + 1;
    bad[3].memory_kib = 31;
    Bytes out(32, std::byte{0x55});
    for (const Input& input : bad) {
      const Status status = derive(input, out);
      REQUIRE_FALSE(status);
      CHECK(status.error().code() == Errc::invalid_argument);
      CHECK(status.error().message().starts_with("Argon2id: "));
    }
    Bytes short_out(3);
    CHECK(derive(rfc_input(), short_out).error().code() == Errc::invalid_argument);
    CHECK(out == Bytes(32, std::byte{0x55}));
  }

  TEST_CASE("an interrupt ends the work within a few thousand blocks, with its own error") {
    const Bytes salt(16);
    for (const Isa isa : available()) {
      for (const std::uint32_t lanes : {1u, 3u}) {
        int asked = 0;
        const Options options{.interrupt = [&]() -> Status {
                                if (++asked < 3) return {};
                                return Error(Errc::unavailable, "too late");
                              },
                              .threads_max = 2};
        Bytes out(32);
        // Hours of work, were it not for the interrupt.
        const Status status =
            derive_with(isa, {as_bytes("p"), salt, 0xffffffff, 16384, lanes}, out, options);
        REQUIRE_FALSE(status);
        CHECK(status.error().code() == Errc::unavailable);
        CHECK(status.error().message() == "too late");
        CHECK(asked == 3);
        CHECK(out == Bytes(32));
      }
    }
  }
}

}  // namespace plakar::crypto::argon2
