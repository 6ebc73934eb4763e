#include "core/ops/remove.h"

#include <chrono>
#include <set>
#include <vector>

#include "core/base/clock.h"
#include "core/kloset/state/delta.h"

namespace plakar::ops {
namespace {

using kloset::ResourceType;

// A snapshot whose packfile was coloured is invisible, and still one that maintenance would bring
// back: removing has to work on it, too.
bool is_there(const kloset::StateIndex& index, const SnapshotId& id) {
  const Mac mac{.bytes = id.bytes};
  if (index.find_colour(ResourceType::snapshot, mac)) return false;
  return index.has(ResourceType::snapshot, mac) ||
         !index.find_coloured(ResourceType::snapshot, mac).empty();
}

}  // namespace

Result<RemoveReport> remove_snapshots(kloset::Repository& repository,
                                      std::span<const SnapshotId> snapshots,
                                      RemoveObserver& observer, const flow::CancelToken& cancel) {
  if (repository.store().traits().archive) {
    return Error(Errc::unsupported, "an archive is written once: nothing can be removed from it");
  }
  PLK_TRY(repository.refresh());
  RemoveReport report;
  std::set<SnapshotId> named;
  std::vector<SnapshotId> found;
  for (const SnapshotId& id : snapshots) {
    if (!named.insert(id).second) continue;
    if (is_there(repository.index(), id)) {
      found.push_back(id);
      continue;
    }
    // Not found in an index that is damaged means nothing.
    PLK_TRY(repository.index().status());
    ++report.failed;
    observer.failed(id, "the store has no such snapshot");
  }
  PLK_TRY(cancel.check());
  if (found.empty()) return report;

  const auto now = std::chrono::duration_cast<std::chrono::nanoseconds>(
                       repository.env().clock.wall().time_since_epoch())
                       .count();
  kloset::StateWriter writer(repository.index().last_state());
  for (const SnapshotId& id : found) {
    writer.add(kloset::ColouredEntry{
        .type = ResourceType::snapshot, .mac = Mac{.bytes = id.bytes}, .time_ns = now});
  }
  const auto id = kloset::StateId::random(repository.env().random);
  PLK_TRY_CONTEXT(repository.publish_state(id, std::move(writer).finish(now)), "remove snapshots");
  for (const SnapshotId& removed : found) {
    ++report.removed;
    observer.removed(removed);
  }
  return report;
}

}  // namespace plakar::ops
