#include "sdk/kit/process/testing/spawning_host.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <vector>

namespace plk::kit::testing {
namespace {

int cancel_descriptor = -1;

pid_t pid_of(plk_process* process) {
  return static_cast<pid_t>(reinterpret_cast<std::intptr_t>(process));
}

std::vector<std::string> texts(const plk_bytes* first, std::uint64_t count) {
  std::vector<std::string> made;
  for (std::uint64_t i = 0; i < count; ++i) made.push_back(octets(first[i]).str());
  return made;
}
std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> made;
  for (std::string& text : texts) made.push_back(text.data());
  made.push_back(nullptr);
  return made;
}

plk_status spawn(plk_ctx*, plk_call*, const plk_spawn_args* args, plk_pipes* pipes,
                 plk_process** process, plk_error* err) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  std::array<int*, 3> own{&pipes->stdin_fd, &pipes->stdout_fd, &pipes->stderr_fd};
  std::array<int, 3> theirs{-1, -1, -1};
  for (int i = 0; i < 3; ++i) {
    const auto at = static_cast<std::size_t>(i);
    *own[at] = -1;
    if ((args->flags >> i & 1u) == 0) {
      ::posix_spawn_file_actions_addopen(&actions, i, "/dev/null", O_RDWR, 0);
      continue;
    }
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return plk_fail(err, PLK_E_IO, "pipe");
    *own[at] = ends[i == 0 ? 1 : 0];
    theirs[at] = ends[i == 0 ? 0 : 1];
    ::posix_spawn_file_actions_adddup2(&actions, theirs[at], i);
  }
  auto arguments = texts(args->argv, args->argc);
  auto environment = texts(args->env, args->env_count);
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, arguments.front().c_str(), &actions, &attributes,
                                   pointers(arguments).data(), pointers(environment).data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  for (const int fd : theirs) {
    if (fd >= 0) ::close(fd);
  }
  if (error != 0) {
    for (int* fd : own) {
      if (*fd >= 0) ::close(*fd);
    }
    return plk_fail(err, PLK_E_NOT_FOUND, std::strerror(error));
  }
  *process = reinterpret_cast<plk_process*>(static_cast<std::intptr_t>(pid));
  return PLK_OK;
}

plk_status wait(plk_process* process, plk_call*, plk_exit* ended, plk_error* err) {
  int status = 0;
  if (::waitpid(pid_of(process), &status, 0) < 0) return plk_fail(err, PLK_E_IO, "waitpid");
  ended->code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  ended->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  return PLK_OK;
}

void kill(plk_process* process) {
  ::kill(-pid_of(process), SIGKILL);
  int status = 0;
  ::waitpid(pid_of(process), &status, 0);
}

constexpr plk_process_ops process_ops{sizeof(plk_process_ops), 0, spawn, wait, kill};

const void* extension(plk_ctx*, const char* id) {
  return std::strcmp(id, PLK_EXT_PROCESS) == 0 ? &process_ops : nullptr;
}

bool is_cancelled() {
  pollfd watched{cancel_descriptor, POLLIN, 0};
  return ::poll(&watched, 1, 0) == 1;
}

const plk_host_api& api() {
  static const plk_host_api table = [] {
    plk_host_api made{};
    made.struct_size = sizeof made;
    made.call_cancelled = [](plk_call*) -> std::int32_t { return is_cancelled() ? 1 : 0; };
    made.call_cancel_fd = [](plk_call*) -> std::int32_t { return cancel_descriptor; };
    made.call_remaining_ms = [](plk_call*) -> std::int64_t { return -1; };
    made.extension = extension;
    return made;
  }();
  return table;
}

}  // namespace

spawning_host::spawning_host() {
  // As a host does, for its whole process.
  ::signal(SIGPIPE, SIG_IGN);
  cancel_descriptor = ::eventfd(0, EFD_CLOEXEC);
  plk::detail::host() = &api();
}

spawning_host::~spawning_host() {
  plk::detail::host() = nullptr;
  ::close(cancel_descriptor);
}

void spawning_host::cancel() const {
  const std::uint64_t one = 1;
  static_cast<void>(!::write(cancel_descriptor, &one, sizeof one));
}

}  // namespace plk::kit::testing
