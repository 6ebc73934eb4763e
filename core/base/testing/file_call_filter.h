// Stands in front of other FileCalls and sees every call go by: the base of what records
// calls, makes them fail, or stops the world after one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "core/base/file_calls.h"

namespace plakar::testing {

enum class CallKind : std::uint8_t {
  open,
  close,
  read,
  write,
  read_at,
  write_at,
  truncate,
  allocate,
  copy_range,
  find_data,
  find_hole,
  sync,
  write_back,
  advise,
  stat,
  set_mode,
  set_owner,
  set_times,
  list_xattrs,
  read_xattr,
  write_xattr,
  remove_xattr,
  rename,
  link,
  remove_file,
  remove_directory,
  make_directory,
  make_symlink,
  make_special,
  read_link,
  read_directory,
  lock,
  space,
  map,
  unmap,
  current_directory,
  descriptor,
};

std::string_view name_of(CallKind kind) noexcept;

// Whether such a call can change what is on the disk, or what survives. An open() may create.
bool changes_disk(CallKind kind) noexcept;

struct FileCall {
  CallKind kind = CallKind::open;
  std::string path;   // As it was opened, or given: relative to the path of its directory.
  std::string other;  // The second path of a rename, link, symlink or copy.
  FileHandle file = -1;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;  // Of reads and writes. A filter may shorten it.
  SyncScope scope = SyncScope::file;
  CallResult result = 0;

  // "write_at /store/tmp.1 at 0, 4096 bytes = 4096"; "sync /store = -EIO" has the number.
  std::string describe() const;
};

// Thread-safe, as what is behind it is.
class FileCallFilter : public FileCalls {
 public:
  explicit FileCallFilter(FileCalls& inner) noexcept : inner_(&inner) {}

  CallResult open(CallPath at, const OpenOptions& options) final;
  CallResult close(FileHandle file) final;
  CallResult read(FileHandle file, std::span<std::byte> out) final;
  CallResult write(FileHandle file, BytesView bytes) final;
  CallResult read_at(FileHandle file, std::uint64_t offset, std::span<std::byte> out) final;
  CallResult write_at(FileHandle file, std::uint64_t offset,
                      std::span<const BytesView> parts) final;
  CallResult truncate(FileHandle file, std::uint64_t size) final;
  CallResult allocate(FileHandle file, Allocate how, std::uint64_t offset,
                      std::uint64_t length) final;
  CallResult copy_range(FileHandle from, std::uint64_t from_offset, FileHandle to,
                        std::uint64_t to_offset, std::uint64_t length) final;
  CallResult find_data(FileHandle file, std::uint64_t from) final;
  CallResult find_hole(FileHandle file, std::uint64_t from) final;
  CallResult sync(FileHandle file, SyncScope scope) final;
  CallResult write_back(FileHandle file, Writeback what, std::uint64_t offset,
                        std::uint64_t length) final;
  CallResult advise(FileHandle file, Advice advice, std::uint64_t offset,
                    std::uint64_t length) final;
  CallResult stat(CallPath at, Follow follow, FileStat& out) final;
  CallResult set_mode(CallPath at, std::uint32_t mode) final;
  CallResult set_owner(CallPath at, FileOwner owner) final;
  CallResult set_times(CallPath at, const FileTimes& times) final;
  CallResult list_xattrs(CallPath at, std::span<std::byte> out) final;
  CallResult read_xattr(CallPath at, std::string_view name, std::span<std::byte> out) final;
  CallResult write_xattr(CallPath at, std::string_view name, BytesView value) final;
  CallResult remove_xattr(CallPath at, std::string_view name) final;
  CallResult rename(CallPath from, CallPath to, Replace replace) final;
  CallResult link(CallPath existing, CallPath name) final;
  CallResult remove_file(CallPath at) final;
  CallResult remove_directory(CallPath at) final;
  CallResult make_directory(CallPath at, std::uint32_t mode) final;
  CallResult make_symlink(std::string_view target, CallPath at) final;
  CallResult make_special(CallPath at, FileType type, std::uint32_t mode,
                          DeviceNumber device) final;
  CallResult read_link(CallPath at, std::span<std::byte> out) final;
  CallResult read_directory(FileHandle directory, DirectoryBatch& batch) final;
  CallResult lock(FileHandle file, LockMode mode, Wait wait) final;
  CallResult space(FileHandle file, FileSystemSpace& out) final;
  CallResult map(FileHandle file, std::uint64_t offset, std::size_t length, BytesView& out) final;
  CallResult unmap(BytesView mapped) final;
  CallResult current_directory(std::string& out) final;
  CallResult descriptor(FileHandle file) final;

 protected:
  // Does the call, or not. `next` does it as `call` says, with its `length`.
  virtual CallResult around(FileCall& call, const std::function<CallResult()>& next) = 0;

 private:
  CallResult pass(FileCall call, const std::function<CallResult(const FileCall&)>& next);
  FileCall on_file(CallKind kind, FileHandle file) const;
  FileCall on_path(CallKind kind, CallPath at) const;
  std::string path_of(CallPath at) const;

  FileCalls* inner_;
  mutable std::mutex mutex_;
  std::map<FileHandle, std::string> paths_;  // Of open handles. Guarded by mutex_.
};

}  // namespace plakar::testing
