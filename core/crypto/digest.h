// What hash functions return: bytes whose meaning the caller knows.
#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace plakar::crypto {

using Digest32 = std::array<std::byte, 32>;
using Digest64 = std::array<std::byte, 64>;

// Keys are borrowed as views of a `Secret`; the length is part of the type.
using KeyView32 = std::span<const std::byte, 32>;

}  // namespace plakar::crypto
