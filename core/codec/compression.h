// The compression layer of a store: which algorithm its CONFIG names, and one call each to
// apply and undo it. Compression comes before encryption, one unit (blob, index, footer,
// state, lock) at a time.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/result.h"

namespace plakar::codec {

enum class Compression : std::uint8_t { none, lz4, gzip, zstd };

// The algorithm with this exact name: "LZ4", "GZIP" or "ZSTD". Anything else is
// Errc::unsupported, "none" too: a store says "not compressed" by having no compression
// settings at all, and a name we do not know must never be read as that.
Result<Compression> compression_from_name(std::string_view name);

// The recorded name; empty for `none`.
std::string_view compression_name(Compression compression) noexcept;

}  // namespace plakar::codec
