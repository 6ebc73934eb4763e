#include "core/codec/msgpack_time.h"

#include <chrono>
#include <limits>
#include <optional>
#include <string>

#include "core/base/error.h"

namespace plakar::codec {
namespace {

constexpr std::int64_t nanoseconds_per_second = 1'000'000'000;

// Walks over text of a fixed shape. The first mismatch makes every later step fail too.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  int digits(std::size_t count) {
    int value = 0;
    for (; count > 0; --count) {
      if (!next_is_digit()) return fail();
      value = value * 10 + take_digit();
    }
    return value;
  }
  void literal(char expected) {
    if (!take_if(expected)) fail();
  }
  bool take_if(char expected) {
    if (rest_.empty() || rest_.front() != expected) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::uint32_t nanoseconds() {
    if (!next_is_digit()) return static_cast<std::uint32_t>(fail());
    std::uint32_t value = 0;
    for (std::uint32_t weight = 100'000'000; next_is_digit(); weight /= 10) {
      value += static_cast<std::uint32_t>(take_digit()) * weight;
    }
    return value;
  }
  bool matched_all() const { return !failed_ && rest_.empty(); }

 private:
  bool next_is_digit() const { return !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9'; }
  int take_digit() {
    const int digit = rest_.front() - '0';
    rest_.remove_prefix(1);
    return digit;
  }
  int fail() {
    failed_ = true;
    rest_ = {};
    return 0;
  }

  std::string_view rest_;
  bool failed_ = false;
};

std::optional<UnixTime> scan_rfc3339(std::string_view text) {
  Scanner in(text);
  const std::chrono::year year(in.digits(4));
  in.literal('-');
  const std::chrono::month month(static_cast<unsigned>(in.digits(2)));
  in.literal('-');
  const std::chrono::day day(static_cast<unsigned>(in.digits(2)));
  in.literal('T');
  const int hour = in.digits(2);
  in.literal(':');
  const int minute = in.digits(2);
  in.literal(':');
  const int second = in.digits(2);
  const std::uint32_t nanoseconds = in.take_if('.') ? in.nanoseconds() : 0;
  int offset_minutes = 0;
  if (!in.take_if('Z')) {
    const int sign = in.take_if('-') ? -1 : 1;
    if (sign > 0) in.literal('+');
    const int offset_hour = in.digits(2);
    in.literal(':');
    const int offset_minute = in.digits(2);
    if (offset_hour > 23 || offset_minute > 59) return std::nullopt;
    offset_minutes = sign * (offset_hour * 60 + offset_minute);
  }

  const std::chrono::year_month_day date(year, month, day);
  if (!in.matched_all() || !date.ok() || hour > 23 || minute > 59 || second > 59) {
    return std::nullopt;
  }
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return UnixTime{days * 86'400 + hour * 3'600 + (minute - offset_minutes) * 60 + second,
                  nanoseconds};
}

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

Result<UnixTime> parse_rfc3339(std::string_view text) {
  if (const auto time = scan_rfc3339(text)) return *time;
  return Error(Errc::corrupt, "not an RFC 3339 time");
}

}  // namespace plakar::codec
