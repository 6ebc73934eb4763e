#include <array>
#include <charconv>
#include <cstdint>

#include "core/codec/internal/mime_rules.h"

namespace plakar::codec::mime {

namespace {

using namespace std::string_view_literals;

// An interpreter in the first line, after "#!" and space.
struct Interpreter {
  std::string_view command;
  std::string_view type;
  bool exact = false;  // something like "python3.11" does not count for "python"
};

constexpr Interpreter before_json[] = {
    {"/usr/local/bin/php", "text/x-php"},
    {"/usr/bin/php", "text/x-php"},
    {"/usr/bin/env php", "text/x-php"},
    {"/usr/bin/env -S php", "text/x-php"},
    {"/bin/node", "text/javascript"},
    {"/usr/bin/node", "text/javascript"},
    {"/bin/nodejs", "text/javascript"},
    {"/usr/bin/nodejs", "text/javascript"},
    {"/usr/bin/env node", "text/javascript"},
    {"/usr/bin/env -S node", "text/javascript"},
    {"/usr/bin/lua", "text/x-lua", true},
    {"/usr/local/bin/lua", "text/x-lua", true},
    {"/usr/bin/env lua", "text/x-lua", true},
    {"/usr/bin/env -S lua", "text/x-lua", true},
    {"/usr/bin/perl", "text/x-perl", true},
    {"/usr/bin/env perl", "text/x-perl", true},
    {"/usr/bin/env -S perl", "text/x-perl", true},
    {"/usr/bin/python", "text/x-python"},
    {"/usr/local/bin/python", "text/x-python"},
    {"/usr/bin/env python", "text/x-python"},
    {"/usr/bin/env -S python", "text/x-python"},
    {"/usr/bin/ruby", "text/x-ruby"},
    {"/usr/local/bin/ruby", "text/x-ruby"},
    {"/usr/bin/env ruby", "text/x-ruby"},
    {"/usr/bin/env -S ruby", "text/x-ruby"},
};

constexpr Interpreter tcl[] = {
    {"/usr/bin/tcl", "text/x-tcl"},      {"/usr/local/bin/tcl", "text/x-tcl"},
    {"/usr/bin/env tcl", "text/x-tcl"},  {"/usr/bin/env -S tcl", "text/x-tcl"},
    {"/usr/bin/wish", "text/x-tcl"},     {"/usr/local/bin/wish", "text/x-tcl"},
    {"/usr/bin/env wish", "text/x-tcl"}, {"/usr/bin/env -S wish", "text/x-tcl"},
};

constexpr Interpreter shells[] = {
    {"/bin/sh", "text/x-shellscript", true},
    {"/bin/bash", "text/x-shellscript", true},
    {"/usr/local/bin/bash", "text/x-shellscript", true},
    {"/usr/bin/env bash", "text/x-shellscript", true},
    {"/usr/bin/env -S bash", "text/x-shellscript", true},
    {"/bin/csh", "text/x-shellscript", true},
    {"/usr/local/bin/csh", "text/x-shellscript", true},
    {"/usr/bin/env csh", "text/x-shellscript", true},
    {"/usr/bin/env -S csh", "text/x-shellscript", true},
    {"/bin/dash", "text/x-shellscript", true},
    {"/usr/local/bin/dash", "text/x-shellscript", true},
    {"/usr/bin/env dash", "text/x-shellscript", true},
    {"/usr/bin/env -S dash", "text/x-shellscript", true},
    {"/bin/ksh", "text/x-shellscript", true},
    {"/usr/local/bin/ksh", "text/x-shellscript", true},
    {"/usr/bin/env ksh", "text/x-shellscript", true},
    {"/usr/bin/env -S ksh", "text/x-shellscript", true},
    {"/bin/tcsh", "text/x-shellscript", true},
    {"/usr/local/bin/tcsh", "text/x-shellscript", true},
    {"/usr/bin/env tcsh", "text/x-shellscript", true},
    {"/usr/bin/env -S tcsh", "text/x-shellscript", true},
    {"/bin/zsh", "text/x-shellscript", true},
    {"/usr/local/bin/zsh", "text/x-shellscript", true},
    {"/usr/bin/env zsh", "text/x-shellscript", true},
    {"/usr/bin/env -S zsh", "text/x-shellscript", true},
};

// Removes `command` from the start of `line`, where a space stands for any number of them
// unless the spelling has to be exact.
bool take_command(std::string_view& line, const Interpreter& interpreter) {
  if (interpreter.exact) {
    if (!line.starts_with(interpreter.command)) return false;
    line.remove_prefix(interpreter.command.size());
    return line.empty() || is_space(line.front());
  }
  for (const char c : interpreter.command) {
    if (line.empty() || (c == ' ' ? !is_space(line.front()) : line.front() != c)) return false;
    line = c == ' ' ? skip_spaces(line) : line.substr(1);
  }
  return true;
}

template <std::size_t n>
std::string_view interpreter_type(std::string_view octets, const Interpreter (&interpreters)[n]) {
  if (!octets.starts_with("#!")) return "";
  const std::string_view line = skip_spaces(octets.substr(2, octets.find('\n') - 2));
  for (const Interpreter& interpreter : interpreters) {
    std::string_view rest = line;
    if (take_command(rest, interpreter)) return interpreter.type;
  }
  return "";
}

std::string_view php_tag(std::string_view octets) {
  constexpr std::string_view tag = "<?php";
  if (octets.size() > tag.size() && starts_with_any_case(octets, tag)) return "text/x-php";
  const bool short_tag = octets.size() > 3 && octets.starts_with("<?") &&
                         (octets[2] == ' ' || octets[2] == '\n' || octets[2] == '\r');
  return short_tag ? "text/x-php" : "";
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The first subtitle: "1", a line "00:02:16,612 --> 00:02:19,376", and something to show.
std::string_view subrip_type(std::string_view octets) {
  std::string_view rest = octets;
  if (take_line(rest) != "1") return "";
  const std::string_view times = take_line(rest);
  constexpr std::string_view shape = "00:00:00,000 --> 00:00:00,000";
  if (times.size() != shape.size()) return "";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == '0' ? !is_digit(times[i]) : times[i] != shape[i]) return "";
  }
  const auto milliseconds = [&times](std::size_t at) {
    const auto number = [&](std::size_t from, std::size_t count) {
      std::uint32_t value = 0;
      for (std::size_t i = from; i < from + count; ++i) {
        value = value * 10 + static_cast<std::uint32_t>(times[i] - '0');
      }
      return value;
    };
    const auto hour = number(at, 2);
    const auto minute = number(at + 3, 2);
    const auto second = number(at + 6, 2);
    const bool valid = hour < 24 && minute < 60 && second < 60;
    return valid ? std::optional(((hour * 60 + minute) * 60 + second) * 1000 + number(at + 9, 3))
                 : std::nullopt;
  };
  const auto start = milliseconds(0);
  const auto stop = milliseconds(17);
  if (!start || !stop || *start > *stop) return "";
  return take_line(rest).empty() ? "" : "application/x-subrip";
}

// The number of fields of the next record that is neither empty nor a comment, and where
// that ends; no value at the end of the text.
std::optional<std::size_t> take_record(std::string_view& text, char separator) {
  for (;;) {
    if (text.empty()) return {};
    const bool empty = text.front() == '\n' || text.starts_with("\r\n") || text == "\r";
    if (text.front() != '#' && !empty) break;
    take_line(text);
  }
  std::size_t fields = 1;
  std::size_t at = 0;
  while (at < text.size()) {
    if (text[at] == '"') {
      // A quoted field, which may contain line ends, until a quote that something sensible
      // follows.
      for (++at;; ++at) {
        at = text.find('"', at);
        if (at == std::string_view::npos) {
          text = {};
          return fields;
        }
        const std::string_view behind = text.substr(++at);
        if (behind.starts_with('"')) continue;
        const bool ends = behind.empty() || behind.front() == separator || behind.front() == '\n' ||
                          behind.starts_with("\r\n");
        if (ends) break;
        --at;
      }
      if (text.substr(at).starts_with('\r')) ++at;
    } else {
      at = text.find_first_of(std::array{separator, '\n', '\0'}.data(), at);
      if (at == std::string_view::npos) at = text.size();
    }
    if (at == text.size()) break;
    const char end = text[at++];
    if (end == '\n') break;
    ++fields;
  }
  text.remove_prefix(at);
  return fields;
}

// The first records all have the same number of fields, which is more than one.
bool is_table(const Window& window, char separator) {
  std::string_view text = window.octets;
  if (window.cut) text = text.substr(0, text.rfind('\n') + 1);  // npos + 1 is 0: nothing
  const auto fields = take_record(text, separator);
  if (!fields || *fields < 2) return false;
  constexpr std::size_t max_records = 10;
  std::size_t records = 1;
  for (; records < max_records; ++records) {
    const auto more = take_record(text, separator);
    if (!more) break;
    if (*more != *fields) return false;
  }
  return records > 1;
}

// "BEGIN:VCARD" and the like on a line of their own that another line follows.
bool begins(std::string_view octets, std::string_view lower) {
  if (!starts_with_any_case(octets, lower)) return false;
  const std::string_view rest = octets.substr(lower.size());
  return (rest.starts_with('\n') && rest.size() > 1) ||
         (rest.starts_with("\r\n") && rest.size() > 2);
}

bool is_webvtt(std::string_view octets) {
  const std::string_view text = skip_utf8_mark(octets);
  constexpr std::string_view mark = "WEBVTT";
  if (!text.starts_with(mark)) return false;
  return text.size() == mark.size() || (is_space(text[mark.size()]) && text[mark.size()] != '\f');
}

// Takes a positive number that fits 63 bits off a line.
bool take_size(std::string_view& line) {
  line = skip_spaces(line);
  if (line.starts_with('+')) line.remove_prefix(1);
  std::int64_t value = 0;
  const auto parsed = std::from_chars(line.data(), line.data() + line.size(), value);
  line.remove_prefix(static_cast<std::size_t>(parsed.ptr - line.data()));
  return parsed.ec == std::errc() && value > 0 && (line.empty() || is_space(line.front()));
}

// A portable bitmap's header: magic, comments and empty lines, width and height.
bool is_netpbm(std::string_view octets, char first, char second) {
  if (octets.size() < 3 || octets[0] != 'P' || (octets[1] != first && octets[1] != second) ||
      octets[2] != '\n') {
    return false;
  }
  std::string_view rest = octets.substr(3);
  constexpr std::size_t max_lines = 128;
  for (std::size_t i = 0; i < max_lines && !rest.empty(); ++i) {
    std::string_view line = take_line(rest);
    if (line.starts_with('#') || skip_spaces(line).empty()) continue;
    return take_size(line) && take_size(line);
  }
  return false;
}

// Mail: the first line and another one of the first are headers that mail has.
bool is_mail(std::string_view octets) {
  constexpr std::size_t max_lines = 21;
  std::string_view rest = octets;
  std::size_t headers = 0;
  for (std::size_t line_number = 0; line_number < max_lines && !rest.empty(); ++line_number) {
    const std::string_view line = take_line(rest);
    bool known = false;
    for (const std::string_view header :
         {"From: "sv, "To: "sv, "Subject: "sv, "Date: "sv, "Received: "sv, "Return-Path: "sv,
          "Return-path: "sv, "Content-Type: "sv, "Cc: "sv, "CC: "sv, "cc: "sv, "Delivered-To: "sv,
          "Delivered-to: "sv, "Content-Transfer-Encoding: "sv, "Relay-Version: "sv}) {
      known = known || line.starts_with(header);
    }
    if (known && ++headers == 2) return true;
    if (headers == 0) return false;
  }
  return false;
}

}  // namespace

std::string_view script_before_json_type(std::string_view octets) {
  if (const auto type = php_tag(octets); !type.empty()) return type;
  return interpreter_type(octets, before_json);
}

std::string_view plain_format_type(const Window& window) {
  const std::string_view octets = window.octets;
  if (octets.starts_with("{\\rtf")) return "text/rtf";
  if (const auto type = subrip_type(octets); !type.empty()) return type;
  if (const auto type = interpreter_type(octets, tcl); !type.empty()) return type;
  if (is_table(window, ',')) return "text/csv";
  if (is_table(window, '\t')) return "text/tab-separated-values";
  if (begins(octets, "begin:vcard")) return "text/vcard";
  if (begins(octets, "begin:vcalendar")) return "text/calendar";
  if (octets.starts_with("WARC/1.0") || octets.starts_with("WARC/1.1")) return "application/warc";
  if (is_webvtt(octets)) return "text/vtt";
  if (const auto type = interpreter_type(octets, shells); !type.empty()) return type;
  if (is_netpbm(octets, '1', '4')) return "image/x-portable-bitmap";
  if (is_netpbm(octets, '2', '5')) return "image/x-portable-graymap";
  if (is_netpbm(octets, '3', '6')) return "image/x-portable-pixmap";
  if (is_mail(octets)) return "message/rfc822";
  return "";
}

}  // namespace plakar::codec::mime
