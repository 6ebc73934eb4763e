// The end of `rm` and `prune`: takes the snapshots away that were decided on, and tells of each.
#pragma once

#include <span>
#include <string_view>

#include "cli/commands/command.h"
#include "core/base/id.h"
#include "core/kloset/repository/repository.h"

namespace plakar::cli {

// `command` is for messages: "rm: removal of dd62691d completed successfully". Returns the exit
// code.
int remove_and_tell(Context& context, std::string_view command, kloset::Repository& repository,
                    std::span<const SnapshotId> snapshots);

}  // namespace plakar::cli
