#include "core/codec/internal/zip_directory.h"

#include <algorithm>

namespace plakar::codec {

namespace {

// Sizes and offsets of APPNOTE 4.3.14 to 4.3.16. All integers are little-endian.
constexpr std::size_t end_bytes = 22;
constexpr std::size_t comment_bytes_max = 0xffff;
constexpr std::size_t locator_bytes = 20;
constexpr std::size_t end64_bytes = 56;
constexpr std::uint32_t end_magic = 0x06054b50;
constexpr std::uint32_t locator_magic = 0x07064b50;
constexpr std::uint32_t end64_magic = 0x06064b50;

Error damaged() {
  return Error(Errc::corrupt, "zip: the end of the archive is missing or damaged");
}

Status read_at(ArchiveSource& source, std::uint64_t offset, std::span<std::byte> buffer) {
  PLK_TRY(source.seek(offset));
  while (!buffer.empty()) {
    const std::size_t count = PLK_TRY(source.read(buffer));
    if (count == 0) return damaged();
    buffer = buffer.subspan(count);
  }
  return {};
}

}  // namespace

Result<ZipDirectory> read_zip_directory(ArchiveSource& source) {
  const std::uint64_t size = source.size().value_or(0);
  Bytes tail(static_cast<std::size_t>(
      std::min<std::uint64_t>(size, locator_bytes + end_bytes + comment_bytes_max)));
  if (tail.size() < end_bytes) return damaged();
  PLK_TRY(read_at(source, size - tail.size(), tail));

  const BytesView view(tail);
  for (std::size_t comment = 0; comment <= tail.size() - end_bytes; ++comment) {
    const std::size_t at = tail.size() - end_bytes - comment;
    const BytesView end = view.subspan(at);
    if (load_le<std::uint32_t>(end) != end_magic) continue;
    if (load_le<std::uint16_t>(end.subspan(20)) != comment) continue;

    ZipDirectory directory{load_le<std::uint16_t>(end.subspan(10)),
                           load_le<std::uint32_t>(end.subspan(12))};
    if (at < locator_bytes) return directory;
    const BytesView locator = view.subspan(at - locator_bytes);
    if (load_le<std::uint32_t>(locator) != locator_magic) return directory;

    const auto offset = load_le<std::uint64_t>(locator.subspan(8));
    if (size < end64_bytes || offset > size - end64_bytes) return damaged();
    Bytes end64(end64_bytes);
    PLK_TRY(read_at(source, offset, end64));
    if (load_le<std::uint32_t>(end64) != end64_magic) return damaged();
    directory.entries = load_le<std::uint64_t>(BytesView(end64).subspan(32));
    directory.bytes = load_le<std::uint64_t>(BytesView(end64).subspan(40));
    return directory;
  }
  return damaged();
}

}  // namespace plakar::codec
