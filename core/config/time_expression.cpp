#include "core/config/time_expression.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <system_error>

#include "core/base/text.h"

namespace plakar::config {
namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds second = std::chrono::seconds(1);
constexpr nanoseconds minute = std::chrono::minutes(1);
constexpr nanoseconds hour = std::chrono::hours(1);
constexpr nanoseconds day = 24 * hour;
constexpr nanoseconds week = 7 * day;
constexpr nanoseconds month = 30 * day;
constexpr nanoseconds year = 365 * day;

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_letter(char c) noexcept { return c >= 'a' && c <= 'z'; }
bool is_blank(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r' && c != '\v'); }

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

// --- instants -------------------------------------------------------------------------

// Takes the parts of a date off the front of text; a part that is not there fails all that
// follow.
class DateReader {
 public:
  explicit DateReader(std::string_view text) noexcept : rest_(text) {}

  // Between `digits_min` and `digits` digits.
  int number(std::size_t digits_min, std::size_t digits, int max) noexcept {
    int value = 0;
    std::size_t count = 0;
    for (; count < digits && count < rest_.size() && is_digit(rest_[count]); ++count) {
      value = value * 10 + (rest_[count] - '0');
    }
    if (count < digits_min || value > max) failed_ = true;
    rest_.remove_prefix(count);
    return failed_ ? 0 : value;
  }

  bool accept(std::string_view any_of) noexcept {
    if (rest_.empty() || any_of.find(rest_.front()) == std::string_view::npos) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void expect(std::string_view any_of) noexcept {
    if (!accept(any_of)) failed_ = true;
  }

  // The digits after a point, as nanoseconds. More than nine are dropped.
  std::uint32_t fraction() noexcept {
    if (rest_.empty() || !is_digit(rest_.front())) failed_ = true;
    std::uint32_t value = 0;
    for (std::uint32_t unit = 100'000'000; !rest_.empty() && is_digit(rest_.front()); unit /= 10) {
      value += static_cast<std::uint32_t>(rest_.front() - '0') * unit;
      rest_.remove_prefix(1);
    }
    return value;
  }

  bool at_end() const noexcept { return rest_.empty(); }
  bool read_all() const noexcept { return !failed_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

// As lenient as the reference: one digit of hours, a comma before the fraction, offsets up to a
// day. It takes no lower-case `t` and `z`; RFC 3339 does, and the reference goes on to read
// them as an interval that ends in the future.
std::optional<UnixTime> parse_instant(std::string_view text) {
  DateReader in(text);
  const std::chrono::year the_year(in.number(4, 4, 9999));
  const bool with_slashes = in.accept("/");
  if (!with_slashes) in.expect("-");
  const std::chrono::month the_month(static_cast<unsigned>(in.number(2, 2, 12)));
  in.expect(with_slashes ? "/" : "-");
  const std::chrono::day the_day(static_cast<unsigned>(in.number(2, 2, 31)));
  int seconds = 0;
  std::uint32_t fraction = 0;
  if (!with_slashes && !in.at_end()) {
    const bool rfc3339 = in.accept("Tt");
    if (!rfc3339) in.expect(" ");
    seconds = in.number(1, 2, 23) * 3600;
    in.expect(":");
    seconds += in.number(2, 2, 59) * 60;
    if (rfc3339 || !in.at_end()) {
      in.expect(":");
      seconds += in.number(2, 2, 59);
      if (in.accept(".,")) fraction = in.fraction();
    }
    if (rfc3339 && !in.accept("Zz")) {
      const int sign = in.accept("-") ? -1 : 1;
      if (sign > 0) in.expect("+");
      seconds -= sign * in.number(2, 2, 24) * 3600;
      in.expect(":");
      seconds -= sign * in.number(2, 2, 60) * 60;
    }
  }
  const std::chrono::year_month_day date(the_year, the_month, the_day);
  if (!in.read_all() || !date.ok()) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return UnixTime{days * 86'400 + seconds, fraction};
}

// --- intervals ------------------------------------------------------------------------

nanoseconds sum(nanoseconds a, nanoseconds b) noexcept {
  return b > nanoseconds::max() - a ? nanoseconds::max() : a + b;
}

nanoseconds times(double number, nanoseconds unit) noexcept {
  const double product = number * static_cast<double>(unit.count());
  constexpr double beyond = 9'223'372'036'854'775'808.0;  // 2^63, which int64_t cannot hold
  return product < beyond ? nanoseconds(static_cast<std::int64_t>(product)) : nanoseconds::max();
}

std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  if (error != std::errc() || last != end) return std::nullopt;
  return value;
}

std::optional<nanoseconds> parse_phrase(std::string_view text) {
  struct Phrase {
    std::string_view text;
    nanoseconds interval;
  };
  constexpr std::array<Phrase, 10> phrases{{{"half an hour", hour / 2},
                                            {"an hour and a half", hour + hour / 2},
                                            {"half a day", day / 2},
                                            {"a second", second},
                                            {"a minute", minute},
                                            {"an hour", hour},
                                            {"a day", day},
                                            {"a week", week},
                                            {"a month", month},
                                            {"a year", year}}};
  const auto* found = std::ranges::find(phrases, text, &Phrase::text);
  return found == phrases.end() ? std::nullopt : std::optional(found->interval);
}

// 1h30m, 1h30m5s and 1m30s, whole numbers only.
std::optional<nanoseconds> parse_compact(std::string_view with_blanks) {
  std::string text(with_blanks);
  std::erase(text, ' ');
  std::string_view rest = text;
  nanoseconds total{0};
  const auto take = [&](char unit_name, nanoseconds unit) {
    const std::size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
    if (digits == 0 || digits == rest.size() || rest[digits] != unit_name) return false;
    const auto number = parse_number(rest.substr(0, digits));
    if (!number) return false;
    total = sum(total, times(*number, unit));
    rest.remove_prefix(digits + 1);
    return true;
  };
  const bool hours = take('h', hour);
  const bool minutes = take('m', minute);
  const bool seconds = take('s', second);
  if (!rest.empty() || !minutes || (!hours && !seconds)) return std::nullopt;
  return total;
}

// Null for an unknown unit. `m` is the caller's.
std::optional<nanoseconds> find_unit(std::string_view name) {
  struct Unit {
    std::string_view name;
    nanoseconds length;
  };
  constexpr std::array<Unit, 24> units{
      {{"s", second},     {"sec", second}, {"second", second}, {"seconds", second},
       {"mi", minute},    {"min", minute}, {"minute", minute}, {"minutes", minute},
       {"h", hour},       {"hr", hour},    {"hour", hour},     {"hours", hour},
       {"d", day},        {"day", day},    {"days", day},      {"w", week},
       {"week", week},    {"weeks", week}, {"mo", month},      {"month", month},
       {"months", month}, {"y", year},     {"year", year},     {"years", year}}};
  const auto* found = std::ranges::find(units, name, &Unit::name);
  return found == units.end() ? std::nullopt : std::optional(found->length);
}

struct Pairs {
  nanoseconds total{0};
  bool months_written_m = false;
};

// Null for an unknown unit, for what is no number, and where there is no pair at all.
std::optional<Pairs> parse_pairs(std::string_view text) {
  Pairs pairs;
  bool any = false;
  bool after_hours = false;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t begin = at;
    while (at < text.size() && (is_digit(text[at]) || text[at] == '.')) ++at;
    if (at == begin) {
      ++at;
      continue;
    }
    const std::string_view digits = text.substr(begin, at - begin);
    while (at < text.size() && is_blank(text[at])) ++at;
    const std::size_t unit_begin = at;
    while (at < text.size() && is_letter(text[at])) ++at;
    const std::string_view name = text.substr(unit_begin, at - unit_begin);
    if (name.empty()) continue;  // A number without a unit says nothing.

    const auto number = parse_number(digits);
    if (!number) return std::nullopt;
    std::optional<nanoseconds> unit = find_unit(name);
    if (name == "m") {
      unit = after_hours ? minute : month;
      pairs.months_written_m = pairs.months_written_m || !after_hours;
    }
    if (!unit) return std::nullopt;
    pairs.total = sum(pairs.total, times(*number, *unit));
    after_hours = *unit == hour;
    any = true;
  }
  return any ? std::optional(pairs) : std::nullopt;
}

}  // namespace

Result<TimeExpression> TimeExpression::parse(std::string_view text) {
  TimeExpression expression;
  expression.text_ = text;
  if (text.size() <= time_expression_bytes_max && !text.empty() && !is_blank(text.front()) &&
      !is_blank(text.back())) {
    expression.instant_ = parse_instant(text);
    if (expression.instant_) return expression;
    const std::string lower = lower_case(text);
    if (const auto phrase = parse_phrase(lower)) {
      expression.interval_ = *phrase;
      return expression;
    }
    if (const auto compact = parse_compact(lower)) {
      expression.interval_ = *compact;
      return expression;
    }
    if (const auto pairs = parse_pairs(lower)) {
      expression.interval_ = pairs->total;
      expression.months_written_m_ = pairs->months_written_m;
      return expression;
    }
  }
  return Error(Errc::invalid_argument,
               "invalid time format: \"" + escape(text.substr(0, time_expression_bytes_max)) + '"');
}

UnixTime TimeExpression::at(UnixTime now) const noexcept {
  if (instant_) return *instant_;
  const auto whole = std::chrono::floor<std::chrono::seconds>(interval_);
  const auto fraction = static_cast<std::uint32_t>((interval_ - whole).count());
  UnixTime time{now.seconds - whole.count(), now.nanoseconds};
  if (time.nanoseconds < fraction) {
    time.seconds -= 1;
    time.nanoseconds += 1'000'000'000;
  }
  time.nanoseconds -= fraction;
  return time;
}

}  // namespace plakar::config
