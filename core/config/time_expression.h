// A date as options and policies take it: an instant, or an interval before now.
//
//   2026-01-14T06:45:32Z   2026-01-14 06:45[:32]   2026-01-14   2026/01/14     UTC if not said
//   30d   3 months   1 week 2 days   2h30m   half an hour
//
// An interval, upper or lower case, is the first of these that fits:
//
//   half an hour, an hour and a half, half a day, a second ... a year, an hour
//   1h30m, 1h30m5s, 1m30s with blanks anywhere
//   the sum of all pairs of number and unit, whatever stands between them; units are s sec
//   second seconds, mi min minute minutes, h hr hour hours, d day days, w week weeks, mo month
//   months of 30 days, y year years of 365 days. An `m` is minutes if the pair before it is
//   hours, else months.
//
// So 30m are thirty months, and 2h30 is two hours: such is the format that scripts and policies
// are written in. months_written_m() is for telling people.
//
// A value; nothing here looks at the clock.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/base/unix_time.h"

namespace plakar::config {

inline constexpr std::size_t time_expression_bytes_max = 256;

class TimeExpression {
 public:
  // Errc::invalid_argument `invalid time format: "x"`, also for blanks at either end and for
  // the empty text, which as an option means "unset".
  static Result<TimeExpression> parse(std::string_view text);

  // As it was written.
  const std::string& text() const noexcept { return text_; }
  // Whether it is an interval, which means another instant every time.
  bool is_relative() const noexcept { return !instant_.has_value(); }
  // Whether an `m` was read as months, which is rarely what "30m" is meant to say.
  bool months_written_m() const noexcept { return months_written_m_; }

  UnixTime at(UnixTime now) const noexcept;

  friend bool operator==(const TimeExpression&, const TimeExpression&) = default;

 private:
  TimeExpression() = default;

  std::string text_;
  std::optional<UnixTime> instant_;
  // Before now; not negative. What is longer than the type can hold, 292 years, is as long as
  // that.
  std::chrono::nanoseconds interval_{0};
  bool months_written_m_ = false;
};

}  // namespace plakar::config
