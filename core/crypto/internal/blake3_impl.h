// The official C code's internal header, usable from C++: release 1.3 declares C functions
// without saying so. Its macros and global enumerators (CHUNK_START, ROOT, ...) come
// along, so that only the two .cpp files that need them include this.
#pragma once

// Its system headers first, outside of extern "C": they have C++ parts.
#include <cassert>
#include <cstdbool>
#include <cstddef>
#include <cstdint>
#include <cstring>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

extern "C" {
#include <blake3_impl.h>
}

namespace plakar::crypto {

// The C code detects the processor on first use and remembers it in a plain variable, which
// two threads must not do at the same time. Called before any of its functions.
inline std::size_t blake3_lanes() noexcept {
  static const std::size_t lanes = blake3_simd_degree();
  return lanes;
}

}  // namespace plakar::crypto
