#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <mutex>
#include <utility>

#include "core/base/process.h"
#include "core/base/system_error.h"
#include "core/base/text.h"

namespace plakar {
namespace {

constexpr std::string_view default_path = "/usr/local/bin:/usr/bin:/bin";

class SystemProcess final : public Process {
 public:
  SystemProcess(pid_t id, bool leads_group) noexcept
      : end_(static_cast<int>(::syscall(SYS_pidfd_open, id, 0))),
        id_(id),
        leads_group_(leads_group) {}

  ~SystemProcess() override {
    if (!status_) {
      static_cast<void>(kill(SIGKILL));
      static_cast<void>(wait());
    }
  }

  pid_t id() const noexcept override { return id_; }

  Result<ExitStatus> wait() override {
    // Without reaping it: as long as its number is not free, kill() cannot hit a stranger.
    siginfo_t info{};
    while (::waitid(P_PID, static_cast<id_t>(id_), &info, WEXITED | WNOWAIT) < 0 &&
           errno == EINTR) {
    }
    // An error here means that it has been waited for already: poll() knows.
    const auto status = PLK_TRY(poll());
    if (!status) return Error(Errc::internal, "wait for a program: it ended, but has no status");
    return *status;
  }

  Result<std::optional<ExitStatus>> poll() override {
    const std::scoped_lock lock(reaping_);
    if (status_) return status_;
    siginfo_t info{};
    if (::waitid(P_PID, static_cast<id_t>(id_), &info, WEXITED | WNOHANG) < 0) {
      return system_error(errno, "wait for a program");
    }
    if (info.si_pid == 0) return std::optional<ExitStatus>();
    status_ = info.si_code == CLD_EXITED ? ExitStatus{.code = info.si_status}
                                         : ExitStatus{.signal = info.si_status};
    return status_;
  }

  Status kill(int signal) override {
    const std::scoped_lock lock(reaping_);
    // What a leader has started may run on after it, but its group's number is then free for
    // others to get.
    if (status_) return {};
    if (::kill(leads_group_ ? -id_ : id_, signal) < 0 && errno != ESRCH) {
      return system_error(errno, "signal a program");
    }
    return {};
  }

  int end_descriptor() const noexcept override { return end_.get(); }

 private:
  Fd end_;  // A pidfd, where the kernel has them.
  const pid_t id_;
  const bool leads_group_;
  std::mutex reaping_;
  std::optional<ExitStatus> status_;  // Guarded by reaping_.
};

// Above the three that a child's streams get: putting one in place must not destroy the
// next, which happens in a process that was itself started with them closed.
Result<Fd> above_standard(Fd fd) {
  if (fd.get() > STDERR_FILENO) return fd;
  Fd moved(::fcntl(fd.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!moved) return system_error(errno, "prepare a stream");
  return moved;
}

struct Ends {
  Fd ours;
  Fd childs;
};

// What the child gets as its stream `number`, and what we keep of it.
Result<Ends> open_stream(const StreamSetting& setting, int number) {
  const bool child_reads = number == STDIN_FILENO;
  Ends ends;
  switch (setting.kind) {
    case Stream::null:
      ends.childs = Fd(::open("/dev/null", (child_reads ? O_RDONLY : O_WRONLY) | O_CLOEXEC));
      if (!ends.childs) return system_error(errno, "open", "/dev/null");
      break;
    case Stream::pipe: {
      std::array<int, 2> pair{};
      if (::pipe2(pair.data(), O_CLOEXEC) < 0) return system_error(errno, "make a pipe");
      Fd reader(pair[0]);
      Fd writer(pair[1]);
      ends.childs = child_reads ? std::move(reader) : std::move(writer);
      ends.ours = child_reads ? std::move(writer) : std::move(reader);
      break;
    }
    case Stream::inherit:
    case Stream::descriptor: {
      const int from = setting.kind == Stream::inherit ? number : setting.descriptor;
      ends.childs = Fd(::fcntl(from, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
      if (!ends.childs) return system_error(errno, "pass a stream to a program");
      break;
    }
  }
  ends.childs = PLK_TRY(above_standard(std::move(ends.childs)));
  return ends;
}

// posix_spawn's two argument objects, freed together.
struct SpawnSettings {
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

Status describe_child(const Command& command, std::span<const Ends, 3> streams,
                      SpawnSettings& settings) {
  int error = 0;
  const auto add = [&](int result) {
    if (error == 0) error = result;
  };
  for (int number = 0; number < 3; ++number) {
    add(::posix_spawn_file_actions_adddup2(
        &settings.actions, streams[static_cast<std::size_t>(number)].childs.get(), number));
  }
  // Libraries open descriptors that are not close-on-exec.
  add(::posix_spawn_file_actions_addclosefrom_np(&settings.actions, STDERR_FILENO + 1));
  if (!command.directory.empty()) {
    add(::posix_spawn_file_actions_addchdir_np(&settings.actions, command.directory.c_str()));
  }
  // What we block or ignore is no concern of the child: an inherited "ignore SIGPIPE" makes
  // filters run for ever.
  sigset_t none;
  sigset_t all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  add(::posix_spawnattr_setsigmask(&settings.attributes, &none));
  add(::posix_spawnattr_setsigdefault(&settings.attributes, &all));
  int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  if (command.own_group) {
    add(::posix_spawnattr_setpgroup(&settings.attributes, 0));
    flags |= POSIX_SPAWN_SETPGROUP;
  }
  add(::posix_spawnattr_setflags(&settings.attributes, static_cast<short>(flags)));
  if (error != 0) return system_error(error, "prepare to run", command.program);
  return {};
}

// The file that `command.program` means.
Result<std::string> find_program(const Command& command) {
  if (command.program.empty()) {
    return Error(Errc::invalid_argument, "run a program: it has no name");
  }
  if (command.program.find('/') != std::string::npos) return command.program;
  std::string_view path = default_path;
  for (const std::string_view entry : command.environment) {
    if (entry.starts_with("PATH=")) path = entry.substr(5);
  }
  while (!path.empty()) {
    const std::string_view directory = path.substr(0, path.find(':'));
    path.remove_prefix(std::min(directory.size() + 1, path.size()));
    // An empty or relative entry would mean: whatever lies in the current directory.
    if (!directory.starts_with('/')) continue;
    std::string candidate(directory);
    candidate.append("/").append(command.program);
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return system_error(ENOENT, "run", command.program);
}

Result<std::vector<char*>> c_strings(std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (std::string& text : strings) {
    if (text.find('\0') != std::string::npos) {
      return Error(Errc::invalid_argument, "an argument of a program contains a NUL");
    }
    out.push_back(text.data());
  }
  out.push_back(nullptr);
  return out;
}

class SystemProcesses final : public Processes {
 public:
  Result<std::unique_ptr<Process>> start(const Command& command) override {
    const std::string program = PLK_TRY(find_program(command));
    std::vector<std::string> arguments = command.arguments;
    arguments.insert(arguments.begin(), command.program);
    std::vector<std::string> environment = command.environment;
    const std::vector<char*> argv = PLK_TRY(c_strings(arguments));
    const std::vector<char*> envp = PLK_TRY(c_strings(environment));

    std::array<Ends, 3> streams;
    streams[0] = PLK_TRY(open_stream(command.input, STDIN_FILENO));
    streams[1] = PLK_TRY(open_stream(command.output, STDOUT_FILENO));
    streams[2] = PLK_TRY(open_stream(command.errors, STDERR_FILENO));
    SpawnSettings settings;
    PLK_TRY(describe_child(command, streams, settings));

    pid_t id = -1;
    const int error = ::posix_spawn(&id, program.c_str(), &settings.actions, &settings.attributes,
                                    argv.data(), envp.data());
    if (error != 0) return system_error(error, "run", command.program);
    auto process = std::make_unique<SystemProcess>(id, command.own_group);
    process->input = std::move(streams[0].ours);
    process->output = std::move(streams[1].ours);
    process->errors = std::move(streams[2].ours);
    return std::unique_ptr<Process>(std::move(process));
  }
};

}  // namespace

Processes& system_processes() noexcept {
  static SystemProcesses instance;
  return instance;
}

}  // namespace plakar
