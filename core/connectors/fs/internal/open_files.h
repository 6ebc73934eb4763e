// Files that were read from lately stay open, up to a number: a restore comes back to the same
// packfiles again and again, a few kilobytes at a time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <utility>

#include "core/base/file_system.h"
#include "core/kloset/store.h"

namespace plakar::connectors {

// All functions may be called from any thread.
class OpenFiles {
 public:
  static constexpr std::size_t count_max = 32;

  // The file, opened by `open` unless it is here. Shared, because another thread may push it out
  // while this one reads.
  template <class Open>
  Result<std::shared_ptr<const File>> find_or_open(const kloset::ItemName& name, Open open) {
    std::uint64_t forgotten = 0;
    {
      const std::lock_guard guard(mutex_);
      const auto found = find(name);
      if (found != recent_.end()) {
        recent_.splice(recent_.begin(), recent_, found);
        return recent_.front().second;
      }
      forgotten = forgotten_;
    }
    std::shared_ptr<const File> file = std::make_shared<File>(PLK_TRY(open()));
    const std::lock_guard guard(mutex_);
    // What was opened before somebody removed or replaced it must not be found after that.
    if (forgotten != forgotten_ || find(name) != recent_.end()) return file;
    recent_.emplace_front(name, file);
    if (recent_.size() > count_max) recent_.pop_back();
    return file;
  }

  // To be called once the file has been removed or replaced, not before.
  void forget(const kloset::ItemName& name) {
    const std::lock_guard guard(mutex_);
    ++forgotten_;
    recent_.remove_if([&](const auto& entry) { return entry.first == name; });
  }

 private:
  using Entry = std::pair<kloset::ItemName, std::shared_ptr<const File>>;

  std::list<Entry>::iterator find(const kloset::ItemName& name) {
    return std::find_if(recent_.begin(), recent_.end(),
                        [&](const Entry& entry) { return entry.first == name; });
  }

  std::mutex mutex_;
  std::list<Entry> recent_;      // the latest first; these two guarded by mutex_
  std::uint64_t forgotten_ = 0;  // how often anything was
};

}  // namespace plakar::connectors
