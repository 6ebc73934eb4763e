// One thread sleeping, others waking it. A signal that comes early is kept, so none is lost;
// several before the sleeper looks count as one.
//
// Thread rule: signal() from any thread, wait() from one.
#pragma once

#include <condition_variable>
#include <mutex>

#include "core/base/clock.h"

namespace plakar::flow::detail {

class Event {
 public:
  void signal() {
    {
      const std::lock_guard lock(mutex_);
      if (signalled_) return;
      signalled_ = true;
    }
    changed_.notify_one();
  }

  // Returns, and forgets the signal, once there is one; or when `deadline` has passed.
  void wait(Clock& clock, MonotonicTime deadline) {
    std::unique_lock lock(mutex_);
    clock.wait_until(lock, changed_, deadline, [&] { return signalled_; });
    signalled_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool signalled_ = false;
};

}  // namespace plakar::flow::detail
