#include "cli/commands/snapshot_argument.h"

#include "core/kloset/snapshot/snapshot_reader.h"
#include "core/ops/snapshot_list.h"
#include "core/ops/snapshot_reference.h"

namespace plakar::cli {
namespace {

void report_damaged(Context& context, const SnapshotId& id, const Error& error) {
  context.renderer->message(MessageLevel::error,
                            "snapshot " + id.short_hex() + ": " + error.message());
}

}  // namespace

Result<SnapshotPath> find_snapshot(Context& context, kloset::Repository& repository,
                                   std::string_view argument) {
  const auto reference = PLK_TRY(ops::SnapshotReference::parse(argument));
  SnapshotId id;
  if (reference.latest) {
    const auto times = PLK_TRY(
        ops::list_snapshot_times(repository, [&](const SnapshotId& damaged, const Error& error) {
          report_damaged(context, damaged, error);
        }));
    id = PLK_TRY(ops::find_latest(*reference.latest, times));
  } else {
    id = PLK_TRY(ops::find_by_prefix(reference.prefix, repository.index().snapshots()));
  }
  if (reference.path.starts_with('/')) {
    return SnapshotPath{.id = id, .path = reference.path_below("/")};
  }
  const auto snapshot =
      PLK_TRY_CONTEXT(kloset::SnapshotReader::open(repository, id), "snapshot " + id.short_hex());
  return SnapshotPath{.id = id, .path = reference.path_below(snapshot.root())};
}

Result<std::vector<kloset::SnapshotHeader>> load_headers(Context& context,
                                                         kloset::Repository& repository,
                                                         bool& damaged) {
  return ops::list_snapshots(
      repository,
      [&](const SnapshotId& id, const Error& error) {
        damaged = true;
        report_damaged(context, id, error);
      },
      context.cancel);
}

}  // namespace plakar::cli
