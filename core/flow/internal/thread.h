// How core/flow starts a thread: named, and with asynchronous signals blocked, so that they
// are delivered where the program expects them and never interrupt a plug-in's call.
#pragma once

#include <string>
#include <thread>

#include "core/base/result.h"
#include "core/flow/internal/move_only_function.h"

namespace plakar::flow::detail {

// `name` is what `ps -L` and debuggers show; Linux keeps its first 15 bytes. `body` must not
// throw. Errc::unavailable if the system has no thread to spare.
Result<std::jthread> start_thread(std::string name, MoveOnlyFunction<void()> body);

}  // namespace plakar::flow::detail
