// Text for people: names made safe to print, sizes, durations, times and file modes the way
// the command line prints them.
#pragma once

#include <string>
#include <string_view>

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

}  // namespace plakar
