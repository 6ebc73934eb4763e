#include "core/codec/msgpack_time.h"

#include <limits>

namespace plakar::codec {
namespace {

constexpr std::int64_t nanoseconds_per_second = 1'000'000'000;

}  // namespace

Result<UnixTime> normalized_time(std::int64_t seconds, std::int64_t nanoseconds) {
  std::int64_t carry = nanoseconds / nanoseconds_per_second;
  std::int64_t rest = nanoseconds % nanoseconds_per_second;
  if (rest < 0) {
    rest += nanoseconds_per_second;
    --carry;
  }
  using Limits = std::numeric_limits<std::int64_t>;
  if (carry > 0 ? seconds > Limits::max() - carry : seconds < Limits::min() - carry) {
    return Error(Errc::corrupt, "time outside of 64-bit seconds");
  }
  return UnixTime{seconds + carry, static_cast<std::uint32_t>(rest)};
}

}  // namespace plakar::codec
