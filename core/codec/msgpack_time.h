// Points in time as msgpack carries them.
#pragma once

#include <cstdint>

#include "core/base/result.h"
#include "core/base/unix_time.h"

namespace plakar::codec {

// Any number of nanoseconds, carried into the seconds. A result outside of 64-bit seconds
// is Errc::corrupt.
Result<UnixTime> normalized_time(std::int64_t seconds, std::int64_t nanoseconds);

}  // namespace plakar::codec
