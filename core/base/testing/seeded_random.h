// Randomness that repeats itself, from a seed: for tests, which print the seed, and never for
// keys.
#pragma once

#include <cstdint>
#include <mutex>

#include "core/base/random.h"

namespace plakar::testing {

class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) noexcept : state_(seed) {}

  void fill(std::span<std::byte> out) noexcept override;

  std::uint64_t next() noexcept;
  // Less than `bound`, which is not 0. Not perfectly even, which tests do not notice.
  std::uint64_t below(std::uint64_t bound) noexcept { return next() % bound; }
  bool coin() noexcept { return (next() & 1) != 0; }
  Bytes bytes(std::size_t size);

 private:
  std::mutex mutex_;
  std::uint64_t state_;
};

// PLAKAR_TEST_SEED if that is set, else a different one each time. Print it: CAPTURE(seed).
std::uint64_t test_seed();

}  // namespace plakar::testing
