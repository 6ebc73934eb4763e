#include "core/base/file_mode.h"

#include <string_view>
#include <utility>

namespace plakar {
namespace {

constexpr std::uint32_t bit(int number) noexcept { return std::uint32_t{1} << number; }

constexpr std::uint32_t directory = bit(31);
constexpr std::uint32_t symlink = bit(27);
constexpr std::uint32_t device = bit(26);
constexpr std::uint32_t fifo = bit(25);
constexpr std::uint32_t socket = bit(24);
constexpr std::uint32_t character_device = bit(21);
constexpr std::uint32_t irregular = bit(19);

constexpr std::string_view letters = "dalTLDpSugct?";  // From bit 31 down.

// stat()'s bits above rwxrwxrwx, and Go's.
constexpr std::pair<std::uint32_t, std::uint32_t> special_bits[] = {
    {04000, bit(23)}, {02000, bit(22)}, {01000, bit(20)}};

constexpr std::pair<FileType, std::uint32_t> type_bits[] = {
    {FileType::regular, 0},
    {FileType::directory, directory},
    {FileType::symlink, symlink},
    {FileType::fifo, fifo},
    {FileType::socket, socket},
    {FileType::block_device, device},
    {FileType::character_device, device | character_device},
};

constexpr std::uint32_t all_type_bits =
    directory | symlink | device | fifo | socket | character_device | irregular;

}  // namespace

std::uint32_t to_go_mode(FileType type, std::uint32_t permissions) noexcept {
  std::uint32_t mode = irregular;
  for (const auto& [known, bits] : type_bits) {
    if (known == type) mode = bits;
  }
  for (const auto& [ours, theirs] : special_bits) {
    if ((permissions & ours) != 0) mode |= theirs;
  }
  return mode | (permissions & 0777);
}

FileType type_of_go_mode(std::uint32_t go_mode) noexcept {
  for (const auto& [type, bits] : type_bits) {
    if ((go_mode & all_type_bits) == bits) return type;
  }
  return FileType::unknown;
}

std::uint32_t permissions_of_go_mode(std::uint32_t go_mode) noexcept {
  std::uint32_t permissions = go_mode & 0777;
  for (const auto& [ours, theirs] : special_bits) {
    if ((go_mode & theirs) != 0) permissions |= ours;
  }
  return permissions;
}

std::string format_go_mode(std::uint32_t go_mode) {
  std::string out;
  for (std::size_t i = 0; i < letters.size(); ++i) {
    if ((go_mode & bit(31 - static_cast<int>(i))) != 0) out += letters[i];
  }
  if (out.empty()) out += '-';
  constexpr std::string_view permissions = "rwxrwxrwx";
  for (std::size_t i = 0; i < permissions.size(); ++i) {
    out += (go_mode & bit(8 - static_cast<int>(i))) != 0 ? permissions[i] : '-';
  }
  return out;
}

}  // namespace plakar
