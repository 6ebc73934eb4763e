#include "core/base/testing/seeded_random.h"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace plakar::testing {

void SeededRandom::fill(std::span<std::byte> out) noexcept {
  while (!out.empty()) {
    std::array<std::byte, 8> word;
    store_le(word, next());
    const std::size_t count = std::min(out.size(), word.size());
    std::copy_n(word.begin(), count, out.begin());
    out = out.subspan(count);
  }
}

// SplitMix64: every seed, also 0, gives a good sequence.
std::uint64_t SeededRandom::next() noexcept {
  const std::scoped_lock lock(mutex_);
  state_ += 0x9e3779b97f4a7c15;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

Bytes SeededRandom::bytes(std::size_t size) {
  Bytes out(size);
  fill(out);
  return out;
}

std::uint64_t test_seed() {
  if (const char* given = std::getenv("PLAKAR_TEST_SEED")) return std::strtoull(given, nullptr, 10);
  std::array<std::byte, 8> seed;
  system_random().fill(seed);
  return load_le<std::uint64_t>(seed);
}

}  // namespace plakar::testing
