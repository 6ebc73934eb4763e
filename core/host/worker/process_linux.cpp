#include "core/host/worker/process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/base/process.h"
#include "core/base/system_error.h"

namespace plakar::host::worker {
namespace {

constexpr int control_in_worker = 3;

// Above those that the worker gets, whatever this process has closed.
Result<Fd> moved_up(Fd descriptor) {
  Fd moved(::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, control_in_worker + 1));
  if (!moved) return system_error(errno, "duplicate a descriptor");
  return moved;
}

class SpawnSettings {
 public:
  SpawnSettings() {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
  }
  ~SpawnSettings() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

Result<pid_t> spawn(const std::string& program, int control, int errors) {
  SpawnSettings settings;
  auto* actions = &settings.actions;
  auto* attributes = &settings.attributes;
  sigset_t all;
  sigset_t none;
  ::sigfillset(&all);
  ::sigemptyset(&none);
  const short flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  int failed = ::posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
  if (failed == 0) {
    failed = ::posix_spawn_file_actions_addopen(actions, 1, "/dev/null", O_WRONLY, 0);
  }
  if (failed == 0) failed = ::posix_spawn_file_actions_adddup2(actions, errors, 2);
  if (failed == 0) {
    failed = ::posix_spawn_file_actions_adddup2(actions, control, control_in_worker);
  }
  // A group of its own: what it may have started dies with it.
  if (failed == 0) failed = ::posix_spawnattr_setpgroup(attributes, 0);
  if (failed == 0) failed = ::posix_spawnattr_setsigmask(attributes, &none);
  if (failed == 0) failed = ::posix_spawnattr_setsigdefault(attributes, &all);
  if (failed == 0) failed = ::posix_spawnattr_setflags(attributes, flags);
  if (failed != 0) return system_error(failed, "prepare the start of", program);

  std::string name = program;
  std::string parent = std::to_string(::getpid());
  char* arguments[] = {name.data(), parent.data(), nullptr};
  char* no_environment[] = {nullptr};
  pid_t id = 0;
  failed = ::posix_spawn(&id, program.c_str(), actions, attributes, arguments, no_environment);
  if (failed != 0) return system_error(failed, "start", program);
  return id;
}

}  // namespace

std::string Ending::describe() const {
  if (!reason.empty()) return "was stopped: " + reason;
  return signal != 0 ? "was " + ExitStatus{.code = code, .signal = signal}.describe()
                     : "ended with " + ExitStatus{.code = code, .signal = signal}.describe();
}

Result<std::shared_ptr<WorkerProcess>> WorkerProcess::start(Supervisor& supervisor,
                                                            const std::string& program,
                                                            Listener listener) {
  std::shared_ptr<WorkerProcess> worker(new WorkerProcess());
  worker->listener_ = std::move(listener);
  worker->frame_ = std::make_unique<Frame>();
  ChannelPair channel = PLK_TRY(make_channel());
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return system_error(errno, "pipe");
  worker->errors_ = Fd(ends[0]);
  const Fd errors = PLK_TRY(moved_up(Fd(ends[1])));
  const Fd control = PLK_TRY(moved_up(std::move(channel.theirs)));
  worker->control_ = std::move(channel.ours);
  ::fcntl(worker->errors_.get(), F_SETFL, O_NONBLOCK);

  Result<pid_t> id = Error(Errc::internal, "not started");
  supervisor.run([&] {
    id = spawn(program, control.get(), errors.get());
    // Before anybody can have reaped it: its number cannot be another process's.
    if (id) worker->process_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, *id, 0U)));
  });
  if (!id) return std::move(id).error();
  worker->id_ = *id;
  if (!worker->process_) {
    const int number = errno;
    ::kill(-*id, SIGKILL);
    ::waitpid(*id, nullptr, 0);
    worker->ended_ = true;
    return system_error(number, "watch a worker");
  }
  supervisor.watch(worker);
  return worker;
}

WorkerProcess::~WorkerProcess() = default;

void WorkerProcess::kill(std::string reason) {
  const std::scoped_lock lock(mutex_);
  if (ended_) return;
  if (ending_.reason.empty()) ending_.reason = std::move(reason);
  // Not reaped, or ended_ would be set: the number is still its own.
  ::kill(-id_, SIGKILL);
  ::kill(id_, SIGKILL);
}

void WorkerProcess::expect_end() {
  const std::scoped_lock lock(mutex_);
  ending_.planned = true;
}

bool WorkerProcess::wait_for_end(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, patience, [this] { return ended_; });
}

bool WorkerProcess::has_ended() {
  const std::scoped_lock lock(mutex_);
  return ended_;
}

Ending WorkerProcess::ending() {
  const std::scoped_lock lock(mutex_);
  return ending_;
}

std::array<int, Watched::descriptors_max> WorkerProcess::descriptors() {
  return {control_ended_ ? -1 : control_.get(), errors_.get(), process_.get()};
}

void WorkerProcess::ready(std::size_t which) {
  if (which == 0) {
    read_frame();
  } else if (which == 1) {
    if (!read_words()) return;
  } else {
    reap();
  }
}

void WorkerProcess::read_frame() {
  const Status received = receive_frame(control_.get(), *frame_, Descriptors::refused);
  if (received) {
    listener_.frame(*frame_);
    return;
  }
  control_ended_ = true;
  // It ends by itself, or has no business going on.
  if (received.error().code() == Errc::corrupt) {
    kill("it wrote on its control channel what is no message");
  }
}

bool WorkerProcess::read_words() {
  char buffer[4096];
  const ssize_t size = ::read(errors_.get(), buffer, sizeof buffer);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (size <= 0) {
    errors_ = Fd();
    return false;
  }
  const std::scoped_lock lock(mutex_);
  std::string& words = ending_.last_words;
  words.append(buffer, static_cast<std::size_t>(size));
  if (words.size() > last_words_bytes_max) words.erase(0, words.size() - last_words_bytes_max);
  return true;
}

void WorkerProcess::reap() {
  // Left unreaped until its group is dead: then the number is nobody else's.
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(id_), &info, WEXITED | WNOWAIT | WNOHANG) != 0 ||
      info.si_pid == 0) {
    return;
  }
  ::kill(-id_, SIGKILL);
  while (errors_ && read_words()) {
  }
  // What it still had to say on the control channel is heard before its end.
  while (!control_ended_) {
    pollfd polled{control_.get(), POLLIN, 0};
    if (::poll(&polled, 1, 0) != 1) break;
    read_frame();
  }
  Ending ending;
  {
    const std::scoped_lock lock(mutex_);
    if (info.si_code == CLD_EXITED) {
      ending_.code = info.si_status;
    } else {
      ending_.signal = info.si_status;
    }
    ending = ending_;
  }
  ::waitid(P_PID, static_cast<id_t>(id_), &info, WEXITED);
  listener_.ended(ending);
  const std::scoped_lock lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

}  // namespace plakar::host::worker
