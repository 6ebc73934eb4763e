// Lower-case hexadecimal, the printed form of every id and MAC.
#pragma once

#include <string>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/result.h"

namespace plakar {

std::string to_hex(BytesView bytes);

// Accepts upper and lower case. Odd length or another character is Errc::invalid_argument.
Result<Bytes> from_hex(std::string_view hex);

// Decodes exactly `out.size()` bytes; another length is Errc::invalid_argument. `out` is
// untouched on failure.
Status from_hex(std::string_view hex, std::span<std::byte> out);

// The first four bytes in hex: how people name a snapshot or a packfile.
std::string short_hex(BytesView bytes);

}  // namespace plakar
