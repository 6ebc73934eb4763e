// One snapshot, and a path in it, as people name them: SNAPSHOT[:PATH].
//
//   abcd               the snapshot whose identifier begins with it, and its backup root
//   abcd:docs/x        a path below the backup root        abcd:/etc    a path of its own
//   latest, latest~2   the newest snapshot, the second one before it
//   /etc               a path in the only snapshot that there is
//
// Identifiers are hexadecimal, so that `latest` is none.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/base/id.h"
#include "core/base/result.h"
#include "core/kloset/snapshot/catalogue.h"

namespace plakar::ops {

struct SnapshotReference {
  std::string prefix{};                   // of the identifier; may be empty
  std::optional<std::uint64_t> latest{};  // how many of the newest to pass over
  std::string path{};                     // as written; may be empty

  // Errc::invalid_argument for a `latest~` without a number.
  static Result<SnapshotReference> parse(std::string_view text);

  // Clean and absolute; `root` is the snapshot's backup root.
  std::string path_below(std::string_view root) const;
};

// The one snapshot with the prefix. Errc::not_found and Errc::invalid_argument where there is
// none and where there are several.
Result<SnapshotId> find_by_prefix(std::string_view prefix, std::span<const SnapshotId> snapshots);

// Of snapshots sorted newest first. Errc::not_found where there are not that many.
Result<SnapshotId> find_latest(std::uint64_t passed_over,
                               std::span<const kloset::SnapshotTime> snapshots);

}  // namespace plakar::ops
