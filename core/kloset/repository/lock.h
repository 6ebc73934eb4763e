// Who works on a store. Any number of backups and syncs share it; maintenance has it alone.
// Readers and removals of snapshots take no lock.
//
//   lock := {version, timestamp, hostname, exclusive}, an item named by whoever took it
//
// There is no compare-and-swap in a store: a lock is put first, then all others are read, and
// who finds an incompatible one takes its own away again. Of two that come at the same moment
// both may give up; never do both go on. A lock is refreshed every five minutes, and stale when
// it is older than ten: whoever meets a stale one removes it.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/env.h"
#include "core/base/result.h"
#include "core/base/unix_time.h"
#include "core/kloset/repository/config.h"
#include "core/kloset/repository/keys.h"
#include "core/kloset/store.h"

namespace plakar::kloset {

using LockId = Id32<struct LockIdTag>;

enum class LockMode : std::uint8_t { shared, exclusive };

inline constexpr std::chrono::minutes lock_refresh_interval{5};
inline constexpr std::chrono::minutes lock_stale_age{10};

struct LockInfo {
  LockId id;
  std::string hostname;
  LockMode mode = LockMode::shared;
  WallTime refreshed;
};

// Everybody's locks, stale ones too. One that vanishes meanwhile is left out; one that cannot be
// read is an error.
Result<std::vector<LockInfo>> list_locks(Store& store, const StoreConfig& config,
                                         const StoreKeys& keys, Random& random);

// Held until it is destroyed or released, and refreshed by a thread of its own meanwhile.
class RepositoryLock {
 public:
  struct Request {
    LockId id;
    LockMode mode = LockMode::shared;
    std::string hostname;
  };

  // Errc::conflict when somebody else's lock is in the way; the message says whose, how old it is
  // and when it goes stale. All references outlive the lock.
  static Result<std::unique_ptr<RepositoryLock>> acquire(Store& store, const StoreConfig& config,
                                                         const StoreKeys& keys, Env env,
                                                         const Request& request);

  // Deletes the lock. The destructor does it too, but has nobody to tell.
  virtual Status release() = 0;
  // An error once a refresh has failed for so long that others may take the lock for stale:
  // stop writing.
  virtual Status check() const = 0;

  virtual ~RepositoryLock() = default;
};

}  // namespace plakar::kloset
