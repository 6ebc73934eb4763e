// Writes a snapshot, or a part of it, to a destination.
//
// The wanted path's own prefix is taken off: what is in a restored directory lands directly in the
// destination, a single file under its name. Directories, links and special files are made by one
// thread, parents first; the content of files is written by several; further names of a file
// follow when its first one is there.
//
// Every byte is compared with its MAC before it is written. A file that cannot be restored whole
// is reported and counted, and is not there afterwards, or is what it was before; the rest goes
// on. What to do about files that exist, and whether to take up an interrupted restore where it
// ended, is the destination's to know: Existing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/flow/cancel_token.h"
#include "core/kloset/destination.h"
#include "core/kloset/repository/repository.h"
#include "core/kloset/snapshot/snapshot_reader.h"

namespace plakar::ops {

struct RestoreOptions {
  std::string path = "/";  // clean and absolute, in the snapshot
  std::size_t threads = 2;
};

// Called from several threads, one at a time. Paths are those at the destination, which is "/".
class RestoreObserver {
 public:
  virtual ~RestoreObserver() = default;
  // How much there is to do, as far as the snapshot says; once, first.
  virtual void expected(std::uint64_t entries, std::uint64_t bytes) {
    static_cast<void>(entries);
    static_cast<void>(bytes);
  }
  virtual void restored(std::string_view path, std::uint64_t bytes) = 0;
  // Left as it was found at the destination.
  virtual void skipped(std::string_view path, std::uint64_t bytes) {
    static_cast<void>(path);
    static_cast<void>(bytes);
  }
  // Content that was written, also of files that are not whole yet: for rates.
  virtual void wrote(std::uint64_t bytes) { static_cast<void>(bytes); }
  virtual void failed(std::string_view path, std::string_view error) = 0;
};

struct RestoreReport {
  std::uint64_t entries = 0;  // restored
  std::uint64_t skipped = 0;
  std::uint64_t bytes_written = 0;
  std::uint64_t errors = 0;  // not 0: what was restored is not all
};

// Errc::not_found when the snapshot has no such path. An error ends the restore; what is there by
// then stays.
Result<RestoreReport> restore(kloset::Repository& repository, const SnapshotId& snapshot,
                              kloset::Destination& destination, const RestoreOptions& options,
                              RestoreObserver& observer, const flow::CancelToken& cancel);

}  // namespace plakar::ops
