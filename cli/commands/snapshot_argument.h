// SNAPSHOT[:PATH] of the command line.
#pragma once

#include <string>
#include <string_view>

#include "cli/commands/command.h"
#include "core/base/id.h"
#include "core/base/result.h"
#include "core/kloset/repository/repository.h"

namespace plakar::cli {

struct SnapshotPath {
  SnapshotId id;
  std::string path;  // clean and absolute
};

// Exactly one snapshot; a relative or missing path is one below its backup root.
// `latest` is the newest.
Result<SnapshotPath> find_snapshot(kloset::Repository& repository, std::string_view argument);

Result<SnapshotId> find_newest(kloset::Repository& repository);

}  // namespace plakar::cli
