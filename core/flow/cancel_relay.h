// From a signal handler to a CancelSource: Ctrl-C.
//
// A handler may do next to nothing: no locks, no allocation, so it cannot cancel. It can write
// to a descriptor, and a thread that waits for that does the rest.
//
//   auto relay = PLK_TRY(CancelRelay::start(job, "interrupted"));
//   static CancelRelay* for_handler = relay.get();
//   ::sigaction(SIGINT, ... [](int) { for_handler->request(); } ...);
//
// The handler is to be uninstalled before the relay goes. Only the first request has an
// effect; a second Ctrl-C that means "now" is the handler's own business.
//
// Thread rule: request() from any thread and any signal handler.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "core/base/fd.h"
#include "core/base/result.h"
#include "core/flow/cancel_token.h"

namespace plakar::flow {

class CancelRelay {
 public:
  // Cancels `source` with `why` after the first request(), from a thread of its own.
  static Result<std::unique_ptr<CancelRelay>> start(CancelSource source, std::string why);
  ~CancelRelay();
  CancelRelay(const CancelRelay&) = delete;
  CancelRelay& operator=(const CancelRelay&) = delete;

  // Async-signal-safe, and leaves errno alone.
  void request() noexcept;

 private:
  explicit CancelRelay(Fd event) : event_(std::move(event)) {}

  Fd event_;
  std::atomic<bool> requested_ = false;
  static_assert(std::atomic<bool>::is_always_lock_free, "used in signal handlers");
  std::jthread thread_;
};

}  // namespace plakar::flow
