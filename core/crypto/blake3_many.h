// Keyed BLAKE3 of many small inputs at once.
//
// One input below about 16 KiB cannot fill the lanes of a wide vector unit: 4 KiB alone run
// at half the speed of 1 MiB, 1 KiB at a fifth. Here the lanes run across inputs: the first
// chunks of sixteen inputs together, then the second ones, and so on, then the parents of
// their trees. The result is the same as blake3_keyed() of each.
//
// Worth calling with sixteen inputs or more; sizes may be mixed, equal ones are fastest.
#pragma once

#include <span>

#include "core/base/bytes.h"
#include "core/crypto/digest.h"

namespace plakar::crypto {

// Writes the digest of inputs[i] to out[32 * i ...]. Precondition: `out` has 32 bytes for
// each input. Any thread; needs about 40 KiB of stack and no heap.
void blake3_keyed_many(KeyView32 key, std::span<const BytesView> inputs,
                       std::span<std::byte> out) noexcept;

}  // namespace plakar::crypto
