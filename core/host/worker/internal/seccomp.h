// Which calls of the kernel a worker still has. Refused ones fail with EPERM: a library that
// tries one in passing must not die of it.
#pragma once

#include <cstdint>

#include "core/base/result.h"

namespace plakar::host::worker {

enum class NetworkCalls : std::uint8_t { allowed, refused };

// For this thread and all that it starts: before the first one. Programs, processes, and other
// processes' memory are refused in any case. False where the kernel, or what we know of this
// architecture, has no seccomp.
Result<bool> confine_by_seccomp(NetworkCalls network);

}  // namespace plakar::host::worker
