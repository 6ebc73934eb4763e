#include "core/kloset/chunking/entropy.h"

#include <array>
#include <cmath>
#include <cstdint>

namespace plakar::kloset {

double compute_entropy(BytesView bytes) noexcept {
  if (bytes.empty()) return 0;
  // Several tables, because counting one value twice in a row has to wait for the first count.
  constexpr std::size_t table_count = 8;
  std::array<std::array<std::uint32_t, 256>, table_count> tables{};
  const std::size_t whole = bytes.size() / table_count * table_count;
  for (std::size_t i = 0; i < whole; i += table_count) {
    for (std::size_t t = 0; t < table_count; ++t) {
      ++tables[t][std::to_integer<std::size_t>(bytes[i + t])];
    }
  }
  for (std::size_t i = whole; i < bytes.size(); ++i) {
    ++tables[0][std::to_integer<std::size_t>(bytes[i])];
  }
  const auto size = static_cast<double>(bytes.size());
  double entropy = 0;
  for (std::size_t value = 0; value < 256; ++value) {
    std::uint64_t count = 0;
    for (const auto& table : tables) count += table[value];
    if (count == 0) continue;
    const double p = static_cast<double>(count) / size;
    entropy -= p * std::log2(p);
  }
  return entropy;
}

}  // namespace plakar::kloset
