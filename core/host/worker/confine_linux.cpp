#include "core/host/worker/confine.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <csignal>

#include <algorithm>
#include <cerrno>

#include "core/base/system_error.h"
#include "core/host/worker/internal/landlock.h"
#include "core/host/worker/internal/seccomp.h"

extern char** environ;

namespace plakar::host::worker {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif
#else
constexpr bool sanitized = false;
#endif

// Lowers both limits: nothing in the process can raise them again, without privileges.
Status limit(decltype(RLIMIT_CORE) which, std::uint64_t value, const char* name) {
  rlimit now{};
  if (::getrlimit(which, &now) != 0) return system_error(errno, name);
  const rlim_t lowered = std::min<rlim_t>(value, now.rlim_max);
  const rlimit wanted{lowered, lowered};
  if (::setrlimit(which, &wanted) != 0) return system_error(errno, name);
  return {};
}

}  // namespace

Status clean_process(int kept_max, int parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // It may have ended before that was asked for: nobody would tell.
  if (::getppid() != parent) return Error(Errc::unavailable, "who started the worker is gone");
  if (::syscall(SYS_close_range, static_cast<unsigned>(kept_max) + 1, ~0U, 0U) != 0) {
    // Kernels before 5.9: one by one, as far as this process may have them.
    rlimit descriptors{};
    ::getrlimit(RLIMIT_NOFILE, &descriptors);
    const int count = static_cast<int>(std::min<rlim_t>(descriptors.rlim_cur, 1 << 16));
    for (int i = kept_max + 1; i < count; ++i) ::close(i);
  }
  // Also where the strings were, which /proc shows.
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    for (char* at = *variable; *at != '\0'; ++at) *at = '\0';
  }
  ::clearenv();
  ::umask(077);
  if (::chdir("/") != 0) return system_error(errno, "change to", "/");
  ::signal(SIGPIPE, SIG_IGN);
  return limit(RLIMIT_CORE, 0, "limit core dumps");
}

Result<Confinement> confine(const Permissions& permissions, const Fd& module_file) {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return system_error(errno, "give up new privileges");
  }
  // Neither dumped nor traced, nor read through /proc by others of the same user.
  ::prctl(PR_SET_DUMPABLE, 0);
  PLK_TRY(limit(RLIMIT_NOFILE, permissions.descriptors_max, "limit descriptors"));
  // Of data, not of addresses: the arena is large and mostly not there. Sanitizers reserve
  // terabytes.
  if (permissions.memory_bytes_max != 0 && !sanitized) {
    PLK_TRY(limit(RLIMIT_DATA, permissions.memory_bytes_max, "limit memory"));
  }
  Confinement done = PLK_TRY(confine_by_landlock(permissions, module_file));
  const bool no_network = !permissions.all_network && permissions.tcp_ports.empty();
  done.calls =
      PLK_TRY(confine_by_seccomp(no_network ? NetworkCalls::refused : NetworkCalls::allowed));
  if (no_network && done.calls) done.network = true;
  return done;
}

}  // namespace plakar::host::worker
