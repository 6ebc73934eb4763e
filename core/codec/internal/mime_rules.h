// The parts of detect_mime. Each function looks at a window: at most the first
// mime_window_bytes of a file. Types are literals; "" means "none of mine".
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace plakar::codec::mime {

struct Window {
  std::string_view octets;
  bool cut = false;  // the file may go on
};

// Formats recognised by their octets, whether or not they could be text too.
std::string_view binary_type(std::string_view octets);

// zlib streams, which many texts look like: only for octets that are no text.
std::string_view zlib_type(std::string_view octets);

// What is inside a zip, or application/zip. Precondition: it starts like one.
std::string_view zip_type(std::string_view octets);
// What is inside an OLE compound file, or application/x-ole-storage. Same precondition.
std::string_view ole_type(std::string_view octets);

// Kinds of text, in the order in which the detection asks.
std::string_view svg_type(std::string_view octets);
std::string_view html_type(std::string_view octets);
std::string_view xml_type(std::string_view octets);
std::string_view script_before_json_type(std::string_view octets);
std::string_view json_type(const Window& window);
std::string_view plain_format_type(const Window& window);

// The charset that a text names itself, in its first octets, or "".
std::string_view html_charset(std::string_view octets);
std::string_view xml_charset(std::string_view octets);

// --- small change ---------------------------------------------------------------------

constexpr bool is_space(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

constexpr std::string_view skip_spaces(std::string_view text) noexcept {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return text;
}

constexpr bool starts_with_any_case(std::string_view text, std::string_view lower) noexcept {
  if (text.size() < lower.size()) return false;
  for (std::size_t i = 0; i < lower.size(); ++i) {
    if (to_lower(text[i]) != lower[i]) return false;
  }
  return true;
}

constexpr std::string_view utf8_mark = "\xef\xbb\xbf";

constexpr std::string_view skip_utf8_mark(std::string_view text) noexcept {
  return text.starts_with(utf8_mark) ? text.substr(utf8_mark.size()) : text;
}

// Takes the first line off `text` and returns it without its end ("\n" or "\r\n").
constexpr std::string_view take_line(std::string_view& text) noexcept {
  const auto end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

}  // namespace plakar::codec::mime
