#include "core/host/worker/internal/thread.h"

#include <csignal>
#include <cstddef>

namespace plakar::host::worker::detail {
namespace {
// The ABI promises one; sanitizers need more of it.
constexpr std::size_t stack_bytes = std::size_t{2} * 1024 * 1024;
}  // namespace

bool start_module_thread(pthread_t& thread, void* (*run)(void*), void* argument) noexcept {
  pthread_attr_t attributes;
  if (::pthread_attr_init(&attributes) != 0) return false;
  ::pthread_attr_setstacksize(&attributes, stack_bytes);
  sigset_t blocked;
  sigset_t before;
  ::sigfillset(&blocked);
  for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS}) {
    ::sigdelset(&blocked, own);
  }
  // A new thread has the mask of who starts it.
  ::pthread_sigmask(SIG_SETMASK, &blocked, &before);
  const int failed = ::pthread_create(&thread, &attributes, run, argument);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::pthread_attr_destroy(&attributes);
  return failed == 0;
}

}  // namespace plakar::host::worker::detail
