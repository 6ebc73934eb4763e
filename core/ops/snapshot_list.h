// The headers of all snapshots of a store.
#pragma once

#include <functional>
#include <vector>

#include "core/base/error.h"
#include "core/base/id.h"
#include "core/base/result.h"
#include "core/flow/cancel_token.h"
#include "core/kloset/repository/repository.h"
#include "core/kloset/snapshot/catalogue.h"
#include "core/kloset/snapshot/header.h"

namespace plakar::ops {

// Newest first. A snapshot whose header cannot be read is left out, and `damaged` hears of it. The
// repository is refreshed already.
using SnapshotDamaged = std::function<void(const SnapshotId& id, const Error& error)>;
Result<std::vector<kloset::SnapshotHeader>> list_snapshots(kloset::Repository& repository,
                                                           const SnapshotDamaged& damaged,
                                                           const flow::CancelToken& cancel);

// The same, with nothing but when each was made.
Result<std::vector<kloset::SnapshotTime>> list_snapshot_times(kloset::Repository& repository,
                                                              const SnapshotDamaged& damaged);

}  // namespace plakar::ops
