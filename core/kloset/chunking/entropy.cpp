#include "core/kloset/chunking/entropy.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace plakar::kloset {

namespace {

using Counts = std::array<std::uint32_t, 256>;

// Several tables, because counting one value twice in a row has to wait for the first count.
// Small inputs do with fewer, which also have to be cleared and added up.
template <std::size_t table_count>
Counts count_values(BytesView bytes) noexcept {
  std::array<Counts, table_count> tables{};
  const std::size_t whole = bytes.size() / 8 * 8;
  for (std::size_t i = 0; i < whole; i += 8) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data() + i, sizeof word);
    for (std::size_t t = 0; t < 8; ++t) {
      ++tables[t % table_count][word & 0xff];
      word >>= 8;
    }
  }
  for (std::size_t i = whole; i < bytes.size(); ++i) {
    ++tables[0][std::to_integer<std::size_t>(bytes[i])];
  }
  Counts sum = tables[0];
  for (std::size_t t = 1; t < table_count; ++t) {
    for (std::size_t value = 0; value < 256; ++value) sum[value] += tables[t][value];
  }
  return sum;
}

constexpr std::size_t small_size_max = 4096;

}  // namespace

double compute_entropy(BytesView bytes) noexcept {
  if (bytes.empty()) return 0;
  const Counts counts =
      bytes.size() <= small_size_max ? count_values<2>(bytes) : count_values<8>(bytes);
  const auto size = static_cast<double>(bytes.size());
  double entropy = 0;
  for (const std::uint32_t count : counts) {
    if (count == 0) continue;
    const double p = static_cast<double>(count) / size;
    entropy -= p * std::log2(p);
  }
  return entropy;
}

}  // namespace plakar::kloset
