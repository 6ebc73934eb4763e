// Writes a snapshot, or a part of it, to a destination.
//
// The wanted path's own prefix is taken off: what is in a restored directory lands directly in the
// destination, a single file under its name. Directories, links and special files are made by one
// thread, parents first; the content of files is written by several; further names of a file
// follow when its first one is there. What cannot be restored is reported and counted, and the
// rest goes on.
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

// Called from several threads, one at a time. Paths are those in the snapshot.
class RestoreObserver {
 public:
  virtual ~RestoreObserver() = default;
  virtual void restored(std::string_view path, std::uint64_t bytes) = 0;
  virtual void failed(std::string_view path, std::string_view error) = 0;
};

struct RestoreReport {
  std::uint64_t entries = 0;
  std::uint64_t bytes_written = 0;
  std::uint64_t errors = 0;
};

// Errc::not_found when the snapshot has no such path. An error ends the restore; what is there by
// then stays.
Result<RestoreReport> restore(kloset::Repository& repository, const SnapshotId& snapshot,
                              kloset::Destination& destination, const RestoreOptions& options,
                              RestoreObserver& observer, const flow::CancelToken& cancel);

}  // namespace plakar::ops
