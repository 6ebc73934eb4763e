#include "core/base/text.h"

#include <cstddef>
#include <cstdint>

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

}  // namespace plakar
