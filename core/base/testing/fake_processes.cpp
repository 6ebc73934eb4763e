#include "core/base/testing/fake_processes.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>

#include "core/base/assert.h"
#include "core/base/text.h"

namespace plakar::testing {
namespace {

// A file in memory for a stream: it takes any amount at once and is always ready.
Fd memory_file(BytesView content) {
  Fd file(::memfd_create("stream", MFD_CLOEXEC));
  PLK_ASSERT(file);
  PLK_ASSERT(::pwrite(file.get(), content.data(), content.size(), 0) ==
             static_cast<ssize_t>(content.size()));
  return file;
}

void deliver(const StreamSetting& setting, int number, BytesView content, Fd& ours) {
  switch (setting.kind) {
    case Stream::null:
      break;
    case Stream::pipe:
      ours = memory_file(content);
      break;
    case Stream::inherit:
    case Stream::descriptor: {
      const int to = setting.kind == Stream::inherit ? number : setting.descriptor;
      PLK_ASSERT(::write(to, content.data(), content.size()) ==
                 static_cast<ssize_t>(content.size()));
      break;
    }
  }
}

}  // namespace

class FakeProcess final : public Process {
 public:
  FakeProcess(FakeProcesses& owner, std::size_t number, ExitStatus status)
      : owner_(&owner), number_(number), status_(status), ended_(memory_file({})) {}

  // The other end of the input, to be read when the code under test has written it.
  Fd input_copy;

  pid_t id() const noexcept override { return static_cast<pid_t>(1'000'000 + number_); }

  Result<ExitStatus> wait() override {
    record_input();
    return status_;
  }

  Result<std::optional<ExitStatus>> poll() override {
    record_input();
    return std::optional(status_);
  }

  Status kill(int signal) override {
    const std::scoped_lock lock(owner_->mutex_);
    owner_->started_[number_].signals.push_back(signal);
    return {};
  }

  int end_descriptor() const noexcept override { return ended_.get(); }

 private:
  void record_input() {
    if (!input_copy) return;
    Bytes all;
    std::array<std::byte, 4096> buffer;
    for (off_t at = 0;;) {
      const ssize_t got = ::pread(input_copy.get(), buffer.data(), buffer.size(), at);
      if (got <= 0) break;
      append(all, BytesView(buffer).first(static_cast<std::size_t>(got)));
      at += got;
    }
    const std::scoped_lock lock(owner_->mutex_);
    owner_->started_[number_].input = std::move(all);
  }

  FakeProcesses* owner_;
  std::size_t number_;
  ExitStatus status_;
  Fd ended_;  // A file is always readable, as a pidfd is after the end.
};

void FakeProcesses::expect(std::string program, FakeOutcome outcome) {
  const std::scoped_lock lock(mutex_);
  expected_.emplace_back(std::move(program), std::move(outcome));
}

std::vector<StartedProgram> FakeProcesses::started() const {
  const std::scoped_lock lock(mutex_);
  return started_;
}

std::size_t FakeProcesses::outstanding() const {
  const std::scoped_lock lock(mutex_);
  return expected_.size();
}

Result<std::unique_ptr<Process>> FakeProcesses::start(const Command& command) {
  const std::scoped_lock lock(mutex_);
  started_.push_back({command, {}, {}});
  if (expected_.empty() || expected_.front().first != command.program) {
    return Error(Errc::internal, "the test does not expect to run " + escape(command.program));
  }
  const FakeOutcome outcome = std::move(expected_.front().second);
  expected_.pop_front();
  if (outcome.refusal) return Error(*outcome.refusal);
  auto process = std::make_unique<FakeProcess>(*this, started_.size() - 1, outcome.status);
  if (command.input.kind == Stream::pipe) {
    process->input = memory_file({});
    process->input_copy = Fd(::fcntl(process->input.get(), F_DUPFD_CLOEXEC, 0));
  }
  deliver(command.output, STDOUT_FILENO, outcome.output, process->output);
  deliver(command.errors, STDERR_FILENO, outcome.errors, process->errors);
  return std::unique_ptr<Process>(std::move(process));
}

}  // namespace plakar::testing
