// Fast checksums, by xxHash: for tables in memory, caches and the detection of accidents.
// Never identity, and never trust: anyone can make two inputs with the same one.
#pragma once

#include <cstdint>

#include "core/base/bytes.h"

namespace plakar {

std::uint64_t xxh3_64(BytesView bytes, std::uint64_t seed = 0) noexcept;

// The content checksum of an LZ4 frame.
std::uint32_t xxh32(BytesView bytes, std::uint32_t seed = 0) noexcept;

}  // namespace plakar
