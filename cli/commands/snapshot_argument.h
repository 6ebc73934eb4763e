// SNAPSHOT[:PATH] of the command line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/commands/command.h"
#include "core/base/id.h"
#include "core/base/result.h"
#include "core/kloset/repository/repository.h"
#include "core/kloset/snapshot/header.h"

namespace plakar::cli {

struct SnapshotPath {
  SnapshotId id;
  std::string path;  // clean and absolute
};

// Exactly one snapshot; a relative or missing path is one below its backup root.
Result<SnapshotPath> find_snapshot(Context& context, kloset::Repository& repository,
                                   std::string_view argument);

// All headers, newest first. Those that cannot be read are named on stderr, and make `damaged`
// true.
Result<std::vector<kloset::SnapshotHeader>> load_headers(Context& context,
                                                         kloset::Repository& repository,
                                                         bool& damaged);

}  // namespace plakar::cli
