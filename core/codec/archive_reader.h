// Reads tar (plain, gzip, zstd) and zip archives entry by entry.
//
//   open -> { next(entry) -> read(...)* }* -> next() == false
//
// A false from `next` means the whole archive was there: a tar had its end mark and nothing
// but zeros behind it, a compressed stream its checksum, a zip its directory. An archive cut
// anywhere, even exactly between two entries, ends in Errc::corrupt instead. Content that
// the caller did not read is not checked.
//
// tar streams in constant memory. zip needs a source that can seek, because only the
// directory at its end tells symlinks from files and has the modes; its memory grows with
// that directory, up to `zip_directory_bytes_max`.
//
// Names are the octets of the archive. Exceptions of libarchive, in zip only: names marked as
// UTF-8 come in Unicode normalisation form C, and when they are not valid UTF-8 after all
// `next` fails; in names without a slash, backslashes become slashes.
//
// One thread at a time per reader.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "core/base/result.h"
#include "core/codec/archive.h"

namespace plakar::codec {

class ArchiveReader {
 public:
  static constexpr std::uint64_t zip_directory_bytes_max = std::uint64_t{64} << 20;

  // Finds out the format from the first octets of `source`, which must outlive the reader.
  // Something that is no archive is Errc::corrupt here or at the first `next`; a zip that
  // cannot seek is Errc::unsupported.
  static Result<ArchiveReader> open(ArchiveSource& source);

  ArchiveReader(ArchiveReader&&) noexcept;
  ArchiveReader& operator=(ArchiveReader&&) noexcept;
  ~ArchiveReader();

  ArchiveFormat format() const noexcept;

  // Describes the next entry in `entry`, or says that there is none. What was not read of
  // the entry before is skipped. A reader that failed repeats its error.
  Result<bool> next(ArchiveEntry& entry);

  // More of the content of the entry that `next` found; 0 is its end, reached only when all
  // of it was there. Holes of a sparse file read as zeros. Only files have content (and, in
  // some tars, hard links the file's content again).
  Result<std::size_t> read(std::span<std::byte> buffer);

 private:
  class Impl;
  explicit ArchiveReader(std::unique_ptr<Impl> impl) noexcept;

  std::unique_ptr<Impl> impl_;
};

}  // namespace plakar::codec
