#include "core/flow/internal/thread.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <cstddef>
#include <system_error>
#include <utility>

namespace plakar::flow::detail {
namespace {

constexpr std::size_t thread_name_max = 15;

// A new thread inherits the mask of the one that makes it; set there, and not by the new
// thread itself, it leaves no moment in which a signal could come in.
class SignalsBlocked {
 public:
  SignalsBlocked() noexcept {
    sigset_t blocked;
    ::sigfillset(&blocked);
    // A thread raises these itself: blocked, they kill before a crash handler is asked.
    for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT}) {
      ::sigdelset(&blocked, own);
    }
    ::pthread_sigmask(SIG_SETMASK, &blocked, &previous_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &previous_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t previous_;
};

}  // namespace

Result<std::jthread> start_thread(std::string name, MoveOnlyFunction<void()> body) {
  name.resize(std::min(name.size(), thread_name_max));
  const SignalsBlocked blocked;
  try {
    return std::jthread([name = std::move(name), body = std::move(body)]() mutable {
      ::pthread_setname_np(::pthread_self(), name.c_str());
      body();
    });
  } catch (const std::system_error& e) {
    return Error(Errc::unavailable, std::string("start a thread: ") + e.what());
  }
}

}  // namespace plakar::flow::detail
