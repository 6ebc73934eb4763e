// A module that runs in a worker, as the tables of connector.h: whoever can use a module that
// was loaded into this process can use this one. Each function of the tables is a call into the
// worker.
//
// Life cycle: create() starts the worker and loads the module there; plugin() is then what the
// module's entry would have given, and its shutdown() is to be called in the end. When the worker
// crashes, every call into it fails with PLK_E_CRASHED, and so does whatever was opened from it,
// but for the functions that free: these do nothing. The next open() starts another worker,
// until the module has crashed too often: then it is quarantined, and open() fails.
//
// What differs from a module in this process:
//   - a plk_call may be null: then there is no deadline, and no cancelling
//   - lend() is never there: what lies in the arena may change
//   - a reader may be read ahead of its caller, and a writer or upload be behind: its error then
//     comes with its next function. Never in parallel with other calls of an instance without
//     PLK_CAP_CONCURRENT
//   - extension() of the module gives nothing
//
// Thread rule: that of connector.h for the tables; any thread for the rest.
#pragma once

#include <plakar/connector.h>

#include <memory>
#include <string>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/host/worker/connection.h"
#include "core/host/worker/crash_budget.h"
#include "core/host/worker/supervisor.h"

namespace plakar::host::worker {

struct WorkerModuleSettings {
  WorkerSettings worker;
  CrashLimit crashes;
};

class WorkerModule {
 public:
  // How many may exist at once in a process; see module.cpp for why there is a limit.
  static constexpr std::size_t modules_max = 64;

  // `entry` is what the module's entry would be called with; its `host` and `ctx` serve the
  // module, and outlive this, as do supervisor and clock.
  static Result<std::unique_ptr<WorkerModule>> create(Supervisor& supervisor, Clock& clock,
                                                      WorkerModuleSettings settings,
                                                      const plk_entry_args& entry);
  // Everything opened from it is closed. Ends the worker, without shutdown() if that was not
  // called.
  ~WorkerModule();

  // Lives as long as this.
  const plk_plugin& plugin() const noexcept;

  // What the kernel enforces of the permissions.
  Confinement confinement() const;
  // That of the worker, or of the last one.
  pid_t process_id() const;
  bool quarantined() const;
  // Why, in a sentence; empty before the first crash.
  std::string last_crash() const;
  // Gives it another chance.
  void clear_quarantine();

  struct State;  // For the implementation.

 private:
  explicit WorkerModule(std::shared_ptr<State> state);

  std::shared_ptr<State> state_;
};

}  // namespace plakar::host::worker
