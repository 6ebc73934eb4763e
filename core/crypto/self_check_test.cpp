#include "core/crypto/self_check.h"

#include <doctest/doctest.h>

#include "core/base/process.h"
#include "tests/support/skip.h"

namespace plakar::crypto {

TEST_SUITE("self-check") {
  TEST_CASE("this machine has all cryptography that the format needs, and again") {
    for (int round = 0; round < 2; ++round) {
      const Status passed = self_check();
      CHECK_MESSAGE(passed, (passed ? "" : passed.error().message()));
    }
  }

  // In FIPS mode libgcrypt refuses what the format is made of: the case above, run again in
  // such a process, has to fail.
  TEST_CASE("a libgcrypt that lacks a primitive fails the check, and is named") {
    const auto crippled =
        run(system_processes(), {.program = "/proc/self/exe",
                                 .arguments = {"--test-case=this machine has all*"},
                                 .environment = {"LIBGCRYPT_FORCE_FIPS_MODE=1"}});
    REQUIRE(crippled);
    if (crippled->status.success()) PLK_SKIP("this libgcrypt has no FIPS mode");
    CHECK(crippled->status.signal == 0);
    const std::string report = to_text(crippled->output);
    CHECK(report.find("self-check failed") != std::string::npos);
    CHECK(report.find("libgcrypt 1.") != std::string::npos);
  }
}

}  // namespace plakar::crypto
