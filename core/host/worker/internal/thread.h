// A thread with a stack that is large enough for modules, and with every signal blocked that is
// not its own fault: std::thread can neither.
#pragma once

#include <pthread.h>

#include <memory>
#include <utility>

namespace plakar::host::worker {

namespace detail {
// Starts `run(argument)`; false when the system gives no thread.
bool start_module_thread(pthread_t& thread, void* (*run)(void*), void* argument) noexcept;
}  // namespace detail

// Runs `body` on a thread of its own, which is to be joined by pthread_join(); false when the
// system gives none.
template <class Body>
bool start_module_thread(pthread_t& thread, Body body) {
  auto owned = std::make_unique<Body>(std::move(body));
  const auto run = [](void* argument) -> void* {
    const std::unique_ptr<Body> mine(static_cast<Body*>(argument));
    (*mine)();
    return nullptr;
  };
  if (!detail::start_module_thread(thread, run, owned.get())) return false;
  // The thread's now.
  static_cast<void>(owned.release());
  return true;
}

}  // namespace plakar::host::worker
