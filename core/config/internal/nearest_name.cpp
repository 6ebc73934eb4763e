#include "core/config/internal/nearest_name.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

namespace plakar::config {
namespace {

constexpr std::size_t name_bytes_compared_max = 64;

// Optimal string alignment distance, three rows at a time.
std::size_t distance(std::string_view a, std::string_view b) {
  using Row = std::array<std::size_t, name_bytes_compared_max + 1>;
  Row before{};
  Row previous{};
  Row current{};
  for (std::size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        current[j] = std::min(current[j], before[j - 2] + 1);
      }
    }
    before = previous;
    previous = current;
  }
  return previous[b.size()];
}

}  // namespace

std::string nearest_name(std::string_view typed, std::span<const std::string> names) {
  if (typed.empty() || typed.size() > name_bytes_compared_max) return {};
  std::size_t best = std::max<std::size_t>(typed.size() / 3, 1) + 1;
  std::string nearest;
  for (const std::string& name : names) {
    if (name.size() > name_bytes_compared_max) continue;
    const std::size_t now = distance(typed, name);
    if (now < best) {
      best = now;
      nearest = name;
    }
  }
  return nearest;
}

}  // namespace plakar::config
