// Text for people: names made safe to print, sizes, durations and times the way the command
// line prints them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/base/unix_time.h"

namespace plakar {

// True for well-formed UTF-8: no overlong form, no surrogate, nothing above U+10FFFF.
bool is_utf8(std::string_view text) noexcept;

// Names from a file system or a plug-in, for a terminal or a reader of lines: what could
// move the cursor, end the line, reverse the direction of writing or is not UTF-8 becomes
// visible, and the result is UTF-8 on one line.
//
//   newline, tab, carriage return, backslash                        \n \t \r and two backslashes
//   other control characters (C0, DEL, C1), line and paragraph separators, direction
//   marks and overrides, bytes that are not UTF-8                    \xNN for each byte
//
// Everything else stands for itself, so two different names never print the same.
std::string escape(std::string_view name);

// The content of a JSON string, without its quotes, of text that is UTF-8. What escape()
// makes visible is written as \u escapes, so that the line may go to a terminal, too. Text
// that is not UTF-8 is put through escape() first.
std::string escape_json(std::string_view text);

// "0 B", "496 B", "6.4 KiB", "20 MiB": one decimal below ten, none from there on.
std::string format_size(std::uint64_t bytes);

// As Go prints them: "0s", "125.317267ms", "1.2s", "1h10m2s".
std::string format_duration(std::chrono::nanoseconds duration);

enum class TimePrecision : std::uint8_t {
  seconds,
  nanoseconds,  // As many digits as it takes: none for whole seconds.
};

// "2026-01-14T06:45:32Z". Times outside of the years 0 to 9999, which RFC 3339 cannot say, are
// "@" and their seconds since 1970.
std::string format_rfc3339(UnixTime time, TimePrecision precision = TimePrecision::seconds);

// A date and time with offset, "2026-01-14T08:45:32.5+02:00". Digits beyond nanoseconds are
// dropped. Anything else, also a date that no calendar has, is Errc::invalid_argument.
Result<UnixTime> parse_rfc3339(std::string_view text);

}  // namespace plakar
