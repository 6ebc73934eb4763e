#include "core/codec/archive.h"

#include <algorithm>
#include <cstring>

namespace plakar::codec {

std::string_view to_string(ArchiveEntryType type) noexcept {
  switch (type) {
    case ArchiveEntryType::file:
      return "file";
    case ArchiveEntryType::directory:
      return "directory";
    case ArchiveEntryType::symlink:
      return "symlink";
    case ArchiveEntryType::hard_link:
      return "hard link";
    case ArchiveEntryType::fifo:
      return "fifo";
    case ArchiveEntryType::character_device:
      return "character device";
    case ArchiveEntryType::block_device:
      return "block device";
    case ArchiveEntryType::socket:
      return "socket";
  }
  return "file";
}

Status ArchiveSource::seek(std::uint64_t) {
  return Error(Errc::unsupported, "this source can only be read from start to end");
}

Result<std::size_t> BytesArchiveSource::read(std::span<std::byte> buffer) {
  const std::size_t count = std::min(buffer.size(), bytes_.size() - at_);
  if (count > 0) std::memcpy(buffer.data(), bytes_.data() + at_, count);
  at_ += count;
  return count;
}

Status BytesArchiveSource::seek(std::uint64_t offset) {
  if (offset > bytes_.size()) return Error(Errc::invalid_argument, "seek past the end");
  at_ = static_cast<std::size_t>(offset);
  return {};
}

}  // namespace plakar::codec
