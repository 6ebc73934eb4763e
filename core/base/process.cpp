#include "core/base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "core/base/system_error.h"
#include "core/base/text.h"

namespace plakar {
namespace {

// How long a child that has closed its streams but cannot be waited for by descriptor is left
// alone between two looks.
constexpr std::chrono::milliseconds poll_interval{10};

// write() to a pipe whose reader has gone is EPIPE, not the end of the process, whatever the
// program does about SIGPIPE elsewhere.
ssize_t write_without_signal(int fd, BytesView bytes) noexcept {
  sigset_t pipe_signal;
  sigset_t pending;
  sigset_t before;
  ::sigemptyset(&pipe_signal);
  ::sigaddset(&pipe_signal, SIGPIPE);
  ::sigpending(&pending);
  const bool was_pending = ::sigismember(&pending, SIGPIPE) == 1;
  ::pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  const ssize_t result = ::write(fd, bytes.data(), bytes.size());
  const int error = errno;
  if (result < 0 && error == EPIPE && !was_pending) {
    const timespec now{};
    while (::sigtimedwait(&pipe_signal, nullptr, &now) < 0 && errno == EINTR) {
    }
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return result;
}

Status set_nonblocking(const Fd& fd) {
  const int flags = ::fcntl(fd.get(), F_GETFL);
  if (flags < 0 || ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) < 0) {
    return system_error(errno, "prepare a pipe");
  }
  return {};
}

// Rounded up, so that a wait never ends just before its deadline and begins again.
int poll_timeout(MonotonicTime deadline, MonotonicTime now) noexcept {
  if (deadline == MonotonicTime::max()) return -1;
  if (deadline <= now) return 0;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now).count();
  return static_cast<int>(std::min<std::int64_t>(left, 60'000));
}

// Waits until one of `polled` is ready; false when the deadline passed first.
Result<bool> poll_until(std::span<pollfd> polled, MonotonicTime deadline) {
  while (true) {
    const int ready = ::poll(polled.data(), static_cast<nfds_t>(polled.size()),
                             poll_timeout(deadline, system_clock().monotonic()));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return system_error(errno, "wait for a program");
    if (system_clock().monotonic() >= deadline) return false;
  }
}

// Takes what is there; the descriptor is closed at the end of the stream.
Status drain(Fd& from, Bytes& into, std::size_t limit) {
  std::array<std::byte, 16 * 1024> buffer;
  const ssize_t got = ::read(from.get(), buffer.data(), buffer.size());
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) return {};
    return system_error(errno, "read the output of a program");
  }
  if (got == 0) {
    from = Fd();
    return {};
  }
  const auto count = static_cast<std::size_t>(got);
  if (count > limit - into.size()) {
    return Error(Errc::out_of_space,
                 "a program wrote more than the " + std::to_string(limit) + " bytes allowed");
  }
  append(into, BytesView(buffer).first(count));
  return {};
}

// Gives what it takes; the descriptor is closed when all is given, or the reader has gone.
Status feed(Fd& to, BytesView& input) {
  const ssize_t done = write_without_signal(to.get(), input);
  if (done < 0) {
    if (errno == EAGAIN || errno == EINTR) return {};
    if (errno != EPIPE) return system_error(errno, "write the input of a program");
    input = {};  // It does not want the rest; its exit status says whether that is well.
  } else {
    input = input.subspan(static_cast<std::size_t>(done));
  }
  if (input.empty()) to = Fd();
  return {};
}

Status exchange(Process& child, BytesView input, const RunLimits& limits, RunResult& out) {
  if (input.empty()) child.input = Fd();
  for (const Fd* fd : {&child.input, &child.output, &child.errors}) {
    if (*fd) PLK_TRY(set_nonblocking(*fd));
  }
  while (child.input || child.output || child.errors) {
    // A negative descriptor is ignored.
    std::array<pollfd, 3> polled{{{child.input.get(), POLLOUT, 0},
                                  {child.output.get(), POLLIN, 0},
                                  {child.errors.get(), POLLIN, 0}}};
    if (!PLK_TRY(poll_until(polled, limits.deadline))) {
      return Error(Errc::unavailable, "a program did not finish in time");
    }
    if (polled[0].revents != 0) PLK_TRY(feed(child.input, input));
    if (polled[1].revents != 0) PLK_TRY(drain(child.output, out.output, limits.output_bytes_max));
    if (polled[2].revents != 0) PLK_TRY(drain(child.errors, out.errors, limits.output_bytes_max));
  }
  return {};
}

// A child may close its streams and go on.
Result<ExitStatus> wait_until_end(Process& child, MonotonicTime deadline) {
  if (deadline == MonotonicTime::max()) return child.wait();
  while (true) {
    if (const auto status = PLK_TRY(child.poll())) return *status;
    const MonotonicTime now = system_clock().monotonic();
    if (now >= deadline) return Error(Errc::unavailable, "a program did not finish in time");
    std::array<pollfd, 1> polled{{{child.end_descriptor(), POLLIN, 0}}};
    const bool pollable = child.end_descriptor() >= 0;
    PLK_TRY(poll_until(polled, pollable ? deadline : std::min(deadline, now + poll_interval)));
  }
}

}  // namespace

std::string ExitStatus::describe() const {
  if (signal == 0) return "exit code " + std::to_string(code);
  std::string out = "killed by signal " + std::to_string(signal);
  if (const char* text = ::sigdescr_np(signal)) out.append(" (").append(text).append(")");
  return out;
}

std::vector<std::string> own_environment() {
  std::vector<std::string> out;
  for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) {
    out.emplace_back(*entry);
  }
  return out;
}

Result<RunResult> run(Processes& processes, Command command, BytesView input,
                      const RunLimits& limits) {
  command.input = {.kind = input.empty() ? Stream::null : Stream::pipe};
  command.output = {.kind = Stream::pipe};
  command.errors = {.kind = Stream::pipe};
  const std::string doing = "run " + escape(command.program);
  // Leaving before the end kills the child: the destructor of Process.
  const auto child = PLK_TRY(processes.start(command));
  RunResult out;
  PLK_TRY_CONTEXT(exchange(*child, input, limits, out), doing);
  out.status = PLK_TRY_CONTEXT(wait_until_end(*child, limits.deadline), doing);
  return out;
}

}  // namespace plakar
