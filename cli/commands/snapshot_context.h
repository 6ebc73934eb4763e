// What a snapshot remembers of the machine and the command that made it.
#pragma once

#include <string>
#include <vector>

#include "cli/commands/command.h"
#include "core/kloset/snapshot/header.h"

namespace plakar::cli {

// This machine's name, as sources call it.
std::string host_name();

// The pairs that genuine Plakar records, in its order.
std::vector<kloset::KeyValue> snapshot_context(const Context& context);

}  // namespace plakar::cli
