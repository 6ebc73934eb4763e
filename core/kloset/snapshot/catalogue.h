// The headers of all snapshots of a repository, quickly: what a listing shows, and what finds the
// snapshot that a backup builds on. With ten thousand of them, loading each from its packfile takes
// seconds on a disk and minutes over a network.
//
// Headers that were loaded once are kept in the cache directory of the repository, if it has one,
// as the store keeps them: compressed, encrypted and under its MAC. What is kept counts only for as
// long as the index has the header in the same place; it can be deleted at any time, and damage
// only costs time.
//
// All functions may be called from any thread, and by several processes with one directory.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "core/base/id.h"
#include "core/base/result.h"
#include "core/kloset/repository/repository.h"
#include "core/kloset/snapshot/header.h"

namespace plakar::kloset {

// Calls `visit` for the header of every snapshot that the index has, each once, in no order. One
// that is lost or damaged is told to `unreadable`. The first error of either ends the walk and is
// returned, as does a store that is out of reach.
Status for_each_header(Repository& repository,
                       const std::function<Status(const SnapshotHeader&)>& visit,
                       const std::function<Status(const SnapshotId&, const Error&)>& unreadable);

// When every snapshot was made, in no order, and with the same said of what is unreadable: no
// header that is in the cache is decoded for it.
struct SnapshotTime {
  SnapshotId id;
  UnixTime timestamp;
};
Result<std::vector<SnapshotTime>> load_snapshot_times(
    Repository& repository,
    const std::function<Status(const SnapshotId&, const Error&)>& unreadable);

// The newest snapshot of this very source, of those that are readable.
Result<std::optional<SnapshotId>> find_newest_snapshot(Repository& repository,
                                                       const Importer& importer);

}  // namespace plakar::kloset
