// Which files and ports a worker still reaches.
#pragma once

#include "core/base/fd.h"
#include "core/base/result.h"
#include "core/host/worker/confine.h"

namespace plakar::host::worker {

// For this thread and all that it starts: before the first one. What the kernel does not have is
// false in the answer; a path that does not exist is left out.
Result<Confinement> confine_by_landlock(const Permissions& permissions, const Fd& module_file);

}  // namespace plakar::host::worker
