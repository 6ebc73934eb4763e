// Base64 (RFC 4648, section 4) of values whose size is known: the standard alphabet, always
// padded, without line breaks. Writes into memory of the caller's, since the value may be a
// key.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/result.h"

namespace plakar {

constexpr std::size_t base64_size(std::size_t bytes) { return (bytes + 2) / 3 * 4; }

// Precondition: `out` has base64_size(bytes.size()) characters.
void base64_encode(BytesView bytes, std::span<char> out) noexcept;
// Of what is no secret.
std::string to_base64(BytesView bytes);

// Decodes exactly `out.size()` bytes. Another length, another character, or bits set behind
// the end of the value (a second spelling of the same bytes) are Errc::invalid_argument;
// `out` is all zeros then.
Status base64_decode(std::string_view text, std::span<std::byte> out);

}  // namespace plakar
