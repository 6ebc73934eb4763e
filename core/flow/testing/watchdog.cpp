#include "core/flow/testing/watchdog.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace plakar::flow::testing {

Watchdog::Watchdog(std::string what, std::chrono::seconds limit)
    : thread_([this, what = std::move(what), limit] {
        std::unique_lock lock(mutex_);
        if (ended_.wait_for(lock, limit, [this] { return over_; })) return;
        std::fprintf(stderr, "test hangs: %s\n", what.c_str());
        std::abort();
      }) {}

Watchdog::~Watchdog() {
  const std::lock_guard lock(mutex_);
  over_ = true;
  ended_.notify_one();
}

}  // namespace plakar::flow::testing
