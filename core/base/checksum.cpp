#include "core/base/checksum.h"

#include <xxhash.h>

namespace plakar {

std::uint64_t xxh3_64(BytesView bytes, std::uint64_t seed) noexcept {
  return ::XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

std::uint32_t xxh32(BytesView bytes, std::uint32_t seed) noexcept {
  return ::XXH32(bytes.data(), bytes.size(), seed);
}

}  // namespace plakar
