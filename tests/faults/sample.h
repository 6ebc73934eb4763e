// How much of a sweep over every place where something can fail is tried.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace plakar::testing {

// One of so many places, or, with PLAKAR_FAULTS=all, every one.
inline std::uint64_t sample_of(std::uint64_t one_of) {
  const char* wanted = std::getenv("PLAKAR_FAULTS");
  return wanted != nullptr && std::string_view(wanted) == "all" ? 1 : one_of;
}

}  // namespace plakar::testing
