// When a module has crashed too often: as many times as said within a span of time.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>

#include "core/base/clock.h"

namespace plakar::host::worker {

struct CrashLimit {
  std::size_t crashes = 3;
  std::chrono::minutes within{10};
};

// Not thread-safe.
class CrashBudget {
 public:
  explicit CrashBudget(CrashLimit limit) : limit_(limit) {}

  void record(MonotonicTime now) {
    crashes_.push_back(now);
    if (crashes_.size() > limit_.crashes) crashes_.pop_front();
    // For good: that it has rested does not mean that it was mended.
    if (crashes_.size() == limit_.crashes && now - crashes_.front() <= limit_.within) {
      spent_ = true;
    }
  }
  bool spent() const noexcept { return spent_; }
  // Somebody wants it to be tried again.
  void reset() {
    crashes_.clear();
    spent_ = false;
  }

 private:
  CrashLimit limit_;
  std::deque<MonotonicTime> crashes_;
  bool spent_ = false;
};

}  // namespace plakar::host::worker
