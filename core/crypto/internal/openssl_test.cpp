#include "core/crypto/internal/openssl.h"

#include <doctest/doctest.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <array>
#include <string>

namespace plakar::crypto {

namespace {

// What somebody else in this thread did not take out of the queue.
void leave_stale_entry() { ERR_raise(ERR_LIB_EVP, EVP_R_BAD_DECRYPT); }

}  // namespace

TEST_SUITE("openssl") {
  TEST_CASE("an error is that of the last failure, not what the queue still held") {
    for (const bool stale : {false, true}) {
      ERR_clear_error();
      if (stale) leave_stale_entry();
      REQUIRE(EVP_MAC_fetch(nullptr, "NO-SUCH-MAC", nullptr) == nullptr);
      const Error error = openssl::error("authenticate");
      CHECK(error.code() == Errc::unsupported);
      CHECK(error.message().starts_with("authenticate: "));
      CHECK(error.message().find("bad decrypt") == std::string::npos);
      CHECK(ERR_peek_error() == 0);
    }
  }

  TEST_CASE("a key of an algorithm that is not there is unsupported, a wrong one internal") {
    const std::array<unsigned char, 31> seed{};
    leave_stale_entry();
    REQUIRE(EVP_PKEY_new_raw_private_key_ex(nullptr, "NONE", nullptr, seed.data(), seed.size()) ==
            nullptr);
    CHECK(openssl::error("make a key").code() == Errc::unsupported);
    leave_stale_entry();
    REQUIRE(EVP_PKEY_new_raw_private_key_ex(nullptr, "ED25519", nullptr, seed.data(),
                                            seed.size()) == nullptr);
    const Error error = openssl::error("make a key");
    CHECK(error.code() == Errc::internal);
    CHECK(error.message().find("bad decrypt") == std::string::npos);
  }

  TEST_CASE("a failure without a reason says so") {
    ERR_clear_error();
    CHECK(openssl::error("hash").message() == "hash: OpenSSL gave no reason");
  }
}

}  // namespace plakar::crypto
