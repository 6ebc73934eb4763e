#include "core/codec/mime.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/codec/internal/mime_rules.h"

namespace plakar::codec {

namespace {

using namespace std::string_view_literals;
using mime::Window;

struct Mark {
  std::string_view octets;
  std::string_view charset;
};

// Longer marks first: UTF-32 little-endian starts like UTF-16.
constexpr Mark marks[] = {
    {"\xef\xbb\xbf"sv, "utf-8"},        {"\x00\x00\xfe\xff"sv, "utf-32be"},
    {"\xff\xfe\x00\x00"sv, "utf-32le"}, {"\xfe\xff"sv, "utf-16be"},
    {"\xff\xfe"sv, "utf-16le"},
};

std::string_view mark_charset(std::string_view octets) {
  for (const Mark& mark : marks) {
    if (octets.starts_with(mark.octets)) return mark.charset;
  }
  return "";
}

// Whether `test` holds for any octet. Without a branch per octet, in blocks of a fixed size:
// so written the compiler tests sixteen at once, and this is most of the time that text takes.
template <class Test>
bool any_octet(std::string_view octets, Test test) {
  constexpr std::size_t block = 64;
  while (octets.size() >= block) {
    unsigned char found = 0;
    for (std::size_t i = 0; i < block; ++i) {
      found = static_cast<unsigned char>(found | test(static_cast<unsigned char>(octets[i])));
    }
    if (found != 0) return true;
    octets.remove_prefix(block);
  }
  for (const char c : octets) {
    if (test(static_cast<unsigned char>(c)) != 0) return true;
  }
  return false;
}

bool is_text(std::string_view octets) {
  if (!mark_charset(octets).empty()) return true;
  // Control characters that no text has.
  return !any_octet(octets, [](unsigned char c) {
    return static_cast<unsigned char>((c < 0x09) | (c == 0x0b) |
                                      ((c > 0x0d) & (c < 0x20) & (c != 0x1b)));
  });
}

bool has_high_octet(std::string_view octets) {
  return any_octet(octets, [](unsigned char c) { return static_cast<unsigned char>(c & 0x80); });
}

// The charset that the octets themselves suggest, or "".
std::string_view guess_charset(std::string_view octets) {
  octets = octets.substr(0, 1024);
  if (const auto charset = mark_charset(octets); !charset.empty()) return charset;
  const bool plain =
      !any_octet(octets, [](unsigned char c) { return static_cast<unsigned char>(c >= 0x7f); });
  if (plain) return "utf-8";

  // Without the character at the end, which may be cut.
  std::string_view whole = octets;
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, octets.size()); ++back) {
    const auto c = static_cast<unsigned char>(octets[octets.size() - back]);
    if (c < 0x80) break;
    if (c >= 0xc0) {
      whole.remove_suffix(back);
      break;
    }
  }
  if (has_high_octet(whole) && is_utf8(whole)) return "utf-8";

  // 0x85 is the next-line character of ISO 8859, and an ellipsis in Windows' extension of it.
  bool latin1 = false;
  bool next_line = false;
  for (const char octet : octets) {
    const auto c = static_cast<unsigned char>(octet);
    if (c >= 0xa0) {
      latin1 = true;
    } else if (c == 0x85) {
      next_line = true;
    } else if (c == 0x7f || c >= 0x80) {
      return "";
    }
  }
  if (!latin1) return "utf-8";
  return next_line ? "windows-1252" : "iso-8859-1";
}

std::string with_charset(std::string_view type, std::string_view charset) {
  std::string result(type);
  if (!charset.empty()) result.append("; charset=").append(charset);
  return result;
}

std::string text_type(const Window& window) {
  const std::string_view octets = window.octets;
  if (const auto type = mime::svg_type(octets); !type.empty()) return std::string(type);
  if (const auto type = mime::html_type(octets); !type.empty()) {
    std::string_view charset = mark_charset(octets);
    if (charset.empty()) charset = mime::html_charset(octets);
    return with_charset(type, !charset.empty() ? charset : guess_charset(octets));
  }
  if (const auto type = mime::xml_type(octets); !type.empty()) {
    if (type != "text/xml") return std::string(type);
    const std::string_view charset = mime::xml_charset(octets);
    return with_charset(type, !charset.empty() ? charset : guess_charset(octets));
  }
  if (const auto type = mime::script_before_json_type(octets); !type.empty()) {
    return std::string(type);
  }
  if (const auto type = mime::json_type(window); !type.empty()) return std::string(type);
  if (const auto type = mime::plain_format_type(window); !type.empty()) return std::string(type);
  return with_charset("text/plain", guess_charset(octets));
}

}  // namespace

std::string detect_mime(BytesView head) {
  const Window window{as_text(head.first(std::min(head.size(), mime_window_bytes))),
                      head.size() >= mime_window_bytes};
  if (window.octets.empty()) return "text/plain";
  if (const auto type = mime::binary_type(window.octets); !type.empty()) return std::string(type);
  if (is_text(window.octets)) return text_type(window);
  if (const auto type = mime::zlib_type(window.octets); !type.empty()) return std::string(type);
  return "application/octet-stream";
}

}  // namespace plakar::codec
