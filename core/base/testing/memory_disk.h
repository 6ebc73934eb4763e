// A disk in memory that can lose power.
//
// It behaves like a Linux file system for whoever uses it (the suite in
// core/base/file_calls_test.cpp holds both to the same behaviour; permissions are not
// checked), and knows what would survive: content since its sync(), names since that of
// their directory. Everything newer is in the balance. crash() makes the disk that the next
// start could find:
//
//   - content: of every write since the last sync of the file all, nothing, or some sectors;
//     truncations and sizes likewise, in any combination;
//   - names: of every creation, removal and rename since the last sync of a directory that it
//     touches all or nothing, in any combination. A rename is one step, not two;
//   - mode, owner, times and attributes: old or new.
//
// That is stricter than any one real file system: ext4 would keep the order of names. A
// program that survives here needs none of their favours.
//
//   MemoryDisk disk;
//   FileSystem files(disk);
//   ...
//   const auto after = disk.crash({.content = Survival::lost, .names = Survival::kept});
//   FileSystem restarted(*after);
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/base/file_calls.h"

namespace plakar::testing {

struct MemoryNode;
struct NameChange;

// What becomes of what was not synced.
enum class Survival : std::uint8_t { lost, kept, random };

struct CrashOptions {
  Survival content = Survival::lost;
  Survival names = Survival::lost;
  std::uint64_t seed = 0;  // For random.
};

// Thread-safe, like the kernel.
class MemoryDisk final : public FileCalls {
 public:
  MemoryDisk();
  ~MemoryDisk() override;

  // The disk as it may be after losing power now. This one goes on unharmed.
  std::unique_ptr<MemoryDisk> crash(const CrashOptions& options) const;

  // From now on, content may take this much; what does not fit is -ENOSPC.
  void set_capacity(std::uint64_t bytes);

  // What Linux does when a sync fails: what was not durable never becomes it by a later
  // sync, although it can be read as long as power lasts.
  void lose_unsynced(FileHandle file);

  // So that tests find leaks.
  std::size_t open_handles() const;

  CallResult open(CallPath at, const OpenOptions& options) override;
  CallResult close(FileHandle file) override;
  CallResult read(FileHandle file, std::span<std::byte> out) override;
  CallResult write(FileHandle file, BytesView bytes) override;
  CallResult read_at(FileHandle file, std::uint64_t offset, std::span<std::byte> out) override;
  CallResult write_at(FileHandle file, std::uint64_t offset,
                      std::span<const BytesView> parts) override;
  CallResult truncate(FileHandle file, std::uint64_t size) override;
  CallResult allocate(FileHandle file, Allocate how, std::uint64_t offset,
                      std::uint64_t length) override;
  CallResult copy_range(FileHandle from, std::uint64_t from_offset, FileHandle to,
                        std::uint64_t to_offset, std::uint64_t length) override;
  CallResult find_data(FileHandle file, std::uint64_t from) override;
  CallResult find_hole(FileHandle file, std::uint64_t from) override;
  CallResult sync(FileHandle file, SyncScope scope) override;
  CallResult write_back(FileHandle file, Writeback what, std::uint64_t offset,
                        std::uint64_t length) override;
  CallResult advise(FileHandle file, Advice advice, std::uint64_t offset,
                    std::uint64_t length) override;
  CallResult stat(CallPath at, Follow follow, FileStat& out) override;
  CallResult set_mode(CallPath at, std::uint32_t mode) override;
  CallResult set_owner(CallPath at, FileOwner owner) override;
  CallResult set_times(CallPath at, const FileTimes& times) override;
  CallResult list_xattrs(CallPath at, std::span<std::byte> out) override;
  CallResult read_xattr(CallPath at, std::string_view name, std::span<std::byte> out) override;
  CallResult write_xattr(CallPath at, std::string_view name, BytesView value) override;
  CallResult remove_xattr(CallPath at, std::string_view name) override;
  CallResult rename(CallPath from, CallPath to, Replace replace) override;
  CallResult link(CallPath existing, CallPath name) override;
  CallResult remove_file(CallPath at) override;
  CallResult remove_directory(CallPath at) override;
  CallResult make_directory(CallPath at, std::uint32_t mode) override;
  CallResult make_symlink(std::string_view target, CallPath at) override;
  CallResult make_special(CallPath at, FileType type, std::uint32_t mode,
                          DeviceNumber device) override;
  CallResult read_link(CallPath at, std::span<std::byte> out) override;
  CallResult read_directory(FileHandle directory, DirectoryBatch& batch) override;
  CallResult lock(FileHandle file, LockMode mode, Wait wait) override;
  CallResult space(FileHandle file, FileSystemSpace& out) override;
  CallResult map(FileHandle file, std::uint64_t offset, std::size_t length,
                 BytesView& out) override;
  CallResult unmap(BytesView mapped) override;
  CallResult current_directory(std::string& out) override;
  CallResult descriptor(FileHandle file) override;

 private:
  // Several names may lead to one node, and a handle may outlast them all.
  using NodePointer = std::shared_ptr<MemoryNode>;

  struct OpenFile {
    NodePointer node;
    OpenOptions options;
    std::uint64_t position = 0;
    // What is left to list of a directory, from its first read_directory on.
    std::optional<std::vector<std::pair<std::string, NodePointer>>> listing;
    LockMode lock = LockMode::unlock;
  };

  // Where a path leads. `node` is null when there is nothing of that name, `parent` when the
  // path has no last name: "/", "a/..".
  struct Place {
    NodePointer parent;
    std::string name;
    NodePointer node;
    bool must_be_directory = false;
  };

  // All of these with mutex_ held.
  OpenFile* find_open(FileHandle file);
  OpenFile* find_writable(FileHandle file);
  int resolve(CallPath at, Follow follow, Place& out);
  // The same, for a name that is to be made.
  int resolve_new(CallPath at, Place& out);
  // The node of a path, or of the handle itself when that is empty.
  int resolve_node(CallPath at, Follow follow, NodePointer& out);
  NodePointer make_node(FileType type, std::uint32_t mode);
  void enter(const Place& place, const NodePointer& node);
  void change_names(NameChange change);
  UnixTime tick();
  void touch(MemoryNode& node);
  std::uint64_t free_bytes() const;
  std::uint64_t fitting(const MemoryNode& node, std::uint64_t offset, std::uint64_t length) const;
  CallResult write_locked(OpenFile& file, std::uint64_t offset, BytesView bytes);
  bool lock_is_free(const OpenFile& asking, LockMode mode) const;

  mutable std::mutex mutex_;
  std::condition_variable unlocked_;
  std::map<FileHandle, OpenFile> open_;
  FileHandle next_handle_ = 1000;  // Unlike a real descriptor, so that mixing them up shows.
  std::uint64_t next_inode_ = 2;
  std::uint64_t ticks_ = 0;
  std::uint64_t capacity_ = UINT64_MAX;
  NodePointer root_;
  std::vector<NameChange> names_unsynced_;
  std::map<const std::byte*, Bytes> mapped_;
};

}  // namespace plakar::testing
