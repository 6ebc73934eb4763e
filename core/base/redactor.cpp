#include "core/base/redactor.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace plakar {
namespace {

// One backslash, escaped in an escaped text, and so on four times.
constexpr std::size_t doubled_backslashes_max = 16;

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The number that `digits` hexadecimal digits at the start of `text` are.
std::optional<unsigned> hex_number(std::string_view text, std::size_t digits) noexcept {
  if (text.size() < digits) return std::nullopt;
  unsigned value = 0;
  for (const char c : text.substr(0, digits)) {
    const int digit = hex_value(c);
    if (digit < 0) return std::nullopt;
    value = value << 4 | static_cast<unsigned>(digit);
  }
  return value;
}

// A piece of text and the bytes that it can stand for.
struct Piece {
  std::size_t length = 0;  // In the text; 0: none.
  std::array<char, 4> bytes{};
  std::size_t count = 0;  // Of bytes.
};

Piece one_byte(std::size_t length, unsigned value) noexcept {
  return {length, {static_cast<char>(static_cast<unsigned char>(value))}, 1};
}

Piece utf8_piece(std::size_t length, unsigned code_point) noexcept {
  const auto tail = [&](int shift) {
    return static_cast<char>(static_cast<unsigned char>(0x80 | (code_point >> shift & 0x3f)));
  };
  const auto lead = [&](unsigned mark, int shift) {
    return static_cast<char>(static_cast<unsigned char>(mark | code_point >> shift));
  };
  if (code_point < 0x80) return one_byte(length, code_point);
  if (code_point < 0x800) return {length, {lead(0xc0, 6), tail(0)}, 2};
  if (code_point < 0x10000) return {length, {lead(0xe0, 12), tail(6), tail(0)}, 3};
  return {length, {lead(0xf0, 18), tail(12), tail(6), tail(0)}, 4};
}

// `\uXXXX`, or two of them that are one character.
Piece unicode_piece(std::string_view text) noexcept {
  const auto first = hex_number(text.substr(2), 4);
  if (!first) return {};
  const bool is_high = *first >= 0xd800 && *first < 0xdc00;
  if (is_high && text.substr(6).starts_with("\\u")) {
    const auto second = hex_number(text.substr(8), 4);
    if (second && *second >= 0xdc00 && *second < 0xe000) {
      return utf8_piece(12, 0x10000 + ((*first & 0x3ff) << 10 | (*second & 0x3ff)));
    }
  }
  return utf8_piece(6, *first);
}

// The character that a backslash and what follows it stand for. `text` begins with one.
Piece backslash_piece(std::string_view text) noexcept {
  if (text.size() < 2) return {};
  switch (text[1]) {
    case 'n':
      return one_byte(2, '\n');
    case 't':
      return one_byte(2, '\t');
    case 'r':
      return one_byte(2, '\r');
    case 'b':
      return one_byte(2, '\b');
    case 'f':
      return one_byte(2, '\f');
    case '"':
    case '\\':
    case '/':
      return one_byte(2, static_cast<unsigned char>(text[1]));
    case 'x': {
      const auto value = hex_number(text.substr(2), 2);
      return value ? one_byte(4, *value) : Piece{};
    }
    case 'u':
      return unicode_piece(text);
    default:
      return {};
  }
}

// Calls `found` with each character that `text`, not empty, may begin with in an encoding, or
// in one inside another: JSON in JSON doubles backslashes, a URL in a URL makes %25 of %.
template <class Found>
void for_each_encoded(std::string_view text, Found found) {
  if (text[0] == '+') {
    found(one_byte(1, ' '));
  } else if (text[0] == '%') {
    const std::size_t again = text.starts_with("%25") ? 2 : 0;
    for (const std::size_t skipped : {std::size_t{0}, again}) {
      if (const auto value = hex_number(text.substr(skipped + 1), 2)) {
        found(one_byte(skipped + 3, *value));
      }
    }
  } else if (text[0] == '\\') {
    found(backslash_piece(text));
    const std::size_t run = std::min(text.find_first_not_of('\\'), text.size());
    for (std::size_t doubled = 4; doubled <= std::min(run, doubled_backslashes_max); doubled *= 2) {
      found(one_byte(doubled, '\\'));
    }
    if (run >= 2) {
      Piece piece = backslash_piece(text.substr(run - 1));
      if (piece.length > 0) piece.length += run - 1;
      found(piece);
    }
  }
}

// How much of `text` is `secret` in some encoding; 0 when it is not there. What a character
// stands for can be ambiguous (`\\` is one or two backslashes), so all places in the text
// that the secret's first bytes can lead to are kept: at most a few at a time, and in total
// no more than there are pairs of places.
std::size_t match_length(std::string_view text, std::string_view secret) {
  // reached[i]: where in `text` the first i bytes of the secret can end.
  std::vector<std::vector<std::size_t>> reached(secret.size() + 1);
  reached[0].push_back(0);
  const auto reach = [&](std::size_t used, std::size_t at) {
    auto& places = reached[used];
    if (std::find(places.begin(), places.end(), at) == places.end()) places.push_back(at);
  };
  for (std::size_t used = 0; used < secret.size(); ++used) {
    for (const std::size_t at : reached[used]) {
      if (at >= text.size()) continue;
      if (text[at] == secret[used]) reach(used + 1, at + 1);
      for_each_encoded(text.substr(at), [&](const Piece& piece) {
        const std::string_view meant(piece.bytes.data(), piece.count);
        if (piece.length > 0 && secret.substr(used).starts_with(meant)) {
          reach(used + piece.count, at + piece.length);
        }
      });
    }
  }
  const auto& ends = reached.back();
  return ends.empty() ? 0 : *std::max_element(ends.begin(), ends.end());
}

// Cheap, and true for few places: most text is looked at once for each secret.
bool may_begin(std::string_view text, std::string_view secret) {
  const char first = text[0];
  return first == secret[0] || first == '%' || first == '\\' || first == '+';
}

bool is_scheme_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
         c == '-' || c == '.';
}

// Whether `authority` is a host, with or without a port, and nothing that hides a password.
bool is_host_and_port(std::string_view authority) noexcept {
  const std::size_t bracket = authority.rfind(']');  // An IPv6 address has colons of its own.
  const std::size_t from = bracket == std::string_view::npos ? 0 : bracket;
  const std::size_t colon = authority.find(':', from);
  if (colon == std::string_view::npos) return true;
  return authority.find_first_not_of("0123456789", colon + 1) == std::string_view::npos;
}

// How much user information `text`, which follows "://", begins with, its `@` included.
std::size_t user_info_length(std::string_view text) noexcept {
  const std::string_view word = text.substr(0, text.find_first_of(" \t\r\n\"'<>`"));
  const std::string_view authority = word.substr(0, word.find_first_of("/?#"));
  std::size_t at = authority.rfind('@');
  // "user:pass/word@host": not a valid URL, and a secret all the same.
  if (at == std::string_view::npos && !is_host_and_port(authority)) at = word.rfind('@');
  return at == std::string_view::npos ? 0 : at + 1;
}

}  // namespace

Redactor::Registration::Registration(Registration&& other) noexcept
    : redactor_(std::exchange(other.redactor_, nullptr)), number_(other.number_) {}

Redactor::Registration& Redactor::Registration::operator=(Registration&& other) noexcept {
  std::swap(redactor_, other.redactor_);
  std::swap(number_, other.number_);
  return *this;
}

Redactor::Registration::~Registration() {
  if (redactor_ == nullptr) return;
  const std::scoped_lock lock(redactor_->mutex_);
  redactor_->secrets_.erase(number_);
}

Redactor::Registration Redactor::add(std::string_view secret) {
  if (secret.size() < secret_bytes_min) return {};
  std::vector<Secret> parts;
  parts.emplace_back(secret);
  std::string_view rest = secret;
  while (rest.size() >= line_bytes_min && rest.find('\n') != std::string_view::npos) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() >= line_bytes_min) parts.emplace_back(line);
  }
  if (rest.size() >= line_bytes_min && rest.size() < secret.size()) parts.emplace_back(rest);
  const std::scoped_lock lock(mutex_);
  const std::uint64_t number = next_++;
  secrets_.emplace(number, std::move(parts));
  return Registration(*this, number);
}

std::string Redactor::redact(std::string_view text) const {
  std::string out;
  {
    const std::scoped_lock lock(mutex_);
    for (std::size_t at = 0; at < text.size();) {
      std::size_t longest = 0;
      for (const auto& [number, parts] : secrets_) {
        for (const Secret& secret : parts) {
          if (!may_begin(text.substr(at), secret.reveal_text())) continue;
          longest = std::max(longest, match_length(text.substr(at), secret.reveal_text()));
        }
      }
      if (longest > 0) {
        out += replacement;
        at += longest;
      } else {
        out += text[at++];
      }
    }
  }
  return strip_user_info(out);
}

std::string strip_user_info(std::string_view text) {
  constexpr std::string_view separator = "://";
  std::string out;
  while (true) {
    const std::size_t found = text.find(separator);
    if (found == std::string_view::npos) return out.append(text);
    const bool has_scheme = found > 0 && is_scheme_character(text[found - 1]);
    out += text.substr(0, found + separator.size());
    text.remove_prefix(found + separator.size());
    if (has_scheme) text.remove_prefix(user_info_length(text));
  }
}

}  // namespace plakar
