#include "core/config/internal/schema_format.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace plakar::config {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// RFC 3986 as far as it tells a URI from a path: a scheme, something after it, no spaces.
bool is_uri(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == text.npos || colon == 0 || colon + 1 == text.size() || !is_letter(text[0])) {
    return false;
  }
  const auto in_scheme = [](char c) {
    return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
  };
  const auto is_bad = [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == 0x7f ||
           std::string_view("<>\"{}|\\^`").find(c) != std::string_view::npos;
  };
  return std::ranges::all_of(text.substr(0, colon), in_scheme) &&
         std::ranges::none_of(text, is_bad);
}

bool is_hostname(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > 253) return false;
  while (true) {
    const std::string_view label = text.substr(0, text.find('.'));
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') {
      return false;
    }
    if (!std::ranges::all_of(label,
                             [](char c) { return is_letter(c) || is_digit(c) || c == '-'; })) {
      return false;
    }
    if (label.size() == text.size()) return true;
    text.remove_prefix(label.size() + 1);
  }
}

bool is_email(std::string_view text) {
  const std::size_t at = text.rfind('@');
  if (at == text.npos || at == 0 || at > 64) return false;
  const auto is_bad = [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == 0x7f ||
           std::string_view("()<>[]:;,@\\\"").find(c) != std::string_view::npos;
  };
  return std::ranges::none_of(text.substr(0, at), is_bad) && is_hostname(text.substr(at + 1));
}

bool is_ipv4(std::string_view text) {
  for (int part = 0; part < 4; ++part) {
    const std::string_view number = text.substr(0, text.find('.'));
    if (number.empty() || number.size() > 3 || !std::ranges::all_of(number, is_digit)) return false;
    if (number.size() > 1 && number[0] == '0') return false;
    unsigned value = 0;
    for (const char c : number) value = value * 10 + static_cast<unsigned>(c - '0');
    if (value > 255) return false;
    if (number.size() == text.size()) return part == 3;
    text.remove_prefix(number.size() + 1);
  }
  return false;
}

bool is_ipv6(std::string_view text) {
  std::size_t groups = 0;
  bool gap = false;
  if (text.starts_with("::")) {
    gap = true;
    text.remove_prefix(2);
    if (text.empty()) return true;
  }
  while (true) {
    const std::string_view group = text.substr(0, text.find(':'));
    if (group.size() == text.size() && group.find('.') != group.npos) {
      groups += 2;
      return is_ipv4(group) && (gap ? groups < 8 : groups == 8);
    }
    if (group.empty() || group.size() > 4 || !std::ranges::all_of(group, is_hex)) return false;
    ++groups;
    text.remove_prefix(group.size());
    if (text.empty()) return gap ? groups < 8 : groups == 8;
    text.remove_prefix(1);
    if (text.starts_with(':')) {
      if (gap) return false;
      gap = true;
      text.remove_prefix(1);
      if (text.empty()) return groups < 8;
    }
  }
}

// Takes exactly `count` digits as a number.
bool take_number(std::string_view& text, std::size_t count, unsigned& value) {
  if (text.size() < count || !std::ranges::all_of(text.substr(0, count), is_digit)) return false;
  value = 0;
  for (const char c : text.substr(0, count)) value = value * 10 + static_cast<unsigned>(c - '0');
  text.remove_prefix(count);
  return true;
}

bool take_one_of(std::string_view& text, std::string_view characters) {
  if (text.empty() || characters.find(text[0]) == characters.npos) return false;
  text.remove_prefix(1);
  return true;
}

bool take_date(std::string_view& text) {
  constexpr std::array<unsigned, 12> days = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  unsigned year = 0;
  unsigned month = 0;
  unsigned day = 0;
  if (!take_number(text, 4, year) || !take_one_of(text, "-") || !take_number(text, 2, month) ||
      !take_one_of(text, "-") || !take_number(text, 2, day)) {
    return false;
  }
  if (month < 1 || month > 12 || day < 1) return false;
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return day <= days[month - 1] + (month == 2 && leap ? 1 : 0);
}

bool is_date(std::string_view text) { return take_date(text) && text.empty(); }

bool is_date_time(std::string_view text) {
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;
  if (!take_date(text) || !take_one_of(text, "Tt") || !take_number(text, 2, hour) ||
      !take_one_of(text, ":") || !take_number(text, 2, minute) || !take_one_of(text, ":") ||
      !take_number(text, 2, second) || hour > 23 || minute > 59 || second > 60) {
    return false;
  }
  if (take_one_of(text, ".")) {
    const auto digits =
        static_cast<std::size_t>(std::ranges::find_if_not(text, is_digit) - text.begin());
    if (digits == 0) return false;
    text.remove_prefix(digits);
  }
  if (text == "Z" || text == "z") return true;
  return take_one_of(text, "+-") && take_number(text, 2, hour) && take_one_of(text, ":") &&
         take_number(text, 2, minute) && text.empty() && hour <= 23 && minute <= 59;
}

bool is_uuid(std::string_view text) {
  constexpr std::string_view shape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  return text.size() == shape.size() && std::ranges::equal(text, shape, [](char c, char s) {
           return s == 'x' ? is_hex(c) : c == s;
         });
}

struct Format {
  std::string_view name;
  bool (*check)(std::string_view text);
  std::string_view description;
};

constexpr std::array<Format, 8> formats = {{
    {"uri", is_uri, "a URI"},
    {"email", is_email, "an e-mail address"},
    {"hostname", is_hostname, "a host name"},
    {"ipv4", is_ipv4, "an IPv4 address"},
    {"ipv6", is_ipv6, "an IPv6 address"},
    {"date", is_date, "a date like 2001-12-31"},
    {"date-time", is_date_time, "a time like 2001-12-31T23:59:59Z"},
    {"uuid", is_uuid, "a UUID"},
}};

}  // namespace

bool has_format(std::string_view text, std::string_view format) {
  const auto known = std::ranges::find(formats, format, &Format::name);
  return known == formats.end() || known->check(text);
}

std::string describe_format(std::string_view format) {
  const auto known = std::ranges::find(formats, format, &Format::name);
  return std::string(known == formats.end() ? format : known->description);
}

}  // namespace plakar::config
