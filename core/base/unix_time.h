// A point in time as file systems and formats hold it: seconds since 1970 in UTC and
// nanoseconds. Wider than a chrono time point of nanoseconds, which ends in 2262 and cannot
// hold the year 1, "no time" in stores.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace plakar {

// Of the system clock: chrono arithmetic works on it.
using WallTime = std::chrono::sys_time<std::chrono::nanoseconds>;

struct UnixTime {
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;  // Less than 1,000,000,000.

  friend auto operator<=>(const UnixTime&, const UnixTime&) = default;
};

inline UnixTime to_unix_time(WallTime time) noexcept {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  return {seconds.time_since_epoch().count(), static_cast<std::uint32_t>((time - seconds).count())};
}

}  // namespace plakar
