// The aggregated state in ordinary memory: for stores too small to be worth a table, for where
// there is no cache directory, and as what the table is tested against.
#pragma once

#include <memory>

#include "core/kloset/state/index.h"

namespace plakar::kloset {

// Empty. Takes some 120 bytes a location.
std::unique_ptr<StateIndex> make_memory_index();

}  // namespace plakar::kloset
