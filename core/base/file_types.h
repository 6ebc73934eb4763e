// The words that file system calls and their users share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <optional>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/unix_time.h"

namespace plakar {

enum class FileType : std::uint8_t {
  unknown,  // In a directory entry only: this file system does not say, stat() does.
  regular,
  directory,
  symlink,
  fifo,
  socket,
  character_device,
  block_device,
};

struct DeviceNumber {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;

  friend auto operator<=>(const DeviceNumber&, const DeviceNumber&) = default;
};

struct FileOwner {
  std::uint32_t user = 0;
  std::uint32_t group = 0;

  friend auto operator<=>(const FileOwner&, const FileOwner&) = default;
};

struct FileStat {
  FileType type = FileType::unknown;
  std::uint32_t mode = 0;  // Permissions, set-id and sticky bits (07777), without the type.
  FileOwner owner;
  std::uint64_t size = 0;
  std::uint64_t allocated_bytes = 0;  // Less than `size`: there are holes.
  std::uint64_t inode = 0;
  std::uint64_t link_count = 0;
  DeviceNumber device;   // The file system it is on; with `inode`, which file it is.
  DeviceNumber special;  // What a device file stands for.
  UnixTime modified;
  UnixTime changed;
  UnixTime accessed;
};

// A time that is not given stays as it is.
struct FileTimes {
  std::optional<UnixTime> accessed;
  std::optional<UnixTime> modified;
};

enum class Access : std::uint8_t {
  read,
  write,
  read_write,
  append,  // Every write goes to the end, whatever offset it names.
  path,    // No access to content: a place to start paths from, or a target of stat().
};

enum class Create : std::uint8_t {
  never,
  if_missing,
  always_new,  // An existing file, or symlink, is Errc::already_exists.
  truncate,    // If missing; an existing file is emptied.
};

struct OpenOptions {
  Access access = Access::read;
  Create create = Create::never;
  std::uint32_t mode = 0600;  // Of a file that is created, less the umask.
  // False: a symlink as the last component is Errc::invalid_argument. To trust no component,
  // open each directory of a path in turn with `follow = false`.
  bool follow = true;
  bool directory = false;         // Anything else is Errc::invalid_argument.
  bool direct = false;            // Past the page cache: aligned memory, offsets and lengths only.
  bool keep_access_time = false;  // Where we may (O_NOATIME); else ignored.
  bool nonblocking = false;       // For fifos: open() does not wait for the other end.
};

enum class Follow : std::uint8_t { no, yes };
enum class SyncScope : std::uint8_t {
  data,         // Content, and what is needed to find it (fdatasync).
  file,         // Metadata, too. A directory: its entries.
  file_system,  // Everything on it.
};
enum class Writeback : std::uint8_t { start, wait };  // Advice; never durability.
enum class Advice : std::uint8_t { sequential, random, will_need, dont_need };
enum class Allocate : std::uint8_t {
  extend,      // The file grows to the end of the range.
  keep_size,   // Space is reserved, the size stays.
  punch_hole,  // The range reads as zeros and takes no space; the size stays.
};
enum class Replace : std::uint8_t { yes, no };
enum class LockMode : std::uint8_t { shared, exclusive, unlock };
enum class Wait : std::uint8_t { no, yes };

struct FileSystemSpace {
  std::uint64_t total_bytes = 0;
  std::uint64_t available_bytes = 0;  // To us; root may have more.
  std::uint64_t block_bytes = 0;
  std::uint64_t type = 0;  // The kernel's magic number of this kind of file system.
};

struct DirectoryEntry {
  std::string_view name;
  FileType type = FileType::unknown;
  std::uint64_t inode = 0;
};

// A batch of directory entries in one buffer that is filled again and again: a directory of
// any size is read with one allocation. `.` and `..` are left out. Iterators and names are
// valid until the next filling.
//
// The layout in the buffer is the kernel's linux_dirent64, so that the real implementation
// copies nothing: inode:u64 offset:i64 record_length:u16 type:u8 name NUL padding.
class DirectoryBatch {
 public:
  explicit DirectoryBatch(std::size_t capacity = 64 * 1024) : buffer_(capacity) {}

  class Iterator {
   public:
    using value_type = DirectoryEntry;
    using difference_type = std::ptrdiff_t;

    Iterator() = default;
    Iterator(BytesView rest) : rest_(rest) { skip_dots(); }

    DirectoryEntry operator*() const noexcept;
    Iterator& operator++() noexcept {
      drop();
      skip_dots();
      return *this;
    }
    void operator++(int) noexcept { ++*this; }
    friend bool operator==(const Iterator& it, std::default_sentinel_t) noexcept {
      return it.rest_.empty();
    }

   private:
    void drop() noexcept;
    void skip_dots() noexcept;

    BytesView rest_;
  };

  Iterator begin() const noexcept { return {BytesView(buffer_).first(used_)}; }
  std::default_sentinel_t end() const noexcept { return {}; }

  // For implementations of FileCalls: where entries go, and how many bytes are filled.
  std::span<std::byte> buffer() noexcept { return buffer_; }
  void set_used(std::size_t bytes) noexcept { used_ = bytes; }

 private:
  Bytes buffer_;
  std::size_t used_ = 0;
};

// Appends one entry in the layout above to the `used` bytes of `buffer`; false, and nothing
// changed, when it has no room. For file systems that are not the kernel's.
bool append_directory_entry(std::span<std::byte> buffer, std::size_t& used,
                            const DirectoryEntry& entry) noexcept;

}  // namespace plakar
