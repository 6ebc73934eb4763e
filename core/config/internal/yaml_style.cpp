#include "core/config/internal/yaml_style.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <optional>

#include "core/base/text.h"

namespace plakar::config {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, text) != words.end();
}

// Takes digits from the front of `text`: between `min` and `max` of them.
bool take_digits(std::string_view& text, std::size_t min, std::size_t max,
                 unsigned* value = nullptr) {
  std::size_t count = 0;
  unsigned number = 0;
  while (count < max && count < text.size() && is_digit(text[count])) {
    number = number * 10 + static_cast<unsigned>(text[count] - '0');
    ++count;
  }
  if (count < min) return false;
  text.remove_prefix(count);
  if (value != nullptr) *value = number;
  return true;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

unsigned days_of_month(unsigned year, unsigned month) {
  constexpr std::array<unsigned, 12> days = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : days[month - 1];
}

// 2001-2-3, and with a time: after T or t with a zone, after a space without.
bool looks_like_date(std::string_view text) {
  constexpr std::size_t fraction_digits_max = std::numeric_limits<std::size_t>::max();
  unsigned year = 0;
  unsigned month = 0;
  unsigned day = 0;
  if (!take_digits(text, 4, 4, &year) || !take(text, '-')) return false;
  if (!take_digits(text, 1, 2, &month) || month < 1 || month > 12 || !take(text, '-')) return false;
  if (!take_digits(text, 1, 2, &day) || day < 1 || day > days_of_month(year, month)) return false;
  if (text.empty()) return true;

  const bool zoned = text[0] == 'T' || text[0] == 't';
  if (!zoned && text[0] != ' ') return false;
  text.remove_prefix(1);
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;
  if (!take_digits(text, 1, 2, &hour) || hour > 23 || !take(text, ':')) return false;
  if (!take_digits(text, 1, 2, &minute) || minute > 59 || !take(text, ':')) return false;
  if (!take_digits(text, 1, 2, &second) || second > 59) return false;
  if (take(text, '.') || take(text, ',')) {
    if (!take_digits(text, 1, fraction_digits_max)) return false;
  }
  if (!zoned) return text.empty();
  if (text == "Z") return true;
  if (!take(text, '+') && !take(text, '-')) return false;
  unsigned zone_hour = 0;
  unsigned zone_minute = 0;
  return take_digits(text, 2, 2, &zone_hour) && take(text, ':') &&
         take_digits(text, 2, 2, &zone_minute) && text.empty() && zone_hour <= 24 &&
         zone_minute <= 60;
}

// 190:20:30, a number in base 60 to readers of YAML 1.1.
bool looks_like_base60(std::string_view text) {
  if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
  if (text.empty() || !is_digit(text[0])) return false;
  while (!text.empty() && (is_digit(text[0]) || text[0] == '_')) text.remove_prefix(1);
  bool parts = false;
  while (take(text, ':')) {
    if (text.size() >= 2 && text[0] <= '5' && is_digit(text[0]) && is_digit(text[1])) {
      text.remove_prefix(2);
    } else if (!take_digits(text, 1, 1)) {
      return false;
    }
    parts = true;
  }
  if (take(text, '.')) {
    while (!text.empty() && (is_digit(text[0]) || text[0] == '_')) text.remove_prefix(1);
  }
  return parts && text.empty();
}

std::optional<unsigned> digit_value(char c, unsigned base) {
  unsigned value = base;
  if (is_digit(c)) value = static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') value = static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') value = static_cast<unsigned>(c - 'A') + 10;
  return value < base ? std::optional(value) : std::nullopt;
}

// Digits of `base` that fit in `limit`.
bool is_integer(std::string_view digits, unsigned base, std::uint64_t limit) {
  std::uint64_t value = 0;
  for (const char c : digits) {
    const auto digit = digit_value(c, base);
    if (!digit || value > (limit - *digit) / base) return false;
    value = value * base + *digit;
  }
  return !digits.empty();
}

bool is_decimal_number(std::string_view text) {
  constexpr std::size_t any = std::numeric_limits<std::size_t>::max();
  if (!take(text, '+')) take(text, '-');
  if (take(text, '.')) {
    if (!take_digits(text, 1, any)) return false;
  } else {
    if (!take_digits(text, 1, any)) return false;
    if (take(text, '.')) take_digits(text, 0, any);
  }
  if (take(text, 'e') || take(text, 'E')) {
    if (!take(text, '+')) take(text, '-');
    if (!take_digits(text, 1, any)) return false;
  }
  return text.empty();
}

// Over-cautious for numbers too large for a double and for underscores at odd places, which
// are strings to the genuine writer.
bool looks_like_number(std::string_view text) {
  std::string plain;
  for (const char c : text) {
    if (c != '_') plain += c;
  }
  if (is_decimal_number(plain)) return true;
  std::string_view digits = plain;
  const bool negative = take(digits, '-');
  const bool positive = !negative && take(digits, '+');
  constexpr std::uint64_t signed_max = std::numeric_limits<std::int64_t>::max();
  const std::uint64_t limit = negative   ? signed_max + 1
                              : positive ? signed_max
                                         : std::numeric_limits<std::uint64_t>::max();
  if (digits.size() < 2 || digits[0] != '0') return false;
  switch (digits[1]) {
    case 'x':
    case 'X':
      return is_integer(digits.substr(2), 16, limit);
    case 'o':
    case 'O':
      return is_integer(digits.substr(2), 8, limit);
    case 'b':
    case 'B':
      return is_integer(digits.substr(2), 2, limit);
    default:
      return false;
  }
}

bool is_break(char32_t c) {
  return c == '\n' || c == '\r' || c == 0x85 || c == 0x2028 || c == 0x2029;
}

bool is_printable(char32_t c) {
  return (c >= 0x20 && c <= 0x7e) || (c >= 0xa0 && c <= 0xd7ff) ||
         (c >= 0xe000 && c <= 0xfffd && c != 0xfeff);
}

// What a string contains that some way of writing it cannot express.
struct Traits {
  bool newline = false;
  bool tab = false;
  bool special = false;  // needs escapes: control characters, other line breaks, non-BMP
  bool plain_in_block = true;
  bool plain_in_flow = true;
  bool single_quotes = true;
  bool literal = true;
};

Traits examine(std::string_view value) {
  Traits traits;
  if (value.starts_with("---") || value.starts_with("...")) {
    traits.plain_in_block = traits.plain_in_flow = false;
  }
  char32_t previous = 0;
  std::size_t at = 0;
  while (at < value.size()) {
    const bool first = at == 0;
    const char32_t c = next_character(value, at);
    const bool last = at == value.size();
    const bool before_blank =
        last || value[at] == ' ' || value[at] == '\t' || value[at] == '\n' || value[at] == '\r';
    const auto in = [c](std::u32string_view set) { return set.find(c) != set.npos; };

    if (c == '\n') {
      traits.newline = true;
      if (first) traits.literal = false;
      if (previous == ' ') traits.single_quotes = traits.literal = false;
    } else if (c == '\t') {
      traits.tab = true;
    } else if (is_break(c) || !is_printable(c)) {
      traits.special = true;
    }
    if (c == ' ') {
      if (first) traits.plain_in_block = traits.plain_in_flow = traits.literal = false;
      if (last) traits.plain_in_block = traits.plain_in_flow = traits.literal = false;
      if (previous == '\n') traits.single_quotes = false;
    }
    if (first ? in(U"#,[]{}&*!|>'\"%@`") : false) {
      traits.plain_in_block = traits.plain_in_flow = false;
    }
    if (in(U",?[]{}:")) traits.plain_in_flow = false;
    if (c == ':' && before_blank) traits.plain_in_block = false;
    if (first && (c == '-' || c == '?') && before_blank) {
      traits.plain_in_block = traits.plain_in_flow = false;
    }
    if (c == '#' && (previous == ' ' || previous == '\t' || previous == '\n')) {
      traits.plain_in_block = traits.plain_in_flow = false;
    }
    previous = c;
  }
  if (traits.newline) traits.plain_in_block = traits.plain_in_flow = false;
  return traits;
}

void append_hex(std::string& out, char32_t c, unsigned digits) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  for (unsigned i = digits; i-- > 0;) out += hex[(c >> (4 * i)) & 15];
}

std::string double_quoted(std::string_view value) {
  std::string out = "\"";
  for (std::size_t at = 0; at < value.size();) {
    const std::size_t begin = at;
    const char32_t c = next_character(value, at);
    constexpr std::array<char32_t, 14> escaped = {0,    '\a', '\b', '\t', '\n', '\v',   '\f',
                                                  '\r', 0x1b, '"',  '\\', 0x85, 0x2028, 0x2029};
    constexpr std::string_view letters = "0abtnvfre\"\\NLP";
    if (const auto found = std::ranges::find(escaped, c); found != escaped.end()) {
      out += '\\';
      out += letters[static_cast<std::size_t>(found - escaped.begin())];
    } else if (is_printable(c)) {
      out += value.substr(begin, at - begin);
    } else if (c <= 0xff) {
      out += "\\x";
      append_hex(out, c, 2);
    } else if (c <= 0xffff) {
      out += "\\u";
      append_hex(out, c, 4);
    } else {
      out += "\\U";
      append_hex(out, c, 8);
    }
  }
  return out += '"';
}

std::string single_quoted(std::string_view value) {
  std::string out = "'";
  for (const char c : value) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out += '\'';
}

std::string literal_block(std::string_view value, const YamlStyle& style) {
  std::string out = "|";
  if (!value.ends_with('\n')) {
    out += '-';
  } else {
    value.remove_suffix(1);
    if (value.ends_with('\n')) out += '+';
  }
  while (true) {
    const std::size_t size = std::min(value.find('\n'), value.size());
    out += style.newline;
    if (size > 0) out.append(style.indent, ' ').append(value.substr(0, size));
    if (size == value.size()) return out;
    value.remove_prefix(size + 1);
  }
}

bool is_letter(char32_t c) {
  // Everything beyond ASCII counts as a letter; genuine Plakar has the full table.
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

bool is_digit_character(char32_t c) { return c >= '0' && c <= '9'; }

std::u32string to_characters(std::string_view text) {
  std::u32string characters;
  const bool valid = is_utf8(text);
  for (std::size_t at = 0; at < text.size();) {
    characters += valid ? next_character(text, at) : static_cast<unsigned char>(text[at++]);
  }
  return characters;
}

struct DigitRun {
  std::size_t size = 0;
  std::uint64_t value = 0;  // wraps around for absurd lengths, as the genuine order does
};

DigitRun digits_at(const std::u32string& text, std::size_t at, std::uint64_t value) {
  DigitRun run{.size = 0, .value = value};
  while (at + run.size < text.size() && is_digit_character(text[at + run.size])) {
    run.value = run.value * 10 + (text[at + run.size] - U'0');
    ++run.size;
  }
  return run;
}

}  // namespace

char32_t next_character(std::string_view text, std::size_t& at) {
  const auto octet = [&](std::size_t offset) {
    return static_cast<char32_t>(static_cast<unsigned char>(text[at + offset]));
  };
  const char32_t lead = octet(0);
  char32_t c = lead;
  std::size_t size = 1;
  if (lead >= 0xf0) {
    c = (lead & 7) << 18 | (octet(1) & 63) << 12 | (octet(2) & 63) << 6 | (octet(3) & 63);
    size = 4;
  } else if (lead >= 0xe0) {
    c = (lead & 15) << 12 | (octet(1) & 63) << 6 | (octet(2) & 63);
    size = 3;
  } else if (lead >= 0xc0) {
    c = (lead & 31) << 6 | (octet(1) & 63);
    size = 2;
  }
  at += size;
  return c;
}

bool looks_typed(std::string_view text) {
  if (is_one_of(text,
                {"",      "~",  "null", "Null", "NULL", "true", "True", "TRUE", "false", "False",
                 "FALSE", "y",  "Y",    "yes",  "Yes",  "YES",  "n",    "N",    "no",    "No",
                 "NO",    "on", "On",   "ON",   "off",  "Off",  "OFF",  "<<"})) {
    return true;
  }
  std::string_view unsigned_text = text;
  if (text.starts_with('+') || text.starts_with('-')) unsigned_text.remove_prefix(1);
  if (is_one_of(unsigned_text, {".inf", ".Inf", ".INF"})) return true;
  if (is_one_of(text, {".nan", ".NaN", ".NAN"})) return true;
  const char first = text[0];
  if (!is_digit(first) && first != '+' && first != '-' && first != '.') return false;
  return looks_like_date(text) || looks_like_number(text) || looks_like_base60(text);
}

std::string yaml_scalar(std::string_view value, const YamlStyle& style) {
  if (!is_utf8(value)) return "!!binary " + yaml_scalar(encode_base64(value), style);
  const Traits traits = examine(value);
  if (traits.newline && traits.literal && !traits.special && style.literal_blocks &&
      style.place == YamlPlace::block_value) {
    return literal_block(value, style);
  }
  if (looks_typed(value) || traits.special || traits.tab || traits.newline) {
    return double_quoted(value);
  }
  const bool plain = style.place == YamlPlace::flow ? traits.plain_in_flow : traits.plain_in_block;
  if (plain) return std::string(value);
  return traits.single_quotes ? single_quoted(value) : double_quoted(value);
}

bool natural_less(std::string_view a, std::string_view b) {
  const std::u32string x = to_characters(a);
  const std::u32string y = to_characters(b);
  const auto [in_x, in_y] = std::ranges::mismatch(x, y);
  if (in_x == x.end() || in_y == y.end()) return x.size() < y.size();
  const auto at = static_cast<std::size_t>(in_x - x.begin());

  const bool after_digit = at > 0 && is_digit_character(x[at - 1]);
  const bool x_letter = is_letter(*in_x);
  const bool y_letter = is_letter(*in_y);
  if (x_letter && y_letter) return *in_x < *in_y;
  // "a1b" before "a12", but "a-" before "ab".
  if (x_letter || y_letter) return after_digit ? x_letter : y_letter;

  // Two numbers that differ here. Zeros count only when something other than zeros is
  // before them: "a10" against "a1", but "a00" against "a0".
  std::uint64_t before = 0;
  if (*in_x == '0' || *in_y == '0') {
    for (std::size_t i = at; i > 0 && is_digit_character(x[i - 1]); --i) {
      if (x[i - 1] != '0') before = 1;
    }
  }
  const DigitRun x_digits = digits_at(x, at, before);
  const DigitRun y_digits = digits_at(y, at, before);
  if (x_digits.value != y_digits.value) {
    return static_cast<std::int64_t>(x_digits.value) < static_cast<std::int64_t>(y_digits.value);
  }
  if (x_digits.size != y_digits.size) return x_digits.size < y_digits.size;
  return *in_x < *in_y;
}

std::string encode_base64(std::string_view octets) {
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < octets.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, octets.size() - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8 | (j < count ? static_cast<unsigned char>(octets[i + j]) : 0u);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      text += j <= count ? alphabet[(group >> (18 - 6 * j)) & 63] : '=';
    }
  }
  return text;
}

bool decode_base64(std::string_view text, std::string& octets) {
  octets.clear();
  std::uint32_t group = 0;
  unsigned count = 0;
  unsigned padding = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') continue;
    std::uint32_t value = 0;
    if (c >= 'A' && c <= 'Z') {
      value = static_cast<std::uint32_t>(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      value = static_cast<std::uint32_t>(c - 'a') + 26;
    } else if (is_digit(c)) {
      value = static_cast<std::uint32_t>(c - '0') + 52;
    } else if (c == '+') {
      value = 62;
    } else if (c == '/') {
      value = 63;
    } else if (c == '=' && count >= 2) {
      ++padding;
    } else {
      return false;
    }
    if (padding > 0 && c != '=') return false;
    group = group << 6 | value;
    if (++count < 4) continue;
    for (unsigned i = 0; i < 3 - padding; ++i) {
      octets += static_cast<char>((group >> (16 - 8 * i)) & 0xff);
    }
    group = 0;
    count = 0;
    if (padding > 0) {
      // Nothing may follow the padding.
      return text.find_first_not_of(" \t\r\n", at + 1) == text.npos;
    }
  }
  return count == 0;
}

}  // namespace plakar::config
