// Gives space back: what no snapshot uses any more is marked, and some time later removed.
//
//   mark      every blob that a present snapshot needs
//   repack    packfiles that are mostly dead space: what is in use is copied, and published
//   colour    packfiles of which nothing is in use, repacked ones and leftovers of runs that were
//             cut off: from then on nobody reads or relies on them
//   sweep     packfiles that were coloured a grace period ago: out of the index, then out of the
//   store
//
// It works alone, under the exclusive lock. The grace period is for those who did not see that: a
// reader with an old index, a backup whose machine slept past its lock. A coloured packfile that
// turns out to be needed gets its colour taken back, and so does a repacked one of which a copy has
// gone bad by then.
//
// The order in which things become durable: copies, the state that names them, the state that
// colours, and a grace period later the state that removes, the removal. Power may fail in
// between: the next run goes on from there.
//
// States are never merged or removed, however many there are: other programs keep what they
// merged before, and would never hear of what a state that is gone took back.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/id.h"
#include "core/base/result.h"
#include "core/flow/cancel_token.h"
#include "core/kloset/repository/repository.h"

namespace plakar::ops {

struct MaintenanceOptions {
  std::string hostname{};  // for the lock
  bool lock = true;
  // Not negative. With 0 what is coloured is swept in the same run: nobody else may use the store.
  std::chrono::nanoseconds grace = std::chrono::hours(168);
  // Dates further ahead of this machine's clock mean that a clock is wrong, and with it every age.
  std::chrono::nanoseconds future_max = std::chrono::hours(1);
  // Otherwise swept packfiles are only forgotten, and stay in the store.
  bool delete_packfiles = true;
  bool repack = true;
  // A packfile is repacked when so much of it is dead space, if that gives back so many bytes in
  // all.
  unsigned repack_dead_percent = 50;
  std::uint64_t repack_gain_min = std::uint64_t{1} << 20;
};

enum class Colouring : std::uint8_t { unused, orphaned, repacked };

// Called from one thread. What is told is durable.
class MaintenanceObserver {
 public:
  virtual ~MaintenanceObserver() = default;
  virtual void marked(const SnapshotId& snapshot, std::uint64_t done, std::uint64_t total) = 0;
  // A snapshot that cannot be read whole: nothing will be taken away.
  virtual void unreadable(const SnapshotId& snapshot, std::string_view error) = 0;
  // What is not as it should be, and does not keep maintenance from going on: "packfile 3fa1c2d4".
  virtual void noticed(std::string_view where, std::string_view what) = 0;
  virtual void coloured(const PackfileMac& packfile, Colouring why) = 0;
  virtual void removed(const PackfileMac& packfile, std::uint64_t bytes) = 0;
};

struct MaintenanceReport {
  std::uint64_t snapshots = 0;
  std::uint64_t packfiles_coloured = 0;    // by this run
  std::uint64_t packfiles_orphaned = 0;    // of these, those that no state named
  std::uint64_t packfiles_repacked = 0;    // of these, those whose blobs were copied
  std::uint64_t bytes_coloured = 0;        // that will be given back
  std::uint64_t packfiles_uncoloured = 0;  // needed after all
  std::uint64_t packfiles_written = 0;     // by repacking
  std::uint64_t bytes_written = 0;
  std::uint64_t packfiles_removed = 0;
  std::uint64_t blobs_removed = 0;  // that were in these; repacked ones have a copy elsewhere
  std::uint64_t bytes_removed = 0;  // given back
  std::uint64_t leftovers = 0;      // packfiles that no state names, kept for now
  std::uint64_t failures = 0;       // packfiles that could not be deleted
};

// Errc::corrupt and the like when a snapshot cannot be read whole, Errc::conflict when somebody
// works on the store or a clock is wrong: then nothing is coloured or removed. Any error leaves a
// sound store. The repository is refreshed here, under the lock.
Result<MaintenanceReport> maintenance(kloset::Repository& repository,
                                      const MaintenanceOptions& options,
                                      MaintenanceObserver& observer,
                                      const flow::CancelToken& cancel);

}  // namespace plakar::ops
