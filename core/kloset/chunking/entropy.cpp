#include "core/kloset/chunking/entropy.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace plakar::kloset {

namespace {

using Counts = std::array<std::uint32_t, 256>;

std::uint64_t load_word(const std::byte* at) noexcept {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// Several tables, because counting one value twice in a row has to wait for the first count.
// Small inputs do with fewer, which also have to be cleared and added up. Runs of one value, of
// which disk images are full, are counted as a whole. Written out, because compilers leave the
// loop over the octets of a word a loop, which costs a quarter.
template <std::size_t table_count>
Counts count_values(BytesView bytes) noexcept {
  std::array<Counts, table_count> tables{};
  const auto count = [&tables](std::size_t table, std::uint64_t octet) {
    ++tables[table % table_count][octet & 0xff];
  };
  const std::byte* at = bytes.data();
  const std::byte* const end = at + bytes.size() / 16 * 16;
  while (at != end) {
    const std::uint64_t a = load_word(at);
    const std::uint64_t b = load_word(at + 8);
    if (a == b && a == std::rotl(a, 8)) [[unlikely]] {
      const std::byte* const begin = at;
      do {
        at += 16;
      } while (at != end && load_word(at) == a && load_word(at + 8) == a);
      tables[0][a & 0xff] += static_cast<std::uint32_t>(at - begin);
      continue;
    }
    at += 16;
    count(0, a);
    count(1, b);
    count(2, a >> 8);
    count(3, b >> 8);
    count(4, a >> 16);
    count(5, b >> 16);
    count(6, a >> 24);
    count(7, b >> 24);
    count(0, a >> 32);
    count(1, b >> 32);
    count(2, a >> 40);
    count(3, b >> 40);
    count(4, a >> 48);
    count(5, b >> 48);
    count(6, a >> 56);
    count(7, b >> 56);
  }
  for (; at != bytes.data() + bytes.size(); ++at) {
    ++tables[0][std::to_integer<std::size_t>(*at)];
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
