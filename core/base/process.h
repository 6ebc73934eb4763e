// Other programs, run as children.
//
// A child gets exactly what its Command says: no shell, no environment but the one listed,
// no descriptor but its three standard streams, default signal handling. Secrets belong in
// its input or a file, never in `arguments` or `environment`, which others can read.
//
// Life cycle: start(), then exchange through the pipes, then wait(). A child that is still
// running when its Process goes is killed and waited for: none outlives its owner.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/clock.h"
#include "core/base/fd.h"
#include "core/base/result.h"

namespace plakar {

enum class Stream : std::uint8_t {
  null,        // Reads nothing, writes nowhere.
  pipe,        // The other end is in the Process.
  inherit,     // Ours.
  descriptor,  // The one given beside it, which stays the caller's.
};

struct StreamSetting {
  Stream kind = Stream::null;
  int descriptor = -1;
};

struct Command {
  // A path with a slash, or a name to be found along the PATH of `environment` (without one:
  // /usr/local/bin:/usr/bin:/bin).
  std::string program{};
  std::vector<std::string> arguments{};    // Without the program's own name.
  std::vector<std::string> environment{};  // NAME=value each; nothing is added.
  std::string directory{};                 // Empty: ours.
  StreamSetting input{};
  StreamSetting output{};
  StreamSetting errors{};
  // The child leads a process group, so that kill() reaches what it starts, too. Not for
  // programs that talk to the terminal: it only listens to the group in the foreground.
  bool own_group = false;
};

struct ExitStatus {
  int code = 0;    // When it ended by itself.
  int signal = 0;  // Not 0: what ended it.

  bool success() const noexcept { return code == 0 && signal == 0; }
  // "exit code 3", "killed by signal 9 (Killed)".
  std::string describe() const;

  friend bool operator==(const ExitStatus&, const ExitStatus&) = default;
};

// Not thread-safe, except that kill() may be called while another thread waits.
class Process {
 public:
  virtual ~Process() = default;

  // Our ends of the streams that are pipes, open until taken or until the Process goes.
  Fd input;
  Fd output;
  Fd errors;

  virtual pid_t id() const noexcept = 0;
  // Waits for the end. Can be repeated; the answer stays.
  virtual Result<ExitStatus> wait() = 0;
  // The same, without waiting.
  virtual Result<std::optional<ExitStatus>> poll() = 0;
  // Sends a signal to it, or its group. One that has ended already is no error.
  virtual Status kill(int signal) = 0;
  // Becomes readable when it has ended; -1 where the kernel offers none.
  virtual int end_descriptor() const noexcept = 0;
};

// Implementations may be called from any thread.
class Processes {
 public:
  virtual ~Processes() = default;

  // A program that does not exist or may not be run is an error here, not an exit status.
  virtual Result<std::unique_ptr<Process>> start(const Command& command) = 0;
};

Processes& system_processes() noexcept;

// Our own environment, for a child that is to have it.
std::vector<std::string> own_environment();

struct RunLimits {
  std::size_t output_bytes_max = 1024 * 1024;  // Of each stream; more is Errc::out_of_space.
  MonotonicTime deadline = MonotonicTime::max();
};

struct RunResult {
  ExitStatus status;
  Bytes output;
  Bytes errors;
};

// Runs `command` to its end with `input` as its input, and captures what it writes; the
// streams of `command` are ignored. At the deadline, or with too much output, it is killed:
// Errc::unavailable, Errc::out_of_space. A status other than success is the caller's to judge.
// The deadline is one of system_clock().
Result<RunResult> run(Processes& processes, Command command, BytesView input = {},
                      const RunLimits& limits = {});

}  // namespace plakar
