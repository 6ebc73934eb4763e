// The directories of a destination, opened so that nothing leads out of it: name by name from its
// root, following no link. Those used lately stay open.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/file_system.h"
#include "core/base/result.h"

namespace plakar::connectors {

// Of the cache, and of whoever works in it meanwhile.
using SharedDirectory = std::shared_ptr<const File>;

// All functions may be called from any thread.
class Beneath {
 public:
  static constexpr std::size_t open_count_max = 32;

  Beneath(const FileSystem& files, File root)
      : files_(files), root_(std::make_shared<const File>(std::move(root))) {}

  // `path` is relative to the root and begins with a slash. One that is not clean, with a ".." in
  // it say, is Errc::invalid_argument; so is a link on the way.
  Result<SharedDirectory> open(std::string_view path);

 private:
  using Entry = std::pair<std::string, SharedDirectory>;

  // The deepest open directory on the way to `path`, and its path.
  Entry find_nearest(std::string_view path);
  void keep(std::string_view path, const SharedDirectory& directory);

  const FileSystem& files_;
  const SharedDirectory root_;
  std::mutex mutex_;
  std::list<Entry> recent_;  // the latest first; guarded by mutex_
};

}  // namespace plakar::connectors
