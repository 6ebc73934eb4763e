// The bytes of a single-file archive, but for the items in it.
//
//   archive := magic:8 "_PLATAR_"  version:u32  CONFIG  packfile  state  trailer
//   trailer := config offset:i64 length:i64  packfile offset:i64 length:i64
//              state offset:i64 length:i64                                      48 bytes
//
// Integers are little-endian, offsets count from the start of the file. The three items have their
// envelopes. Readers go by the trailer alone, and it comes from outside: nothing is read before
// all three extents are known to lie between header and trailer, apart from each other.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/base/bytes.h"
#include "core/base/file_system.h"
#include "core/base/result.h"

namespace plakar::connectors {

inline constexpr std::size_t archive_header_size = 12;
inline constexpr std::size_t archive_trailer_size = 48;

struct ArchiveLayout {
  Extent config;
  Extent packfile;  // these two are empty when there is none
  Extent state;

  friend bool operator==(const ArchiveLayout&, const ArchiveLayout&) = default;
};

std::array<std::byte, archive_header_size> encode_archive_header();
std::array<std::byte, archive_trailer_size> encode_archive_trailer(const ArchiveLayout& layout);

// `header` is the first bytes of the file, all that there are up to archive_header_size.
// Errc::corrupt for what is not an archive. The version is not looked at, as genuine Plakar does
// not either.
Status check_archive_header(BytesView header);

// `trailer` is the last archive_trailer_size bytes of a file of `file_size`. Errc::corrupt for an
// extent that does not lie between header and trailer, for two that overlap, and for a CONFIG
// that is empty or larger than any.
Result<ArchiveLayout> decode_archive_trailer(BytesView trailer, std::uint64_t file_size);

}  // namespace plakar::connectors
