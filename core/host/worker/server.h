// The worker's main loop: serves one host on its control channel, one module, until either goes.
//
// Life cycle: `start` from the host; the process confines itself, irrevocably; `ready` to the
// host; then lanes, on which the module is loaded and called. The control channel's end, which
// is also that of a host that was killed, is the end of the process.
//
// Threads: this one reads the control channel and never runs code of the module; each lane has
// one of its own.
#pragma once

#include <plakar/connector.h>

#include <functional>
#include <string>

#include "core/base/fd.h"
#include "core/base/result.h"

namespace plakar::host::worker {

using Entry = plk_status (*)(const plk_entry_args*, const plk_plugin**, plk_error*);

// Gives the entry of the module that is open as `file`; `path` is for messages. Called once, after
// the process was confined.
using Loader = std::function<Result<Entry>(const std::string& path, const Fd& file)>;

// Returns the process's exit status. The process has to end then, without destructors: threads
// may be within the module.
int serve(int control, const Loader& loader);

}  // namespace plakar::host::worker
