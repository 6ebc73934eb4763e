// Files and directories: what programs use of them. FileSystem opens and names, File reads
// and writes. Every function says what failed, on what, and why: "rename packfiles/tmp.12:
// No space left on device", with names escaped. Interrupted calls are repeated, short ones
// completed. Codes are those of errc_from_errno().
//
//   const File directory = PLK_TRY(files.open("/var/backup/packfiles", {.directory = true}));
//   File file = PLK_TRY(files.open({directory, "tmp.1"}, {.access = Access::write,
//                                                         .create = Create::always_new}));
//   PLK_TRY(file.write_at(0, content));
//   PLK_TRY(file.sync(SyncScope::data));
//   PLK_TRY(file.close());
//   PLK_TRY(files.rename({directory, "tmp.1"}, {directory, name}));
//   PLK_TRY(directory.sync(SyncScope::file));
//
// Nothing is durable before sync() returned success, and a name not before its directory's
// did. After a failed sync the content is lost even if a later one succeeds: write it again,
// under another name.
//
// FileSystem may be used from any thread. A File may be used by several at once for what
// names an offset; close() and moving it are for one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/file_calls.h"
#include "core/base/file_types.h"
#include "core/base/result.h"

namespace plakar {

class File;

// Where something is: a path from the working directory or the root, or one from a directory
// that is open. From a directory costs the kernel less and cannot be redirected meanwhile.
// Refers to its parts; made where it is used. A NUL in it is Errc::invalid_argument.
class At {
 public:
  At(std::string_view path) : path_(path) {}
  At(const std::string& path) : path_(path) {}
  At(const char* path) : path_(path) {}
  At(const File& directory, std::string_view path) : directory_(&directory), path_(path) {}

  CallPath call_path() const noexcept;
  std::string describe() const;  // For messages: not escaped.

  const File* directory() const noexcept { return directory_; }
  std::string_view path() const noexcept { return path_; }

 private:
  const File* directory_ = nullptr;
  std::string_view path_;
};

// Part of a file in memory, read-only. A file that shrinks while it is mapped makes reading
// it a SIGBUS: map only what nobody truncates.
class Mapping {
 public:
  Mapping() = default;
  Mapping(FileCalls& calls, BytesView bytes) noexcept : calls_(&calls), bytes_(bytes) {}
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  ~Mapping();

  BytesView bytes() const noexcept { return bytes_; }

 private:
  FileCalls* calls_ = nullptr;
  BytesView bytes_;
};

struct Extent {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;

  friend bool operator==(const Extent&, const Extent&) = default;
};

// An open file or directory. Closed when destroyed; an error of that is seen only with
// close(), which matters where no sync() came before.
class File {
 public:
  File() = default;
  // `name` is for messages.
  File(FileCalls& calls, FileHandle handle, std::string name) noexcept
      : calls_(&calls), handle_(handle), name_(std::move(name)) {}
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  ~File();

  Status close();

  // Up to `out.size()` bytes; 0 is the end of the file. The first goes on where the last
  // read or write stopped, for pipes and the like.
  Result<std::size_t> read(std::span<std::byte> out) const;
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const;
  // Fills `out`. Less means that the file ends there.
  Result<std::size_t> read_up_to(std::uint64_t offset, std::span<std::byte> out) const;
  // Fills `out` or fails; a file that ends before is Errc::corrupt.
  Status read_exactly(std::uint64_t offset, std::span<std::byte> out) const;

  // All bytes, or an error; then it is unknown how many.
  Status write(BytesView bytes) const;
  Status write_at(std::uint64_t offset, BytesView bytes) const;
  Status write_at(std::uint64_t offset, std::span<const BytesView> parts) const;

  Status truncate(std::uint64_t size) const;
  // Errc::unsupported where the file system cannot: go on without.
  Status allocate(Allocate how, Extent range) const;
  // How many bytes were copied; 0 where `from` ends. Errc::unsupported between file systems
  // that cannot: copy with read and write.
  Result<std::uint64_t> copy_range(std::uint64_t to_offset, const File& from, Extent range) const;
  // The first run of data at or after `from`, or nothing when only a hole is left. A file
  // system that knows no holes has one run. Moves the place where read() goes on.
  Result<std::optional<Extent>> find_data(std::uint64_t from) const;

  Status sync(SyncScope scope) const;
  // Hints: where they are not understood, nothing happens.
  void write_back(Writeback what, Extent range) const noexcept;
  void advise(Advice advice, Extent range) const noexcept;

  Result<FileStat> stat() const;
  Status set_mode(std::uint32_t mode) const;
  Status set_owner(FileOwner owner) const;
  Status set_times(const FileTimes& times) const;
  Result<std::vector<std::string>> list_xattrs() const;
  Result<Bytes> read_xattr(std::string_view name) const;
  Status write_xattr(std::string_view name, BytesView value) const;

  // The next entries of a directory into `batch`; false when there are no more.
  Result<bool> read_directory(DirectoryBatch& batch) const;

  // An advisory lock on the file, gone with this File. Not waiting for somebody else's is
  // Errc::conflict.
  Status lock(LockMode mode, Wait wait) const;
  Result<FileSystemSpace> space() const;
  // The range lies within the file, and is not empty. `offset` may be any.
  Result<Mapping> map(Extent range) const;

  // For poll(), io_uring, a child's standard streams. Errc::unsupported when simulated.
  Result<int> descriptor() const;

  FileHandle handle() const noexcept { return handle_; }
  const std::string& name() const noexcept { return name_; }
  explicit operator bool() const noexcept { return handle_ >= 0; }

 private:
  FileCalls* calls_ = nullptr;
  FileHandle handle_ = -1;
  std::string name_;
};

class FileSystem {
 public:
  explicit FileSystem(FileCalls& calls) noexcept : calls_(&calls) {}

  // `direct` where it is not possible is Errc::unsupported: open again without.
  Result<File> open(At at, const OpenOptions& options = {}) const;

  Result<FileStat> stat(At at, Follow follow = Follow::no) const;
  // Like stat(), but what does not exist is not an error.
  Result<std::optional<FileStat>> find(At at, Follow follow = Follow::no) const;
  Status set_mode(At at, std::uint32_t mode) const;  // Errc::unsupported on a symlink.
  Status set_owner(At at, FileOwner owner) const;    // These two do not follow symlinks,
  Status set_times(At at, const FileTimes& times) const;
  Result<std::vector<std::string>> list_xattrs(At at) const;  // nor do these.
  Result<Bytes> read_xattr(At at, std::string_view name) const;
  Status write_xattr(At at, std::string_view name, BytesView value) const;
  Status remove_xattr(At at, std::string_view name) const;

  // Replace::no is Errc::unsupported on file systems that cannot: use link() and remove_file().
  Status rename(At from, At to, Replace replace = Replace::yes) const;
  Status link(At existing, At name) const;
  Status remove_file(At at) const;
  Status remove_directory(At at) const;
  Status make_directory(At at, std::uint32_t mode) const;
  Status make_symlink(std::string_view target, At at) const;
  Status make_special(At at, FileType type, std::uint32_t mode, DeviceNumber device = {}) const;
  Result<std::string> read_link(At at) const;

  Result<std::string> current_directory() const;

 private:
  FileCalls* calls_;
};

FileSystem& system_files() noexcept;

}  // namespace plakar
