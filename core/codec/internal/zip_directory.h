// What the end of a zip says about its directory. libarchive walks the directory until
// something in it looks like no entry, and never compares: half a directory reads as a
// complete archive.
#pragma once

#include <cstdint>

#include "core/codec/archive.h"

namespace plakar::codec {

struct ZipDirectory {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
};

// Reads the end record, or the zip64 one where the numbers do not fit. The record has to end
// where the file does; anything else is Errc::corrupt. Moves the source.
Result<ZipDirectory> read_zip_directory(ArchiveSource& source);

}  // namespace plakar::codec
