#include "core/kloset/format/file_mode.h"

#include <array>
#include <string_view>
#include <utility>

namespace plakar::kloset {
namespace {

constexpr std::string_view letters = "dalTLDpSugct?";  // from bit 31 down

constexpr auto special_bits = std::to_array<std::pair<std::uint32_t, std::uint32_t>>(
    {{04000, mode_setuid}, {02000, mode_setgid}, {01000, mode_sticky}});

constexpr auto type_bits = std::to_array<std::pair<FileType, std::uint32_t>>(
    {{FileType::regular, 0},
     {FileType::directory, mode_directory},
     {FileType::symlink, mode_symlink},
     {FileType::fifo, mode_fifo},
     {FileType::socket, mode_socket},
     {FileType::block_device, mode_device},
     {FileType::character_device, mode_device | mode_character}});

}  // namespace

FileMode make_file_mode(FileType type, std::uint32_t permissions) noexcept {
  std::uint32_t mode = mode_irregular;
  for (const auto& [known, stored] : type_bits) {
    if (known == type) mode = stored;
  }
  for (const auto& [posix, stored] : special_bits) {
    if ((permissions & posix) != 0) mode |= stored;
  }
  return static_cast<FileMode>(mode | (permissions & mode_permission_mask));
}

FileType file_type(FileMode mode) noexcept {
  for (const auto& [type, stored] : type_bits) {
    if ((bits(mode) & mode_type_mask) == stored) return type;
  }
  return FileType::unknown;
}

std::uint32_t permissions(FileMode mode) noexcept {
  std::uint32_t posix = bits(mode) & mode_permission_mask;
  for (const auto& [set, stored] : special_bits) {
    if (has(mode, stored)) posix |= set;
  }
  return posix;
}

std::string to_text(FileMode mode) {
  std::string out;
  for (std::size_t i = 0; i < letters.size(); ++i) {
    if (has(mode, std::uint32_t{1} << (31 - i))) out += letters[i];
  }
  if (out.empty()) out += '-';
  constexpr std::string_view rwx = "rwxrwxrwx";
  for (std::size_t i = 0; i < rwx.size(); ++i) {
    out += has(mode, std::uint32_t{1} << (8 - i)) ? rwx[i] : '-';
  }
  return out;
}

}  // namespace plakar::kloset
