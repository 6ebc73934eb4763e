// What the value of an option may look like: the literals of the Go conventions that
// scripts written for `plakar` rely on.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace plakar::cli {

// 1 0 t f T F true false TRUE FALSE True False; else Errc::invalid_argument "parse error".
Result<bool> parse_bool(std::string_view text);

// Decimal, or with a prefix 0x 0o 0b 0, `_` between digits, a sign. Errors: "parse
// error", and "value out of range" for what does not fit.
Result<std::int64_t> parse_int(std::string_view text);

// A signed sum of decimals with units: 5s, 1m30s, 1.5h, -2ms, 100us, 7ns, and plain 0.
Result<std::chrono::nanoseconds> parse_duration(std::string_view text);

// Bytes: a number, with K, M, G or T behind it, powers of 1024, which may be written KiB.
Result<std::uint64_t> parse_size(std::string_view text);

// `text` in double quotes, with what is not printable escaped, as error messages show it.
std::string quote(std::string_view text);

}  // namespace plakar::cli
