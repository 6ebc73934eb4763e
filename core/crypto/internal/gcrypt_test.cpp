#include "core/crypto/internal/gcrypt.h"

#include <doctest/doctest.h>
#include <gcrypt.h>

#include <thread>
#include <vector>

namespace plakar::crypto {

TEST_SUITE("gcrypt") {
  TEST_CASE("threads that all come first find it initialised") {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([] { CHECK(gcrypt::ready()); });
    }
    threads.clear();
    CHECK(gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P) != 0);
  }

  TEST_CASE("an error code says what was attempted and what can be done") {
    CHECK(gcrypt::check(0, "do nothing"));
    const Error missing = gcrypt::error(gcry_error(GPG_ERR_CIPHER_ALGO), "open AES");
    CHECK(missing.code() == Errc::unsupported);
    CHECK(missing.message().starts_with("open AES: "));
    CHECK(gcrypt::error(gcry_error(GPG_ERR_CHECKSUM), "decrypt").code() == Errc::corrupt);
    CHECK(gcrypt::error(gcry_error(GPG_ERR_INV_KEYLEN), "set key").code() == Errc::internal);
  }
}

}  // namespace plakar::crypto
