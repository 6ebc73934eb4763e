// Goes through a directory tree: the entries of one directory one after the other, ascending by
// name; then its directories in the same order, each with everything below it.
//
// Every directory is opened from the one above it, following no link, and must be the one that was
// seen there before: nobody who moves directories and links about can lead the walk to where it
// was not sent. Depth costs memory and not descriptors, of which few are open at a time; those
// closed meanwhile are opened again on the way back, and must still be the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/file_system.h"
#include "core/base/result.h"

namespace plakar::connectors {

// Which file something is, whatever it is called.
struct FileIdentity {
  DeviceNumber device;
  std::uint64_t inode = 0;

  friend auto operator<=>(const FileIdentity&, const FileIdentity&) = default;
};

inline FileIdentity identity_of(const FileStat& stat) {
  return {.device = stat.device, .inode = stat.inode};
}

// For one thread.
class TreeWalk {
 public:
  // Something found, or what could not be read. Valid until the next call of next().
  struct Item {
    std::string path{};
    Result<FileStat> stat = FileStat();

    // Where to ask for more about it.
    At at() const { return {*directory, name}; }
    const File* directory = nullptr;
    std::string_view name{};
  };

  // Asked for each entry before it is returned. False: not returned, and not entered.
  using Wanted = std::function<bool(const std::string& path, const FileStat& stat)>;
  // Asked for each directory that is returned. False: not entered.
  using Entered = std::function<bool(const FileStat& stat)>;

  // Longer paths are errors: a directory below directories takes no space to speak of, and could
  // otherwise fill the memory.
  static constexpr std::size_t path_size_max = 64 * 1024;
  // Of directories, at a time.
  static constexpr std::size_t descriptor_count_max = 64;

  TreeWalk(const FileSystem& files, Wanted wanted, Entered entered)
      : files_(files), wanted_(std::move(wanted)), entered_(std::move(entered)) {}

  // Begins with the entries of this directory, an absolute and clean path. Called once the walk
  // before has ended.
  void start(std::string path, FileIdentity identity);

  // False at the end. A directory that cannot be listed is an item of its own path with the error,
  // after the one that says what it is.
  bool next(Item& item);

 private:
  struct Directory {
    std::string name{};  // in the one above; of the first, the path
    FileIdentity identity{};
  };
  struct Level {
    Directory self;
    std::size_t path_size = 0;  // how much of path_ leads here
    File handle{};              // closed while much deeper levels are walked
    std::vector<Directory> below{};
    std::size_t next_below = 0;
  };

  Status enter(Directory directory);
  Status list();
  Status reopen(std::size_t level);
  Result<File> open_child(const File* parent, const Directory& directory) const;
  bool take_entry(Item& item);
  void fail(Item& item, std::string path, Error error);

  const FileSystem& files_;
  Wanted wanted_;
  Entered entered_;
  std::string path_;  // of the last level
  std::vector<Level> levels_;
  std::vector<std::string> names_;  // in the last level
  std::size_t next_name_ = 0;
  std::string name_;  // what an item's name refers to
  DirectoryBatch batch_;
};

}  // namespace plakar::connectors
