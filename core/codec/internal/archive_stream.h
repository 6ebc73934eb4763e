// The streams below an archive reader: the first octets looked at and put back, and
// decompression that checks its checksum. (libarchive's own gzip filter does not, and gives
// no way to read on to the end of the stream behind the end of a tar.)
#pragma once

#include <memory>

#include "core/codec/archive.h"

namespace plakar::codec {

// `head` and then what is left of `source`.
class HeadedSource final : public ArchiveSource {
 public:
  HeadedSource(Bytes head, std::unique_ptr<ArchiveSource> source)
      : head_(std::move(head)), source_(std::move(source)) {}
  Result<std::size_t> read(std::span<std::byte> buffer) override;

 private:
  Bytes head_;
  std::size_t used_ = 0;
  std::unique_ptr<ArchiveSource> source_;
};

// Both read their input to its end, several members or frames after each other and padding
// of zeros included; anything else is Errc::corrupt. Memory is the window of the compression
// (at most 128 MiB for zstd, which only `--long` asks for) and a buffer of 64 KiB.
std::unique_ptr<ArchiveSource> make_gunzip(std::unique_ptr<ArchiveSource> compressed);
std::unique_ptr<ArchiveSource> make_unzstd(std::unique_ptr<ArchiveSource> compressed);

}  // namespace plakar::codec
