// The mode of an entry as stores hold it: Unix permission bits in the low nine, and high
// bits of the format's own for types and special bits. Not the bits of st_mode.
#pragma once

#include <cstdint>

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

// From and to st_mode, with type and all twelve permission bits.
FileMode mode_from_posix(std::uint32_t st_mode) noexcept;
std::uint32_t mode_to_posix(FileMode mode) noexcept;

}  // namespace plakar::kloset
