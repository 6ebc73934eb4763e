#include "cli/flags/value.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>

namespace plakar::cli {
namespace {

Error parse_error() { return Error(Errc::invalid_argument, "parse error"); }
Error range_error() { return Error(Errc::invalid_argument, "value out of range"); }

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

int digit_value(char c) noexcept {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'z') return c - 'a' + 10;
  if (c >= 'A' && c <= 'Z') return c - 'A' + 10;
  return std::numeric_limits<int>::max();
}

// Takes the base prefix off `digits`. "0" alone is decimal zero, "017" is octal.
unsigned take_base(std::string_view& digits) noexcept {
  if (digits.size() < 2 || digits[0] != '0') return 10;
  switch (digits[1]) {
    case 'x':
    case 'X':
      digits.remove_prefix(2);
      return 16;
    case 'o':
    case 'O':
      digits.remove_prefix(2);
      return 8;
    case 'b':
    case 'B':
      digits.remove_prefix(2);
      return 2;
    default:
      digits.remove_prefix(1);
      return 8;
  }
}

// `_` may stand between two digits and between a base prefix and a digit, nowhere else.
bool underscores_well_placed(std::string_view digits, bool after_prefix) noexcept {
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (digits[i] != '_') continue;
    const bool before = i > 0 ? digits[i - 1] != '_' : after_prefix;
    const bool after = i + 1 < digits.size() && digits[i + 1] != '_';
    if (!before || !after) return false;
  }
  return true;
}

bool take_sign(std::string_view& text) noexcept {
  if (text.empty() || (text[0] != '+' && text[0] != '-')) return false;
  const bool negative = text[0] == '-';
  text.remove_prefix(1);
  return negative;
}

struct Unit {
  std::string_view name;
  std::uint64_t nanoseconds;
};

// The longer name first where one begins like another.
constexpr std::array<Unit, 8> units{{{"ns", 1},
                                     {"us", 1'000},
                                     {"\u00b5s", 1'000},  // the micro sign
                                     {"\u03bcs", 1'000},  // the Greek letter
                                     {"ms", 1'000'000},
                                     {"s", 1'000'000'000},
                                     {"m", 60'000'000'000},
                                     {"h", 3'600'000'000'000}}};

// Takes one `number unit` off `text` and adds it to `total`, in nanoseconds.
Status take_term(std::string_view& text, std::uint64_t& total) {
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  std::uint64_t whole = 0;
  double fraction = 0;
  double scale = 1;
  std::size_t at = 0;
  bool any = false;
  for (; at < text.size() && is_digit(text[at]); ++at, any = true) {
    const auto digit = static_cast<std::uint64_t>(text[at] - '0');
    if (whole > (most - digit) / 10) return range_error();
    whole = whole * 10 + digit;
  }
  if (at < text.size() && text[at] == '.') {
    for (++at; at < text.size() && is_digit(text[at]); ++at, any = true) {
      scale *= 10;
      fraction = fraction * 10 + (text[at] - '0');
    }
  }
  if (!any) return parse_error();
  text.remove_prefix(at);

  const auto* unit = std::find_if(units.begin(), units.end(), [&](const Unit& candidate) {
    if (!text.starts_with(candidate.name)) return false;
    // "m" is not the beginning of "mh": the unit ends where a number or the text does.
    const std::string_view rest = text.substr(candidate.name.size());
    return rest.empty() || is_digit(rest[0]) || rest[0] == '.';
  });
  if (unit == units.end()) return parse_error();
  text.remove_prefix(unit->name.size());

  if (whole > most / unit->nanoseconds) return range_error();
  const std::uint64_t term =
      whole * unit->nanoseconds +
      static_cast<std::uint64_t>(fraction * (static_cast<double>(unit->nanoseconds) / scale));
  if (term > most - total) return range_error();
  total += term;
  return {};
}

}  // namespace

Result<bool> parse_bool(std::string_view text) {
  constexpr std::array<std::string_view, 6> yes{"1", "t", "T", "true", "TRUE", "True"};
  constexpr std::array<std::string_view, 6> no{"0", "f", "F", "false", "FALSE", "False"};
  if (std::find(yes.begin(), yes.end(), text) != yes.end()) return true;
  if (std::find(no.begin(), no.end(), text) != no.end()) return false;
  return parse_error();
}

Result<std::int64_t> parse_int(std::string_view text) {
  const bool negative = take_sign(text);
  const std::string_view unprefixed = text;
  const unsigned base = take_base(text);
  if (text.empty() || !underscores_well_placed(text, unprefixed.size() != text.size())) {
    return parse_error();
  }
  const std::uint64_t most =
      static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) + (negative ? 1 : 0);
  std::uint64_t value = 0;
  bool overflow = false;
  for (const char c : text) {
    if (c == '_') continue;
    const auto digit = static_cast<std::uint64_t>(digit_value(c));
    if (digit >= base) return parse_error();  // Also after an overflow: "9…9x" is no number.
    overflow = overflow || value > (most - digit) / base;
    if (!overflow) value = value * base + digit;
  }
  if (overflow) return range_error();
  return static_cast<std::int64_t>(negative ? 0 - value : value);
}

Result<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  const bool negative = take_sign(text);
  if (text == "0") return std::chrono::nanoseconds(0);
  if (text.empty()) return parse_error();
  std::uint64_t total = 0;
  while (!text.empty()) PLK_TRY(take_term(text, total));
  const auto value = static_cast<std::int64_t>(total);
  return std::chrono::nanoseconds(negative ? -value : value);
}

Result<std::uint64_t> parse_size(std::string_view text) {
  if (text.ends_with("iB")) {
    text.remove_suffix(2);
    if (text.empty() || is_digit(text.back())) return parse_error();
  }
  unsigned shift = 0;
  constexpr std::string_view letters = "KMGT";
  if (!text.empty()) {
    if (const std::size_t power = letters.find(text.back()); power != std::string_view::npos) {
      shift = 10 * static_cast<unsigned>(power + 1);
      text.remove_suffix(1);
    }
  }
  if (text.empty()) return parse_error();
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  std::uint64_t number = 0;
  for (const char c : text) {
    if (!is_digit(c)) return parse_error();
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (number > (most - digit) / 10) return range_error();
    number = number * 10 + digit;
  }
  if (number > most >> shift) return range_error();
  return number << shift;
}

std::string quote(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '"':
      case '\\':
        out += '\\';
        out += c;
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        if (byte < 0x20 || byte == 0x7f) {
          out += "\\x";
          out += digits[byte >> 4];
          out += digits[byte & 15];
        } else {
          out += c;
        }
    }
  }
  return out += '"';
}

}  // namespace plakar::cli
