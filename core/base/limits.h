// Limits that several modules share. A limit of one module lives in that module.
#pragma once

#include <cstddef>

namespace plakar {

// The kernel's: a path in one call, with its NUL, and one component of it.
inline constexpr std::size_t path_bytes_max = 4096;
inline constexpr std::size_t name_bytes_max = 255;

}  // namespace plakar
