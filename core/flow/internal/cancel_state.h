// What a CancelSource and its tokens share: whether, why, a descriptor, and who wants to know.
//
// Not std::stop_source, whose shape this has: libstdc++ 12 runs the callbacks of a stop
// requested while the process had one thread without marking them as done, so that a
// callback destroyed later by another thread waits for ever. A reason and a descriptor
// would have had to live beside it anyway.
//
// Thread rule: every function may be called from any thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "core/base/fd.h"
#include "core/base/result.h"

namespace plakar::flow::detail {

class CancelState;

// One registered callback, linked into its state; lives inside a CancelCallback.
class CancelHook {
 public:
  CancelHook() = default;
  // The derived class has called CancelState::remove() by then.
  virtual ~CancelHook() = default;
  CancelHook(const CancelHook&) = delete;
  CancelHook& operator=(const CancelHook&) = delete;

 private:
  friend class CancelState;
  virtual void run() noexcept = 0;

  CancelHook* previous_ = nullptr;
  CancelHook* next_ = nullptr;
  bool linked_ = false;
};

class CancelState {
 public:
  CancelState() = default;
  CancelState(const CancelState&) = delete;
  CancelState& operator=(const CancelState&) = delete;

  // Relaxed: a loop that asks often must not pay for ordering. why() takes the mutex.
  bool cancelled() const noexcept { return cancelled_.load(std::memory_order_relaxed); }

  // Runs the hooks in this thread, holding nothing. False, and no effect, after the first
  // call; the hooks may then still be running in the thread of the first one.
  bool cancel(std::string why);
  std::string why() const;

  // An eventfd that becomes readable with cancel() and stays so; made when first asked for.
  Result<int> fd();

  // Runs `hook` at once if already cancelled.
  void add(CancelHook& hook);
  // On return the hook is not running and will not run, except when called from inside
  // that very hook.
  void remove(CancelHook& hook) noexcept;

 private:
  void unlink(CancelHook& hook) noexcept;

  std::atomic<bool> cancelled_ = false;  // written under mutex_
  mutable std::mutex mutex_;
  std::string why_;
  Fd event_;
  CancelHook* first_ = nullptr;
  CancelHook* running_ = nullptr;
  std::thread::id canceller_;
  std::condition_variable ran_;
};

}  // namespace plakar::flow::detail
