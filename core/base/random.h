// Where keys, nonces and identifiers come from. Passed in, so that tests own it: see
// core/base/testing for one that repeats itself.
#pragma once

#include <span>

#include "core/base/bytes.h"

namespace plakar {

// Implementations may be called from any thread.
class Random {
 public:
  virtual ~Random() = default;

  // Fills `out` entirely. A system without randomness ends the process: there is nothing
  // sound to continue with.
  virtual void fill(std::span<std::byte> out) noexcept = 0;
};

// The kernel's generator (getrandom), fit for keys.
Random& system_random() noexcept;

}  // namespace plakar
