#include "core/flow/internal/cancel_state.h"

#include <sys/eventfd.h>

#include <cerrno>
#include <utility>

#include "core/base/system_error.h"

namespace plakar::flow::detail {

bool CancelState::cancel(std::string why) {
  std::unique_lock lock(mutex_);
  if (cancelled()) return false;
  why_ = std::move(why);
  cancelled_.store(true, std::memory_order_relaxed);
  // Before the hooks: whoever polls must not wait for a slow one. Adding 1 to an eventfd
  // that was never read cannot fail.
  if (event_) static_cast<void>(::eventfd_write(event_.get(), 1));

  canceller_ = std::this_thread::get_id();
  while (first_ != nullptr) {
    CancelHook& hook = *first_;
    unlink(hook);
    running_ = &hook;
    lock.unlock();
    hook.run();  // may destroy itself: `hook` is not touched again
    lock.lock();
    running_ = nullptr;
    ran_.notify_all();
  }
  return true;
}

std::string CancelState::why() const {
  const std::lock_guard lock(mutex_);
  return why_;
}

Result<int> CancelState::fd() {
  const std::lock_guard lock(mutex_);
  if (!event_) {
    event_ = Fd(::eventfd(cancelled() ? 1 : 0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!event_) return system_error(errno, "create a cancel descriptor");
  }
  return event_.get();
}

void CancelState::add(CancelHook& hook) {
  {
    const std::lock_guard lock(mutex_);
    if (!cancelled()) {
      hook.next_ = first_;
      if (first_ != nullptr) first_->previous_ = &hook;
      first_ = &hook;
      hook.linked_ = true;
      return;
    }
  }
  hook.run();
}

void CancelState::remove(CancelHook& hook) noexcept {
  std::unique_lock lock(mutex_);
  if (hook.linked_) {
    unlink(hook);
  } else if (canceller_ != std::this_thread::get_id()) {
    ran_.wait(lock, [&] { return running_ != &hook; });
  }
}

void CancelState::unlink(CancelHook& hook) noexcept {
  if (hook.previous_ != nullptr) {
    hook.previous_->next_ = hook.next_;
  } else {
    first_ = hook.next_;
  }
  if (hook.next_ != nullptr) hook.next_->previous_ = hook.previous_;
  hook.previous_ = hook.next_ = nullptr;
  hook.linked_ = false;
}

}  // namespace plakar::flow::detail
