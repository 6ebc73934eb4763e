// Programs that are not run: a test says what each would have done, and asks afterwards how
// it was called.
//
//   FakeProcesses processes;
//   processes.expect("ssh", {.output = to_bytes("hello")});
//   ...                       // Code under test runs `ssh`.
//   CHECK(processes.started()[0].command.arguments == ...);
//
// Such a program has ended, with all its output written, when it starts. It works with run()
// and with the streams of a Process; what it is given as input is recorded when it is waited
// for.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/process.h"

namespace plakar::testing {

struct FakeOutcome {
  Bytes output = {};
  Bytes errors = {};
  ExitStatus status = {};
  std::optional<Error> refusal = {};  // Set: start() fails with it.
};

struct StartedProgram {
  Command command;
  Bytes input;
  std::vector<int> signals;  // Sent by kill().
};

// Thread-safe. Outlives the Processes that it starts.
class FakeProcesses final : public Processes {
 public:
  // The next program to be started is this one, and does that. Another one, or one more than
  // expected, is Errc::internal.
  void expect(std::string program, FakeOutcome outcome);

  std::vector<StartedProgram> started() const;
  // How many of the expected have not been started.
  std::size_t outstanding() const;

  Result<std::unique_ptr<Process>> start(const Command& command) override;

 private:
  friend class FakeProcess;

  mutable std::mutex mutex_;
  std::deque<std::pair<std::string, FakeOutcome>> expected_;  // Guarded by mutex_, like
  std::vector<StartedProgram> started_;                       // this.
};

}  // namespace plakar::testing
