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

//
// The default is not the epoch but 0001-01-01T00:00:00Z: what stores hold for "never set", and
// what a missing field of a stored structure therefore means.
struct UnixTime {
  std::int64_t seconds = -62'135'596'800;
  std::uint32_t nanoseconds = 0;  // Less than 1,000,000,000.

  friend auto operator<=>(const UnixTime&, const UnixTime&) = default;
};

inline UnixTime to_unix_time(WallTime time) noexcept {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  return {seconds.time_since_epoch().count(), static_cast<std::uint32_t>((time - seconds).count())};
}

// The nearest that the clock's type can hold: years 1677 to 2262.
inline WallTime to_wall_time(UnixTime time) noexcept {
  constexpr std::int64_t seconds_max = 9'223'372'035;
  if (time.seconds > seconds_max) return WallTime::max();
  if (time.seconds < -seconds_max) return WallTime::min();
  return WallTime(std::chrono::seconds(time.seconds)) + std::chrono::nanoseconds(time.nanoseconds);
}

}  // namespace plakar
