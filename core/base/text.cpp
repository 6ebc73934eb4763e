#include "core/base/text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>

namespace plakar {
namespace {

struct Decoded {
  char32_t code_point = 0;
  std::size_t length = 0;  // Zero: not UTF-8 here.
};

// The character that `text`, which is not empty, begins with.
Decoded decode_utf8(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) {
    return static_cast<char32_t>(static_cast<unsigned char>(text[i]));
  };
  const char32_t first = byte(0);
  if (first < 0x80) return {first, 1};
  std::size_t length = 0;
  char32_t smallest = 0;
  char32_t code_point = 0;
  if ((first & 0xe0) == 0xc0) {
    length = 2, smallest = 0x80, code_point = first & 0x1f;
  } else if ((first & 0xf0) == 0xe0) {
    length = 3, smallest = 0x800, code_point = first & 0x0f;
  } else if ((first & 0xf8) == 0xf0) {
    length = 4, smallest = 0x10000, code_point = first & 0x07;
  }
  if (length == 0 || length > text.size()) return {};
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code_point = code_point << 6 | (byte(i) & 0x3f);
  }
  const bool surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
  if (code_point < smallest || code_point > 0x10ffff || surrogate) return {};
  return {code_point, length};
}

bool is_deceptive(char32_t c) noexcept {
  return c < 0x20 || (c >= 0x7f && c < 0xa0)              // Control characters.
         || c == 0x2028 || c == 0x2029                    // Line, paragraph separator.
         || c == 0x061c || c == 0x200e || c == 0x200f     // Direction marks,
         || (c >= 0x202a && c <= 0x202e)                  // embeddings and overrides,
         || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;  // isolates. Byte order mark.
}

void append_hex_escape(std::string& out, std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (const char c : bytes) {
    const auto value = static_cast<unsigned char>(c);
    out.append("\\x").append(1, digits[value >> 4]).append(1, digits[value & 15]);
  }
}

// UTF-16 code units as \u escapes.
void append_json_escape(std::string& out, char32_t code_point) {
  const auto append_unit = [&](unsigned unit) {
    std::array<char, 8> text;
    std::snprintf(text.data(), text.size(), "\\u%04x", unit & 0xffff);
    out += text.data();
  };
  if (code_point < 0x10000) {
    append_unit(static_cast<unsigned>(code_point));
  } else {
    append_unit(0xd800 + (static_cast<unsigned>(code_point - 0x10000) >> 10));
    append_unit(0xdc00 + (static_cast<unsigned>(code_point - 0x10000) & 0x3ff));
  }
}

// `value` with `digits` decimals, without the zeros at their end.
void append_fraction(std::string& out, std::uint64_t value, int digits) {
  if (value == 0) return;
  std::string text = std::to_string(value);
  text.insert(0, static_cast<std::size_t>(digits) - text.size(), '0');
  text.erase(text.find_last_not_of('0') + 1);
  out.append(".").append(text);
}

// Takes digits off the front of text, one field after another; a field that is not there
// fails all that follow.
class TimeReader {
 public:
  explicit TimeReader(std::string_view text) noexcept : rest_(text) {}

  int number(std::size_t digits, int min, int max) noexcept {
    int value = 0;
    if (rest_.size() < digits) return fail();
    for (const char c : rest_.substr(0, digits)) {
      if (c < '0' || c > '9') return fail();
      value = value * 10 + (c - '0');
    }
    rest_.remove_prefix(digits);
    return value < min || value > max ? fail() : value;
  }

  void expect(char c) noexcept {
    if (!accept(c)) failed_ = true;
  }

  bool accept(char c) noexcept {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::uint32_t fraction() noexcept {
    std::uint32_t value = 0;
    std::uint32_t unit = 100'000'000;
    const std::size_t end = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    if (end == 0) failed_ = true;
    for (const char c : rest_.substr(0, end)) {
      value += static_cast<std::uint32_t>(c - '0') * unit;
      unit /= 10;
    }
    rest_.remove_prefix(end);
    return value;
  }

  bool at_end() const noexcept { return !failed_ && rest_.empty(); }

 private:
  int fail() noexcept {
    failed_ = true;
    return 0;
  }

  std::string_view rest_;
  bool failed_ = false;
};

// Of the years 0 and 10000.
constexpr std::int64_t rfc3339_begin = -62'167'219'200;
constexpr std::int64_t rfc3339_end = 253'402'300'800;

}  // namespace

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const Decoded next = decode_utf8(text);
    if (next.length == 0) return false;
    text.remove_prefix(next.length);
  }
  return true;
}

std::string escape(std::string_view name) {
  std::string out;
  out.reserve(name.size());
  while (!name.empty()) {
    const Decoded next = decode_utf8(name);
    const std::string_view bytes = name.substr(0, next.length == 0 ? 1 : next.length);
    name.remove_prefix(bytes.size());
    if (next.length == 0) {
      append_hex_escape(out, bytes);
    } else if (next.code_point == '\n') {
      out += "\\n";
    } else if (next.code_point == '\t') {
      out += "\\t";
    } else if (next.code_point == '\r') {
      out += "\\r";
    } else if (next.code_point == '\\') {
      out += "\\\\";
    } else if (is_deceptive(next.code_point)) {
      append_hex_escape(out, bytes);
    } else {
      out += bytes;
    }
  }
  return out;
}

std::string escape_json(std::string_view text) {
  if (!is_utf8(text)) return escape_json(escape(text));
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Decoded next = decode_utf8(text);
    const std::string_view bytes = text.substr(0, next.length);
    text.remove_prefix(next.length);
    if (next.code_point == '"' || next.code_point == '\\') {
      out.append(1, '\\').append(bytes);
    } else if (next.code_point == '\n') {
      out += "\\n";
    } else if (next.code_point == '\t') {
      out += "\\t";
    } else if (next.code_point == '\r') {
      out += "\\r";
    } else if (is_deceptive(next.code_point)) {
      append_json_escape(out, next.code_point);
    } else {
      out += bytes;
    }
  }
  return out;
}

std::string format_size(std::uint64_t bytes) {
  constexpr std::array<const char*, 7> units = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 10) return std::to_string(bytes) + " B";
  // By way of double, as the reference does: what rounds up to the next unit is written in it.
  const auto value = static_cast<double>(bytes);
  const auto unit = static_cast<std::size_t>(std::ilogb(value) / 10);
  const double scaled =
      std::floor(value / std::ldexp(1.0, static_cast<int>(unit) * 10) * 10 + 0.5) / 10;
  std::array<char, 32> out;
  std::snprintf(out.data(), out.size(), scaled < 10 ? "%.1f %s" : "%.0f %s", scaled, units[unit]);
  return out.data();
}

std::string format_duration(std::chrono::nanoseconds duration) {
  const std::int64_t count = duration.count();
  if (count == 0) return "0s";
  // Unsigned, since the smallest number has no positive counterpart.
  const std::uint64_t total =
      count < 0 ? 0 - static_cast<std::uint64_t>(count) : static_cast<std::uint64_t>(count);
  std::string out = count < 0 ? "-" : "";
  if (total < 1'000) return out + std::to_string(total) + "ns";
  const auto with_unit = [&](std::uint64_t unit, int digits, const char* name) {
    out += std::to_string(total / unit);
    append_fraction(out, total % unit, digits);
    return out + name;
  };
  if (total < 1'000'000) return with_unit(1'000, 3, "\u00b5s");
  if (total < 1'000'000'000) return with_unit(1'000'000, 6, "ms");
  const std::uint64_t seconds = total / 1'000'000'000;
  if (seconds >= 3600) out += std::to_string(seconds / 3600) + "h";
  if (seconds >= 60) out += std::to_string(seconds / 60 % 60) + "m";
  out += std::to_string(seconds % 60);
  append_fraction(out, total % 1'000'000'000, 9);
  return out + "s";
}

std::string format_rfc3339(UnixTime time, TimePrecision precision) {
  if (time.seconds < rfc3339_begin || time.seconds >= rfc3339_end) {
    return "@" + std::to_string(time.seconds);
  }
  const std::chrono::sys_seconds at{std::chrono::seconds(time.seconds)};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(at - day);
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d", int{date.year()},
                unsigned{date.month()}, unsigned{date.day()},
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  std::string out = text.data();
  if (precision == TimePrecision::nanoseconds) append_fraction(out, time.nanoseconds, 9);
  return out + "Z";
}

Result<UnixTime> parse_rfc3339(std::string_view text) {
  TimeReader in(text);
  const std::chrono::year year(in.number(4, 0, 9999));
  in.expect('-');
  const std::chrono::month month(static_cast<unsigned>(in.number(2, 1, 12)));
  in.expect('-');
  const std::chrono::day day(static_cast<unsigned>(in.number(2, 1, 31)));
  in.expect('T');
  const int hour = in.number(2, 0, 23);
  in.expect(':');
  const int minute = in.number(2, 0, 59);
  in.expect(':');
  const int second = in.number(2, 0, 59);
  const std::uint32_t nanoseconds = in.accept('.') ? in.fraction() : 0;
  int offset_minutes = 0;
  if (!in.accept('Z')) {
    const int sign = in.accept('-') ? -1 : 1;
    if (sign > 0) in.expect('+');
    const int hours = in.number(2, 0, 23);
    in.expect(':');
    offset_minutes = sign * (hours * 60 + in.number(2, 0, 59));
  }
  const std::chrono::year_month_day date(year, month, day);
  if (!in.at_end() || !date.ok()) {
    return Error(Errc::invalid_argument, "not a time as in 2006-01-02T15:04:05Z");
  }
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return UnixTime{days * 86'400 + hour * 3600 + minute * 60 + second - offset_minutes * 60,
                  nanoseconds};
}

}  // namespace plakar
