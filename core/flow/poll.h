// Waiting for a descriptor without becoming deaf to a cancel.
#pragma once

#include <chrono>

#include "core/base/result.h"
#include "core/flow/cancel_token.h"

namespace plakar::flow {

// Waits until `fd` has one of `events` (POLLIN, POLLOUT), `timeout` has passed or `cancel`
// says stop, and returns poll()'s revents, 0 for the timeout. Errors are those of the token,
// which wins when both happen, and of poll() itself. A negative `fd` never has events: the
// call is then a sleep that can be cancelled.
//
// Time passes as the kernel counts it, also for a token whose deadline is on another clock.
Result<short> poll_or_cancel(int fd, short events, const CancelToken& cancel,
                             std::chrono::nanoseconds timeout = std::chrono::nanoseconds::max());

}  // namespace plakar::flow
