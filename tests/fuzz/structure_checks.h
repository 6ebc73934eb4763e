// What holds for every structure of the format, for the fuzzers of them.
#pragma once

#include <cstdlib>

#include "core/base/bytes.h"
#include "core/base/result.h"

namespace plakar::fuzz {

inline void require(bool holds) {
  if (!holds) std::abort();
}

// What decodes is a fixed point: encoded, it decodes to what is encoded the same again. What does
// not is corrupt.
template <class Decode, class Encode>
void check_structure(BytesView bytes, Decode decode, Encode encode) {
  const auto first = decode(bytes);
  if (!first) {
    require(first.error().code() == Errc::corrupt);
    return;
  }
  const Bytes once = encode(*first);
  const auto second = decode(BytesView(once));
  require(second.has_value());
  require(encode(*second) == once);
}

// An encoder that appends, as one that returns.
template <auto Append>
inline constexpr auto returning = [](const auto& value) {
  Bytes out;
  Append(out, value);
  return out;
};

}  // namespace plakar::fuzz
