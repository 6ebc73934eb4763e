#include "core/kloset/format/file_mode.h"

#include <sys/stat.h>

#include <array>

namespace plakar::kloset {
namespace {

struct TypePair {
  std::uint32_t posix;
  std::uint32_t stored;
};

constexpr std::array<TypePair, 7> types{{{S_IFREG, 0},
                                         {S_IFDIR, mode_directory},
                                         {S_IFLNK, mode_symlink},
                                         {S_IFBLK, mode_device},
                                         {S_IFCHR, mode_device | mode_character},
                                         {S_IFIFO, mode_fifo},
                                         {S_IFSOCK, mode_socket}}};

constexpr std::array<TypePair, 3> specials{
    {{S_ISUID, mode_setuid}, {S_ISGID, mode_setgid}, {S_ISVTX, mode_sticky}}};

}  // namespace

FileMode mode_from_posix(std::uint32_t st_mode) noexcept {
  std::uint32_t mode = st_mode & mode_permission_mask;
  std::uint32_t type = mode_irregular;
  for (const TypePair& pair : types) {
    if ((st_mode & S_IFMT) == pair.posix) type = pair.stored;
  }
  for (const TypePair& pair : specials) {
    if ((st_mode & pair.posix) != 0) mode |= pair.stored;
  }
  return static_cast<FileMode>(mode | type);
}

std::uint32_t mode_to_posix(FileMode mode) noexcept {
  std::uint32_t posix = bits(mode) & mode_permission_mask;
  for (const TypePair& pair : types) {
    if ((bits(mode) & mode_type_mask) == pair.stored) posix |= pair.posix;
  }
  for (const TypePair& pair : specials) {
    if (has(mode, pair.stored)) posix |= pair.posix;
  }
  return posix;
}

}  // namespace plakar::kloset
