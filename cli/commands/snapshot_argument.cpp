#include "cli/commands/snapshot_argument.h"

#include <optional>

#include "core/config/location.h"
#include "core/kloset/snapshot/catalogue.h"
#include "core/kloset/snapshot/snapshot_reader.h"

namespace plakar::cli {

Result<SnapshotId> find_newest(kloset::Repository& repository) {
  std::optional<SnapshotId> best;
  UnixTime time;
  PLK_TRY(kloset::for_each_header(
      repository,
      [&](const kloset::SnapshotHeader& header) -> Status {
        if (best && header.timestamp <= time) return {};
        time = header.timestamp;
        best = header.identifier;
        return {};
      },
      [](const SnapshotId&, const Error& error) { return Status(error); }));
  if (!best) return Error(Errc::not_found, "no snapshots found");
  return *best;
}

Result<SnapshotPath> find_snapshot(kloset::Repository& repository, std::string_view argument) {
  const std::size_t colon = argument.starts_with('/') ? 0 : argument.find(':');
  const std::string_view prefix = argument.substr(0, colon);
  std::string_view path;
  if (argument.starts_with('/')) {
    path = argument;
  } else if (colon != std::string_view::npos) {
    path = argument.substr(colon + 1);
  }
  std::optional<SnapshotId> found;
  std::size_t matches = 0;
  if (prefix == "latest") found = PLK_TRY(find_newest(repository));
  for (const SnapshotId& id : repository.index().snapshots()) {
    if (prefix == "latest" || !id.hex().starts_with(prefix)) continue;
    found = id;
    ++matches;
  }
  if (!found) {
    return Error(Errc::not_found, "no snapshot has prefix: " + std::string(prefix));
  }
  if (matches > 1) {
    return Error(Errc::invalid_argument, "snapshot ID is ambiguous: " + std::string(prefix) +
                                             " (matches " + std::to_string(matches) +
                                             " snapshots)");
  }
  if (path.starts_with('/')) return SnapshotPath{.id = *found, .path = config::clean_path(path)};
  const auto snapshot = PLK_TRY(kloset::SnapshotReader::open(repository, *found));
  return SnapshotPath{.id = *found, .path = config::join_path(snapshot.root(), path)};
}

}  // namespace plakar::cli
