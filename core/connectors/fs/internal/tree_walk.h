// Goes through a directory tree: the entries of one directory one after the other, ascending by
// name; then its directories in the same order, each with everything below it.
//
// Whoever calls next() walks, and helpers walk ahead of it: a tree whose inodes are not in memory
// is a matter of waiting for the disk, and eight threads wait for eight things at a time. A cold
// tree of 40,000 files takes a third of the time that one thread needs, a warm one half. Helpers
// only ever make what comes next ready, so that the walk needs none of them to go on, and nothing
// depends on how far they are but time. What they have found and nobody has taken yet is bounded,
// in bytes and in directories.
//
// Every directory is opened from the one above it, following no link, and must be the one that was
// seen there before: nobody who moves directories and links about can lead the walk to where it
// was not sent. Depth costs memory and not descriptors, of which few are open at a time; those
// closed meanwhile are opened again when they are needed, and must still be the same.
#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/file_system.h"
#include "core/base/result.h"
#include "core/connectors/fs/internal/name_list.h"
#include "core/flow/cancel_token.h"
#include "core/flow/task_group.h"
#include "core/kloset/record.h"

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

// What is made of the entries. Called by several threads at once.
class TreeVisitor {
 public:
  virtual ~TreeVisitor() = default;

  // An entry, or why it cannot be known; `at` is where to ask for more. Appends to `records` what
  // there is to say. True: a directory, and it is to be entered.
  virtual bool visit(std::string path, const Result<FileStat>& stat, At at,
                     std::vector<kloset::Record>& records) = 0;
  // A directory that was to be entered and cannot be, or cannot be listed to its end.
  virtual void fail(std::string path, const Error& error, std::vector<kloset::Record>& records) = 0;
};

// One walk. next() is for one thread.
class TreeWalk {
 public:
  // Longer paths are errors: a directory below directories takes no space to speak of, and could
  // otherwise fill the memory.
  static constexpr std::size_t path_size_max = 64 * 1024;
  static constexpr std::size_t helper_count = 8;
  // Of directories that stay open for those below them. Each thread has up to two more.
  static constexpr std::size_t kept_open_max = 24;
  // What helpers find ahead: about so many bytes of records, in so many directories.
  static constexpr std::size_t bytes_ahead_max = 4u << 20;
  static constexpr std::size_t directories_ahead_max = 256;

  // Begins with the entries of `path`, an absolute and clean one.
  TreeWalk(const FileSystem& files, TreeVisitor& visitor, std::string path, FileIdentity identity,
           const flow::CancelToken& cancel);
  ~TreeWalk();
  TreeWalk(const TreeWalk&) = delete;
  TreeWalk& operator=(const TreeWalk&) = delete;

  // Appends the next records, until `batch` has `size_max` or waiting for more would take long.
  // False at the end.
  Result<bool> next(std::vector<kloset::Record>& batch, std::size_t size_max);

 private:
  struct Name {
    std::string name;
    FileIdentity identity;
  };

  // One that is listed, or that leads to others that are.
  struct Directory;
  using DirectoryAt = std::list<Directory>::iterator;
  struct Directory {
    // These two do not change.
    DirectoryAt parent{};  // of the first: the end of directories_
    Name self{};           // in the parent; of the first, the path
    std::size_t path_size = 0;
    // Guarded by mutex_.
    std::size_t users = 0;  // stops, and directories below
    std::shared_ptr<const File> handle{};
  };

  enum class StopState : std::uint8_t {
    ready,  // to be listed, or gone on with
    taken,  // by a thread, whose alone the listing is meanwhile
    done,
    rest,  // not a listing: stands for the directories below one that are not stops yet
  };
  // What the walk passes, in its order.
  struct Stop {
    StopState state = StopState::ready;
    DirectoryAt directory{};

    struct Listing {
      bool begun = false;
      NameList names{};
      std::size_t next_name = 0;
      // What is to be entered of it: names, and what they are.
      NameList below{};
      std::vector<FileIdentity> below_identities{};
    };
    Listing listing{};
    std::size_t next_below = 0;  // of a rest

    // To be handed out.
    std::vector<kloset::Record> records{};
    std::size_t next_record = 0;
  };
  using StopAt = std::list<Stop>::iterator;

  class Turn;

  // All of these with mutex_ held.
  StopAt take_from(StopAt rest);
  StopAt find_work();
  bool may_go_ahead();
  void hand_out(Stop& stop, std::vector<kloset::Record>& batch, std::size_t size_max);
  void remove(StopAt stop);
  void release(DirectoryAt directory);
  void keep_open(DirectoryAt directory, std::shared_ptr<const File> handle);

  // These without.
  Status help(const flow::CancelToken& cancel);
  Result<std::shared_ptr<const File>> open(DirectoryAt directory);
  Result<std::shared_ptr<const File>> open_from(const File* parent, const Name& directory) const;
  std::string path_of(DirectoryAt directory) const;

  const FileSystem& files_;
  TreeVisitor& visitor_;
  const flow::CancelToken cancel_;

  std::mutex mutex_;
  std::condition_variable found_;   // waited for by next()
  std::condition_variable wanted_;  // waited for by helpers
  // These guarded by mutex_.
  std::list<Directory> directories_;
  std::list<Stop> stops_;
  std::size_t listing_count_ = 0;  // of stops that are not a rest
  std::size_t bytes_ahead_ = 0;    // of records not handed out
  bool ahead_enough_ = false;
  std::array<DirectoryAt, kept_open_max> kept_open_;
  std::size_t kept_open_next_ = 0;
  bool broken_ = false;  // a thread has ended with an exception
  bool ending_ = false;

  bool has_helpers_ = false;  // for next() alone
  flow::TaskGroup helpers_;   // last: they use all of the above
};

}  // namespace plakar::connectors
