// For tests of code that waits: a test that would hang ends the program instead, with a
// message that names it, and conditions brought about by other threads are awaited without
// guessing how long they take.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace plakar::flow::testing {

// Generous: sanitizers on a busy machine are slow, and only a failure waits for it.
inline constexpr std::chrono::seconds patience{60};

// Aborts the process if it lives longer than `limit`.
class Watchdog {
 public:
  explicit Watchdog(std::string what, std::chrono::seconds limit = patience);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  bool over_ = false;
  std::jthread thread_;
};

// Yields until `condition()` holds, within our patience; false after that.
template <class Condition>
bool eventually(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace plakar::flow::testing
