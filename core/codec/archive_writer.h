// Writes tar (plain, gzip, zstd) and zip archives to a stream, in constant memory for tar
// and with about 100 octets per entry for zip.
//
//   create -> { begin(entry) -> write(...)* }* -> finish
//
// Until `finish` has succeeded, what the sink has is not an archive, and a writer destroyed
// before does not make it look like one. A writer that failed repeats its error; only an
// entry refused by `begin` as invalid_argument or unsupported leaves it usable.
//
// What each format keeps:
//
//           names               size unknown   times      owners, xattrs   other than files
//   tar     any octets (*)      no             ns         yes              all but sockets
//   zip     any octets (**)     yes            seconds    ids              directory, symlink
//
//   (*)  Surrogates spelled in three octets each (CESU-8) are Errc::unsupported: libarchive
//        would silently spell them otherwise. Names that are not UTF-8 are marked
//        hdrcharset=BINARY.
//   (**) Names that are UTF-8 are marked so, others are written as they are without the
//        mark, which readers take for their own idea of an old code page.
//
// Content longer than 4 GiB is fine in both (pax, zip64). One thread at a time per writer.
#pragma once

#include <memory>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/codec/archive.h"

namespace plakar::codec {

class ArchiveWriter {
 public:
  // `sink` must outlive the writer.
  static Result<ArchiveWriter> create(ArchiveSink& sink, ArchiveFormat format);

  ArchiveWriter(ArchiveWriter&&) noexcept;
  ArchiveWriter& operator=(ArchiveWriter&&) noexcept;
  ~ArchiveWriter();

  // Ends the entry before and starts one. An entry before that got fewer octets than it
  // announced is Errc::invalid_argument and fails the archive: tar has no way to say it.
  Status begin(const ArchiveEntry& entry);

  // Appends to the content of a file; more than announced is Errc::invalid_argument, and
  // fails the archive.
  Status write(BytesView bytes);

  Status finish();

 private:
  class Impl;
  explicit ArchiveWriter(std::unique_ptr<Impl> impl) noexcept;

  std::unique_ptr<Impl> impl_;
};

}  // namespace plakar::codec
