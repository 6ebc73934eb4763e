// How much of a sweep over every place where something can fail is tried.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tests/support/sanitizers.h"

namespace plakar::testing {

// One of so many places, or, with PLAKAR_FAULTS=all, every one; fewer where a sanitizer makes each
// take ten times as long.
inline std::uint64_t sample_of(std::uint64_t one_of) {
  const char* wanted = std::getenv("PLAKAR_FAULTS");
  if (wanted != nullptr && std::string_view(wanted) == "all") return 1;
  return PLK_ASAN || PLK_TSAN ? one_of * 8 : one_of;
}

}  // namespace plakar::testing
