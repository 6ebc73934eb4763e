// Takes snapshots away: one state marks all of them as deleted, and from then on nobody lists or
// reads them. What they used stays where it is until maintenance finds that nobody else does.
//
// No lock is taken, as genuine Plakar takes none: marks only ever add up, and maintenance looks
// again at what is there before it takes anything away.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/result.h"
#include "core/flow/cancel_token.h"
#include "core/kloset/repository/repository.h"

namespace plakar::ops {

// Hears of each snapshot once, when it is decided and durable.
class RemoveObserver {
 public:
  virtual ~RemoveObserver() = default;
  virtual void removed(const SnapshotId& snapshot) = 0;
  virtual void failed(const SnapshotId& snapshot, std::string_view error) = 0;
};

struct RemoveReport {
  std::uint64_t removed = 0;
  std::uint64_t failed = 0;  // there were no such snapshots
};

// All that are there are removed together, durably when this returns; one named twice counts once.
// On an error none is, as far as anybody can tell. The repository is refreshed here.
Result<RemoveReport> remove_snapshots(kloset::Repository& repository,
                                      std::span<const SnapshotId> snapshots,
                                      RemoveObserver& observer, const flow::CancelToken& cancel);

}  // namespace plakar::ops
