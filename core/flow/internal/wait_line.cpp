#include "core/flow/internal/wait_line.h"

namespace plakar::flow::detail {

WaitLine::Place::Place(WaitLine& line) noexcept : line_(line), previous_(line.last_) {
  (previous_ != nullptr ? previous_->next_ : line_.first_) = this;
  line_.last_ = this;
  ++line_.size_;
}

WaitLine::Place::~Place() {
  (previous_ != nullptr ? previous_->next_ : line_.first_) = next_;
  (next_ != nullptr ? next_->previous_ : line_.last_) = previous_;
  --line_.size_;
  line_.wake();
}

bool WaitLine::Place::can_go() const {
  return line_.first_ == this && holds_ != nullptr && holds_(condition_);
}

bool WaitLine::Place::sleep(std::unique_lock<std::mutex>& lock, const CancelToken& cancel) {
  if (can_go()) return true;
  // Touches the event only, never the owner's mutex: it may run in the constructor here, and
  // its destructor waits for a run elsewhere, both with that mutex held.
  const CancelCallback wake_up(cancel, [this] { event_.signal(); });
  while (!cancel.cancelled()) {
    lock.unlock();
    event_.wait(cancel.clock(), cancel.deadline());
    lock.lock();
    if (can_go()) return true;
  }
  return false;
}

void WaitLine::wake() {
  if (first_ != nullptr && first_->can_go()) first_->event_.signal();
}

}  // namespace plakar::flow::detail
