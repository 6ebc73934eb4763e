// Asking running work to stop, from anywhere, once.
//
// A CancelSource can cancel; the CancelTokens it hands out can only notice. A token also
// carries an optional deadline, which is its own and not shared: `with_deadline` returns a
// stricter token on the same source. A source made from a token is its child: it is cancelled
// with it and inherits its deadline, and cancelling it leaves the parent alone.
//
//   CancelSource job;                                    // the composition root keeps it
//   CancelToken cancel = job.token();                    // and passes this down
//   CancelToken call = cancel.with_timeout(30s);         // one call to a remote store
//   PLK_TRY(call.check());
//
// How a cancel or a deadline ends a wait:
//
//                                  cancel()                      deadline
//   cancelled(), check()           true at once                  true once it has passed
//   waits of core/flow, poll.h     end within a wake-up          end when it passes
//   fd()                           becomes and stays readable    nothing: poll for remaining()
//   CancelCallback                 runs                          nothing
//
// The last two lines are why a deadline needs no thread and no timer. The split is that of
// the connector ABI: `call_cancel_fd` beside `call_remaining_ms`.
//
// Errors: a cancel is Errc::cancelled with the reason given; a passed deadline is
// Errc::unavailable, because the same call may well succeed later, and that code is what
// retries look at. When both hold, the cancel wins.
//
// Thread rule: sources and tokens are cheap to copy (one reference count); copies may be used
// from any threads, one object by one thread at a time, as with std::shared_ptr. Nothing here
// is async-signal-safe: for that see cancel_relay.h.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/flow/internal/cancel_state.h"

namespace plakar::flow {

class CancelToken {
 public:
  // A token that nothing cancels.
  CancelToken() = default;

  // One relaxed load; with a deadline also a look at the clock. Stays true.
  bool cancelled() const noexcept {
    return (state_ != nullptr && state_->cancelled()) || expired();
  }

  // The error to return with: PLK_TRY(cancel.check()).
  Status check() const {
    if (cancelled()) [[unlikely]]
      return error();
    return {};
  }
  // Precondition: cancelled().
  Error error() const;

  // The earlier of this deadline and the token's own. Two deadlines of one token must be on
  // the same clock.
  CancelToken with_deadline(MonotonicTime deadline, Clock& clock = system_clock()) const;
  CancelToken with_timeout(std::chrono::nanoseconds timeout, Clock& clock = system_clock()) const;

  // MonotonicTime::max() if there is none.
  MonotonicTime deadline() const noexcept { return deadline_; }
  // Never negative; nanoseconds::max() without a deadline.
  std::chrono::nanoseconds remaining() const noexcept;
  Clock& clock() const noexcept { return clock_ != nullptr ? *clock_ : system_clock(); }

  // A descriptor for poll(): readable once cancelled. Never read from it. Valid while the
  // source or a token of it exists; -1, which poll() ignores, for a token without a source.
  // Fails when the process is out of descriptors.
  Result<int> fd() const;

 private:
  friend class CancelSource;
  template <class F>
  friend class CancelCallback;

  bool expired() const noexcept { return clock_ != nullptr && clock_->monotonic() >= deadline_; }

  // Shared by the source and all its tokens: whoever lives longest must find it.
  std::shared_ptr<detail::CancelState> state_;
  Clock* clock_ = nullptr;  // null: no deadline
  MonotonicTime deadline_ = MonotonicTime::max();
};

class CancelSource {
 public:
  CancelSource();
  explicit CancelSource(const CancelToken& parent);

  CancelToken token() const { return token_; }

  // `why` says who and for what reason, for people: "interrupted", "backup of /home failed".
  // Runs the callbacks, in this thread, before it returns. False, and no effect, if
  // already cancelled.
  bool cancel(std::string why) const;

 private:
  CancelToken token_;
};

// Runs `on_cancel` once, when the token is cancelled or, if it already is, in the constructor.
// After the destructor it is not running and will not run; the destructor waits for a run in
// another thread, so it must not hold a lock that the function takes. The function must not
// throw or block; it runs in the thread that cancels, without any lock.
//
//   CancelCallback shut(cancel, [&] { ::shutdown(socket, SHUT_RDWR); });
template <class F>
class [[nodiscard]] CancelCallback final : private detail::CancelHook {
 public:
  CancelCallback(const CancelToken& token, F on_cancel)
      : state_(token.state_), on_cancel_(std::move(on_cancel)) {
    if (state_ != nullptr) state_->add(*this);
  }
  ~CancelCallback() {
    if (state_ != nullptr) state_->remove(*this);
  }

 private:
  void run() noexcept override { on_cancel_(); }

  std::shared_ptr<detail::CancelState> state_;  // the token may be gone before us
  F on_cancel_;
};

}  // namespace plakar::flow
