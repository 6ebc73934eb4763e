// Points in time as msgpack carries them, and the text form that readers must accept.
#pragma once

#include <compare>
#include <cstdint>
#include <string_view>

#include "core/base/result.h"

namespace plakar::codec {

// Seconds since the Unix epoch, and 0 to 999,999,999 nanoseconds. The default is not the
// epoch but 0001-01-01T00:00:00Z: what stores hold for "never set", and what a missing
// field of a stored structure therefore means.
struct UnixTime {
  std::int64_t seconds = -62'135'596'800;
  std::uint32_t nanoseconds = 0;

  friend auto operator<=>(const UnixTime&, const UnixTime&) = default;
};

// Any number of nanoseconds, carried into the seconds. A result outside of 64-bit seconds
// is Errc::corrupt.
Result<UnixTime> normalized_time(std::int64_t seconds, std::int64_t nanoseconds);

// "2026-01-31T23:59:59.123456789+02:00": RFC 3339 with upper-case T and Z, years 0 to 9999,
// digits past the ninth ignored. Anything else is Errc::corrupt.
Result<UnixTime> parse_rfc3339(std::string_view text);

}  // namespace plakar::codec
