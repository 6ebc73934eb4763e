// File modes the way stores keep them and the command line prints them: the bits of Go's
// os.FileMode, which are not those of stat().
//
//   bit 31 directory        27 symlink     25 fifo     23 set-user-id     21 character device
//       30 append only      26 device      24 socket   22 set-group-id    20 sticky
//       29 exclusive  28 temporary  19 irregular       8..0 rwxrwxrwx
#pragma once

#include <cstdint>
#include <string>

#include "core/base/file_types.h"

namespace plakar {

// `permissions` are stat()'s 07777. An unknown type is irregular.
std::uint32_t to_go_mode(FileType type, std::uint32_t permissions) noexcept;

// The inverse. Without any type bit it is a regular file; irregular is unknown.
FileType type_of_go_mode(std::uint32_t go_mode) noexcept;
std::uint32_t permissions_of_go_mode(std::uint32_t go_mode) noexcept;

// "drwxr-xr-x", "-rw-r--r--", "Lrwxrwxrwx", "dtrwxrwxrwx", "urwxr-xr-x": a letter for each of
// the bits from 31 down to 19, or `-` for none, then the permissions. Not padded.
std::string format_go_mode(std::uint32_t go_mode);

}  // namespace plakar
