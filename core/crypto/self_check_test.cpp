#include "core/crypto/self_check.h"

#include <doctest/doctest.h>

namespace plakar::crypto {

TEST_SUITE("self-test") {
  TEST_CASE("this machine has all cryptography that the format needs, and again") {
    for (int round = 0; round < 2; ++round) {
      const Status passed = self_check();
      CHECK_MESSAGE(passed, (passed ? "" : passed.error().message()));
    }
  }
}

}  // namespace plakar::crypto
