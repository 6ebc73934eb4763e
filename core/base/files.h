// What is done with whole files and directories, on top of file_system.h.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/file_system.h"
#include "core/base/random.h"
#include "core/base/result.h"

namespace plakar {

// The content of a file of at most `bytes_max` bytes; more is Errc::invalid_argument. Pipes
// and files in /proc, which do not say their size, are read to their end.
Result<Bytes> read_file(const FileSystem& files, At at, std::size_t bytes_max);

// Replaces the content of a file, or makes one, so that whatever happens, a crash or a full
// disk, there is the old content or the new, never a part. On success it is the new, also
// after a loss of power. On failure it is the old one, with one exception: when only the last
// step failed, which makes the new name durable, the error says so.
//
// The temporary file beside it is `.NAME.tmp-` and random digits; a crash may leave one. A
// symlink is replaced, not followed. `mode`, less the umask, is that of the new file.
Status write_file_atomically(const FileSystem& files, Random& random, At at, BytesView content,
                             std::uint32_t mode = 0600);

// Makes a directory and the missing ones above it. One that exists, or a symlink to one, is
// well.
Status make_directories(const FileSystem& files, At at, std::uint32_t mode = 0700);

// Makes the names in a directory durable.
Status sync_directory(const FileSystem& files, At at);

struct OwnedDirectoryEntry {
  std::string name;
  FileType type = FileType::unknown;
  std::uint64_t inode = 0;
};

// All of a directory, sorted by the bytes of the names. Holds as much memory as there are
// names: for directories that others fill without limit, read batches.
Result<std::vector<OwnedDirectoryEntry>> list_directory(const FileSystem& files, At at);

}  // namespace plakar
