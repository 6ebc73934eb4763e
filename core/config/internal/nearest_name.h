// For "did you mean": the name a typing mistake away.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace plakar::config {

// The nearest of `names` to `typed` by insertions, deletions, replacements and swaps, if it is
// near: at most a third of the letters off. Empty when none is, and for absurdly long input.
std::string nearest_name(std::string_view typed, std::span<const std::string> names);

}  // namespace plakar::config
