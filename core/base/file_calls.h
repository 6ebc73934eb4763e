// The system calls on files, as an interface. What stands behind it is the kernel, a
// simulated disk (core/base/testing/memory_disk.h), or a filter in front of either that
// records calls or makes them fail (core/base/testing/file_filters.h). Code that uses files
// does not see this but core/base/file_system.h, which repeats interrupted calls, completes
// short ones and turns numbers into errors; because it does so above this interface, tests
// reach that code, too.
//
// The conventions are the kernel's. A call returns what it did, 0 or a count or an offset,
// or a negative errno. A path is relative to a directory's handle, or to the working
// directory; absolute paths ignore it. An empty path is the handle's own file where it says
// "or the handle itself". Data may come back short; calls may fail with -EINTR.
//
// Implementations may be called from any thread. Closing a handle that another thread uses
// is the caller's bug.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/file_types.h"

namespace plakar {

using CallResult = std::int64_t;
using FileHandle = int;

inline constexpr FileHandle working_directory = -100;  // AT_FDCWD.

struct CallPath {
  FileHandle directory = working_directory;
  std::string_view path;
};

class FileCalls {
 public:
  virtual ~FileCalls() = default;

  // The result is a handle, to be closed once.
  virtual CallResult open(CallPath at, const OpenOptions& options) = 0;
  virtual CallResult close(FileHandle file) = 0;

  // Content. `read` and `write` go on where the last one stopped; `_at` leave that place alone.
  virtual CallResult read(FileHandle file, std::span<std::byte> out) = 0;
  virtual CallResult write(FileHandle file, BytesView bytes) = 0;
  virtual CallResult read_at(FileHandle file, std::uint64_t offset, std::span<std::byte> out) = 0;
  // The parts one after another. At most 64 are looked at in one call.
  virtual CallResult write_at(FileHandle file, std::uint64_t offset,
                              std::span<const BytesView> parts) = 0;
  virtual CallResult truncate(FileHandle file, std::uint64_t size) = 0;
  virtual CallResult allocate(FileHandle file, Allocate how, std::uint64_t offset,
                              std::uint64_t length) = 0;
  // Within the kernel, sharing blocks where the file system can. The result may be short.
  virtual CallResult copy_range(FileHandle from, std::uint64_t from_offset, FileHandle to,
                                std::uint64_t to_offset, std::uint64_t length) = 0;
  // The next offset that is in data, or in a hole (the end of the file is one). -ENXIO:
  // nothing but a hole follows, or `from` is past the end. Move the place of `read`.
  virtual CallResult find_data(FileHandle file, std::uint64_t from) = 0;
  virtual CallResult find_hole(FileHandle file, std::uint64_t from) = 0;

  // Durability, and hints about the cache.
  virtual CallResult sync(FileHandle file, SyncScope scope) = 0;
  virtual CallResult write_back(FileHandle file, Writeback what, std::uint64_t offset,
                                std::uint64_t length) = 0;
  virtual CallResult advise(FileHandle file, Advice advice, std::uint64_t offset,
                            std::uint64_t length) = 0;

  // Metadata: of the path, or the handle itself.
  virtual CallResult stat(CallPath at, Follow follow, FileStat& out) = 0;
  virtual CallResult set_mode(CallPath at, std::uint32_t mode) = 0;       // Fails on symlinks.
  virtual CallResult set_owner(CallPath at, FileOwner owner) = 0;         // Never follows.
  virtual CallResult set_times(CallPath at, const FileTimes& times) = 0;  // Never follows.
  // The names, each ending in NUL. Too small an `out` is -ERANGE; an empty one asks for the
  // size. None of these four follows a symlink.
  virtual CallResult list_xattrs(CallPath at, std::span<std::byte> out) = 0;
  virtual CallResult read_xattr(CallPath at, std::string_view name, std::span<std::byte> out) = 0;
  virtual CallResult write_xattr(CallPath at, std::string_view name, BytesView value) = 0;
  virtual CallResult remove_xattr(CallPath at, std::string_view name) = 0;

  // Names.
  virtual CallResult rename(CallPath from, CallPath to, Replace replace) = 0;
  virtual CallResult link(CallPath existing, CallPath name) = 0;  // Does not follow.
  virtual CallResult remove_file(CallPath at) = 0;
  virtual CallResult remove_directory(CallPath at) = 0;
  virtual CallResult make_directory(CallPath at, std::uint32_t mode) = 0;
  virtual CallResult make_symlink(std::string_view target, CallPath at) = 0;
  // A fifo, a socket, or, with the right, a device.
  virtual CallResult make_special(CallPath at, FileType type, std::uint32_t mode,
                                  DeviceNumber device) = 0;
  virtual CallResult read_link(CallPath at, std::span<std::byte> out) = 0;
  // The next entries of a directory into `batch`; 0 at the end.
  virtual CallResult read_directory(FileHandle directory, DirectoryBatch& batch) = 0;

  // -EWOULDBLOCK: somebody else holds it, and we do not wait.
  virtual CallResult lock(FileHandle file, LockMode mode, Wait wait) = 0;
  virtual CallResult space(FileHandle file, FileSystemSpace& out) = 0;
  // `out` is where the range can be read until unmap.
  virtual CallResult map(FileHandle file, std::uint64_t offset, std::size_t length,
                         BytesView& out) = 0;
  virtual CallResult unmap(BytesView mapped) = 0;
  virtual CallResult current_directory(std::string& out) = 0;

  // The descriptor behind a handle, for poll(), io_uring or a child; -ENOTSUP if it has none.
  virtual CallResult descriptor(FileHandle file) = 0;
};

// The kernel's. Every descriptor is close-on-exec.
FileCalls& system_file_calls() noexcept;

}  // namespace plakar
