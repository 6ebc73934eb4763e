// PLK_SKIP("no minisign program here"): leaves the test case, loudly. ./test counts and
// prints every skip; where PLAKAR_NO_SKIP is set, as in CI, a skip is a failure.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>

#define PLK_SKIP(reason)                                                                \
  do {                                                                                  \
    if (std::getenv("PLAKAR_NO_SKIP") != nullptr) FAIL("may not be skipped: ", reason); \
    MESSAGE("SKIPPED: ", reason);                                                       \
    return;                                                                             \
  } while (false)
