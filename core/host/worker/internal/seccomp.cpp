#include "core/host/worker/internal/seccomp.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <initializer_list>
#include <vector>

#include "core/base/system_error.h"

namespace plakar::host::worker {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t architecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t architecture = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t architecture = 0;
#endif

// Numbers above are those of x32, which the filter does not know.
constexpr std::uint32_t number_max = 0x3fffffff;

// Newer than some headers; the same on every architecture.
constexpr long nr_clone3 = 435;
constexpr long nr_pidfd_getfd = 438;

using calls = std::initializer_list<long>;

class Filter {
 public:
  Filter() {
    load(offsetof(seccomp_data, arch));
    skip_unless_equal(architecture, 1, 0);
    add(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    load(offsetof(seccomp_data, nr));
    add_jump(BPF_JMP | BPF_JGT | BPF_K, number_max, 0, 1);
    refuse(EPERM);
  }

  void refuse_call(long number, int error = EPERM) {
    skip_unless_equal(static_cast<std::uint32_t>(number), 0, 1);
    refuse(error);
  }
  // Refused where none of `bits` is set in the argument.
  void refuse_call_without(long number, unsigned argument, std::uint32_t bits) {
    skip_unless_equal(static_cast<std::uint32_t>(number), 0, 4);
    load_argument(argument);
    add_jump(BPF_JMP | BPF_JSET | BPF_K, bits, 1, 0);
    refuse(EPERM);
    load(offsetof(seccomp_data, nr));
  }
  // Refused where the argument is something else.
  void refuse_call_unless(long number, unsigned argument, std::uint32_t value) {
    skip_unless_equal(static_cast<std::uint32_t>(number), 0, 4);
    load_argument(argument);
    skip_unless_equal(value, 1, 0);
    refuse(EPERM);
    load(offsetof(seccomp_data, nr));
  }

  std::vector<sock_filter>& finish() {
    add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    return program_;
  }

 private:
  void load(std::size_t offset) {
    add(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
  }
  // The lower half: both architectures are little-endian.
  void load_argument(unsigned argument) {
    load(offsetof(seccomp_data, args) + argument * sizeof(std::uint64_t));
  }
  void refuse(int error) {
    add(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error));
  }
  void skip_unless_equal(std::uint32_t value, std::uint8_t equal, std::uint8_t other) {
    add_jump(BPF_JMP | BPF_JEQ | BPF_K, value, equal, other);
  }
  void add(unsigned code, std::uint32_t k) { add_jump(code, k, 0, 0); }
  void add_jump(unsigned code, std::uint32_t k, std::uint8_t yes, std::uint8_t no) {
    program_.push_back({static_cast<std::uint16_t>(code), yes, no, k});
  }

  std::vector<sock_filter> program_;
};

}  // namespace

Result<bool> confine_by_seccomp(NetworkCalls network) {
  if (architecture == 0) return false;
  Filter filter;
  // The host spawns, never the worker: no programs, and no processes. clone3 keeps its flags
  // where a filter cannot look; C libraries then use clone.
  for (const long number : calls{SYS_execve, SYS_execveat}) filter.refuse_call(number);
#ifdef SYS_fork
  filter.refuse_call(SYS_fork);
  filter.refuse_call(SYS_vfork);
#endif
  filter.refuse_call(nr_clone3, ENOSYS);
  filter.refuse_call_without(SYS_clone, 0, CLONE_THREAD);
  // Nobody else's business.
  for (const long number : calls{SYS_ptrace,
                                 SYS_process_vm_readv,
                                 SYS_process_vm_writev,
                                 nr_pidfd_getfd,
                                 SYS_bpf,
                                 SYS_perf_event_open,
                                 SYS_userfaultfd,
                                 SYS_unshare,
                                 SYS_setns,
                                 SYS_mount,
                                 SYS_umount2,
                                 SYS_pivot_root,
                                 SYS_chroot,
                                 SYS_keyctl,
                                 SYS_add_key,
                                 SYS_request_key,
                                 SYS_init_module,
                                 SYS_finit_module,
                                 SYS_kexec_load,
                                 SYS_reboot,
                                 SYS_swapon,
                                 SYS_swapoff,
                                 SYS_setsid,
                                 SYS_setpgid,
                                 SYS_pidfd_send_signal}) {
    filter.refuse_call(number);
  }
  // abort() and raise() signal this process only.
  const auto self = static_cast<std::uint32_t>(::getpid());
  for (const long number :
       calls{SYS_kill, SYS_tgkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo}) {
    filter.refuse_call_unless(number, 0, self);
  }
  filter.refuse_call(SYS_tkill);
  // io_uring does all of it past a filter.
  filter.refuse_call(SYS_io_uring_setup);
  if (network == NetworkCalls::refused) filter.refuse_call(SYS_socket);

  std::vector<sock_filter>& program = filter.finish();
  const sock_fprog all{static_cast<unsigned short>(program.size()), program.data()};
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0UL, &all) != 0) {
    if (errno == ENOSYS || errno == EINVAL) return false;
    return system_error(errno, "confine the worker's system calls");
  }
  return true;
}

}  // namespace plakar::host::worker
