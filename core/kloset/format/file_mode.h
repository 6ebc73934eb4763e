// The mode of an entry as stores hold it: Unix permission bits in the low nine, and high
// bits of the format's own for types and special bits. Not the bits of st_mode.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/file_types.h"

namespace plakar::kloset {

enum class FileMode : std::uint32_t {};

inline constexpr std::uint32_t mode_directory = 1u << 31;
inline constexpr std::uint32_t mode_symlink = 1u << 27;
inline constexpr std::uint32_t mode_device = 1u << 26;  // block, if not mode_character too
inline constexpr std::uint32_t mode_fifo = 1u << 25;
inline constexpr std::uint32_t mode_socket = 1u << 24;
inline constexpr std::uint32_t mode_setuid = 1u << 23;
inline constexpr std::uint32_t mode_setgid = 1u << 22;
inline constexpr std::uint32_t mode_character = 1u << 21;
inline constexpr std::uint32_t mode_sticky = 1u << 20;
inline constexpr std::uint32_t mode_irregular = 1u << 19;
inline constexpr std::uint32_t mode_type_mask = 0x8F280000;
inline constexpr std::uint32_t mode_permission_mask = 0777;

constexpr std::uint32_t bits(FileMode mode) noexcept { return static_cast<std::uint32_t>(mode); }
constexpr bool has(FileMode mode, std::uint32_t bit) noexcept { return (bits(mode) & bit) != 0; }
constexpr bool is_regular(FileMode mode) noexcept { return !has(mode, mode_type_mask); }
constexpr bool is_directory(FileMode mode) noexcept { return has(mode, mode_directory); }

// `permissions` are the twelve bits of stat(), 07777. An unknown type is irregular, and back.
FileMode make_file_mode(FileType type, std::uint32_t permissions) noexcept;
FileType file_type(FileMode mode) noexcept;
std::uint32_t permissions(FileMode mode) noexcept;

// "drwxr-xr-x", "-rw-r--r--", "Lrwxrwxrwx", "dtrwxrwxrwx", "urwxr-xr-x": a letter for each of
// the bits from 31 down to 19, or `-` for none, then the permissions. Not padded.
std::string to_text(FileMode mode);

}  // namespace plakar::kloset
