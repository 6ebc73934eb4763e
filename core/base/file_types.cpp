#include "core/base/file_types.h"

#include <algorithm>

namespace plakar {
namespace {

constexpr std::size_t length_at = 16;
constexpr std::size_t type_at = 18;
constexpr std::size_t name_at = 19;

template <class T>
T load(BytesView at) noexcept {
  T value;
  std::memcpy(&value, at.data(), sizeof value);
  return value;
}

// The kernel's DT_ numbers, and back.
constexpr std::pair<std::uint8_t, FileType> type_numbers[] = {
    {1, FileType::fifo},         {2, FileType::character_device}, {4, FileType::directory},
    {6, FileType::block_device}, {8, FileType::regular},          {10, FileType::symlink},
    {12, FileType::socket},
};

FileType type_of(std::uint8_t number) noexcept {
  for (const auto& [known, type] : type_numbers) {
    if (known == number) return type;
  }
  return FileType::unknown;
}

std::uint8_t number_of(FileType type) noexcept {
  for (const auto& [number, known] : type_numbers) {
    if (known == type) return number;
  }
  return 0;
}

}  // namespace

DirectoryEntry DirectoryBatch::Iterator::operator*() const noexcept {
  const BytesView record = rest_.first(load<std::uint16_t>(rest_.subspan(length_at)));
  const std::string_view padded = as_text(record.subspan(name_at));
  return {.name = padded.substr(0, padded.find('\0')),
          .type = type_of(std::to_integer<std::uint8_t>(record[type_at])),
          .inode = load<std::uint64_t>(record)};
}

void DirectoryBatch::Iterator::drop() noexcept {
  rest_ = rest_.subspan(load<std::uint16_t>(rest_.subspan(length_at)));
}

void DirectoryBatch::Iterator::skip_dots() noexcept {
  while (!rest_.empty()) {
    const std::string_view name = (**this).name;
    if (name != "." && name != "..") return;
    drop();
  }
}

bool append_directory_entry(std::span<std::byte> buffer, std::size_t& used,
                            const DirectoryEntry& entry) noexcept {
  const std::size_t length = (name_at + entry.name.size() + 1 + 7) / 8 * 8;
  if (length > buffer.size() - used) return false;
  const auto record = buffer.subspan(used, length);
  std::fill(record.begin(), record.end(), std::byte{0});
  const auto record_length = static_cast<std::uint16_t>(length);
  std::memcpy(record.data(), &entry.inode, sizeof entry.inode);
  std::memcpy(record.data() + length_at, &record_length, sizeof record_length);
  record[type_at] = static_cast<std::byte>(number_of(entry.type));
  std::memcpy(record.data() + name_at, entry.name.data(), entry.name.size());
  used += length;
  return true;
}

}  // namespace plakar
