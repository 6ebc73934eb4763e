// The calendar buckets that retention counts in: the minute, hour, day, weekday, week, month and
// year, in UTC, that a time falls into.
//
// Weeks are those of ISO 8601: they begin on Monday and belong to the year that their Thursday
// is in, so that 2025-12-31 is in 2026-W01.
//
// Pure functions. Any time is accepted, since stores hold any time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/unix_time.h"

namespace plakar::ops {

// In the order in which retention applies its rules.
enum class Period : std::uint8_t {
  minute,
  hour,
  day,
  monday,
  tuesday,
  wednesday,
  thursday,
  friday,
  saturday,
  sunday,
  week,
  month,
  year,
};

inline constexpr auto periods = std::to_array<Period>(
    {Period::minute, Period::hour, Period::day, Period::monday, Period::tuesday, Period::wednesday,
     Period::thursday, Period::friday, Period::saturday, Period::sunday, Period::week,
     Period::month, Period::year});

// "minute", "monday": of messages, options and policies.
std::string_view to_string(Period period) noexcept;
std::optional<Period> parse_period(std::string_view text) noexcept;

// One bucket of a period; consecutive ones have consecutive numbers.
struct Bucket {
  Period period = Period::minute;
  std::int64_t number = 0;

  friend bool operator==(const Bucket&, const Bucket&) = default;
};

// Nothing on another weekday than the period's.
std::optional<Bucket> bucket_of(Period period, UnixTime time) noexcept;
// The bucket that `time` is in; on another weekday, the last one before it.
Bucket last_bucket(Period period, UnixTime time) noexcept;

// 2026-01-14-06:45, 2026-01-14-06, 2026-01-14, 2026-W03-monday, 2026-W03, 2026-01, 2026
std::string to_string(const Bucket& bucket);

}  // namespace plakar::ops
