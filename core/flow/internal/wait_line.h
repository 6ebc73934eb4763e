// Threads in line for something that a mutex guards: first come, first served, and a cancel
// or a deadline lets any of them leave. What every blocking class of core/flow waits with.
//
//   std::unique_lock lock(mutex_);
//   if (!line_.wait(lock, cancel, [&] { return room_ >= n; }, [&] { room_ -= n; })) {
//     return cancel.error();
//   }
//   ...
//   room_ += n;      // elsewhere, with the mutex held
//   line_.wake();
//
// The rule that keeps wake-ups from being lost: after every change that can make the
// condition of the first in line true, call wake(). Changes of who is first do so by
// themselves. Only a thread that can go on is woken, one at a time; it wakes the next
// when it leaves the line.
//
// A condition variable per class would be shorter, but wakes in no particular order, wakes
// all of them for a cancel, and cannot be woken by a callback that must not take the mutex.
//
// Thread rule: everything is called with the owner's mutex held.
#pragma once

#include <cstddef>
#include <mutex>

#include "core/flow/cancel_token.h"
#include "core/flow/internal/event.h"

namespace plakar::flow::detail {

class WaitLine {
 public:
  WaitLine() = default;
  WaitLine(const WaitLine&) = delete;
  WaitLine& operator=(const WaitLine&) = delete;

  // A thread's place, from joining at the end to leaving. On the stack of that thread.
  class Place {
   public:
    explicit Place(WaitLine& line) noexcept;
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    // Waits, with `lock` released, until this place is the first and `ready()` holds; false
    // if the token ended the wait before. The place is kept either way, so that a later
    // call goes on where this one stopped. `ready` runs with the mutex held, in any thread.
    template <class Ready>
    bool wait(std::unique_lock<std::mutex>& lock, const CancelToken& cancel, const Ready& ready) {
      condition_ = &ready;
      holds_ = [](const void* condition) { return (*static_cast<const Ready*>(condition))(); };
      const bool held = sleep(lock, cancel);
      holds_ = nullptr;
      return held;
    }

   private:
    friend class WaitLine;
    bool sleep(std::unique_lock<std::mutex>& lock, const CancelToken& cancel);
    bool can_go() const;

    WaitLine& line_;
    Place* previous_;
    Place* next_ = nullptr;
    const void* condition_ = nullptr;
    bool (*holds_)(const void* condition) = nullptr;  // null: not waiting
    Event event_;
  };

  bool empty() const noexcept { return first_ == nullptr; }
  std::size_t size() const noexcept { return size_; }

  // Stands in line until `ready()` holds, at once if nobody else does, and calls `act`, still
  // as the first: whether the next can go on is judged by what `act` left. False, without
  // `act`, if the token ended the wait.
  template <class Ready, class Act>
  bool wait(std::unique_lock<std::mutex>& lock, const CancelToken& cancel, const Ready& ready,
            const Act& act) {
    if (empty() && ready()) {
      act();
      return true;
    }
    Place place(*this);
    if (!place.wait(lock, cancel, ready)) return false;
    act();
    return true;
  }

  // Wakes the first, if it can go on.
  void wake();

 private:
  Place* first_ = nullptr;
  Place* last_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace plakar::flow::detail
