#include "core/ops/snapshot_list.h"

#include <algorithm>

#include "core/ops/selection.h"

namespace plakar::ops {

Result<std::vector<kloset::SnapshotHeader>> list_snapshots(kloset::Repository& repository,
                                                           const SnapshotDamaged& damaged,
                                                           const flow::CancelToken& cancel) {
  std::vector<kloset::SnapshotHeader> headers;
  PLK_TRY(kloset::for_each_header(
      repository,
      [&](const kloset::SnapshotHeader& header) -> Status {
        headers.push_back(header);
        return cancel.check();
      },
      [&](const SnapshotId& id, const Error& error) -> Status {
        damaged(id, error);
        return {};
      }));
  std::sort(headers.begin(), headers.end(), is_newer);
  return headers;
}

Result<std::vector<kloset::SnapshotTime>> list_snapshot_times(kloset::Repository& repository,
                                                              const SnapshotDamaged& damaged) {
  auto times = PLK_TRY(kloset::load_snapshot_times(
      repository, [&](const SnapshotId& id, const Error& error) -> Status {
        damaged(id, error);
        return {};
      }));
  std::sort(times.begin(), times.end(), is_newer_time);
  return times;
}

}  // namespace plakar::ops
