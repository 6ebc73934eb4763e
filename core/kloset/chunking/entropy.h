// How evenly the bytes of a chunk are spread: 0 bits for a run of one byte, 8 for noise. Stored
// with chunks and objects, and part of their identity: equal content has to have equal numbers.
#pragma once

#include "core/base/bytes.h"

namespace plakar::kloset {

// −Σ p·log2(p) over the byte values in ascending order; 0 for nothing.
double compute_entropy(BytesView bytes) noexcept;

}  // namespace plakar::kloset
