// The calendar buckets that retention counts in: the minute, hour, day, weekday, week, month and
// year, in UTC, that a time falls into.
//
// Weeks are those of ISO 8601: they begin on Monday and belong to the year that their Thursday
// is in, so that 2025-12-31 is in 2026-W01.
//
// Pure functions. Any time is accepted, since stores hold any time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/unix_time.h"
#include "core/config/retention.h"

namespace plakar::ops {

using config::Period;
using config::periods;

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
