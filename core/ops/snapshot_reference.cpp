#include "core/ops/snapshot_reference.h"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <vector>

#include "core/config/location.h"

namespace plakar::ops {
namespace {

constexpr std::string_view latest_word = "latest";

}  // namespace

Result<SnapshotReference> SnapshotReference::parse(std::string_view text) {
  if (text.starts_with('/')) return SnapshotReference{.path = std::string(text)};
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string_view snapshot = text.substr(0, colon);
  SnapshotReference reference;
  reference.path = text.substr(std::min(colon + 1, text.size()));
  if (snapshot == latest_word) {
    reference.latest = 0;
  } else if (snapshot.starts_with("latest~")) {
    const std::string_view digits = snapshot.substr(latest_word.size() + 1);
    std::uint64_t number = 0;
    const char* const end = digits.data() + digits.size();
    const auto [last, error] = std::from_chars(digits.data(), end, number);
    if (error != std::errc() || last != end) {
      return Error(Errc::invalid_argument,
                   "invalid snapshot: " + std::string(snapshot) + ", expected latest~NUMBER");
    }
    reference.latest = number;
  } else {
    reference.prefix = snapshot;
  }
  return reference;
}

std::string SnapshotReference::path_below(std::string_view root) const {
  if (path.starts_with('/')) return config::clean_path(path);
  // A root is absolute; one that is not, in a strange snapshot, must not make a relative path.
  return config::clean_path('/' + config::join_path(root, path));
}

Result<SnapshotId> find_by_prefix(std::string_view prefix, std::span<const SnapshotId> snapshots) {
  std::optional<SnapshotId> found;
  std::size_t matches = 0;
  for (const SnapshotId& id : snapshots) {
    if (!id.hex().starts_with(prefix)) continue;
    found = id;
    ++matches;
  }
  if (matches == 1) return *found;
  if (matches == 0) {
    return Error(Errc::not_found, "no snapshot has prefix: " + std::string(prefix));
  }
  return Error(Errc::invalid_argument, "snapshot ID is ambiguous: " + std::string(prefix) +
                                           " (matches " + std::to_string(matches) + " snapshots)");
}

Result<SnapshotId> find_latest(std::uint64_t passed_over,
                               std::span<const kloset::SnapshotTime> snapshots) {
  if (passed_over < snapshots.size()) return snapshots[passed_over].id;
  return Error(Errc::not_found, snapshots.empty()
                                    ? std::string("there is no snapshot")
                                    : "there is no snapshot latest~" + std::to_string(passed_over) +
                                          ", only " + std::to_string(snapshots.size()) +
                                          " snapshot" + (snapshots.size() == 1 ? "" : "s"));
}

}  // namespace plakar::ops
