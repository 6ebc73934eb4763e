// One plakar-worker, from its start to its end: what it was started with, what it wrote to
// stderr, how it ended.
//
// Thread rule: any thread may call.
#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "core/base/fd.h"
#include "core/base/result.h"
#include "core/host/worker/channel.h"
#include "core/host/worker/supervisor.h"

namespace plakar::host::worker {

// How a worker ended.
struct Ending {
  int code = 0;            // Of exit().
  int signal = 0;          // That ended it, or 0.
  bool planned = false;    // After a bye.
  std::string reason;      // Why the host killed it; empty if it did not.
  std::string last_words;  // The end of what it wrote to stderr, as it came.

  // "was killed by signal 11 (Segmentation fault)", "ended with exit code 3".
  std::string describe() const;
};

class WorkerProcess : public Watched {
 public:
  // What the owner wants to hear, on the supervisor's thread, which must not be kept waiting.
  // Nothing comes after `ended`.
  struct Listener {
    std::function<void(Frame&)> frame;  // From the control channel.
    std::function<void(const Ending&)> ended;
  };

  // Runs `program`, which has to be a plakar-worker.
  static Result<std::shared_ptr<WorkerProcess>> start(Supervisor& supervisor,
                                                      const std::string& program,
                                                      Listener listener);
  ~WorkerProcess() override;

  pid_t id() const noexcept { return id_; }
  int control() const noexcept { return control_.get(); }

  // Ends it and whatever it may have started. The first reason is the one that is told.
  void kill(std::string reason);
  // Its next ending is no accident.
  void expect_end();
  // Waits for the end; false when it did not come in time.
  bool wait_for_end(std::chrono::milliseconds patience);
  bool has_ended();
  // Once it has ended.
  Ending ending();

 private:
  static constexpr std::size_t last_words_bytes_max = 8 * 1024;

  WorkerProcess() = default;

  std::array<int, descriptors_max> descriptors() override;
  void ready(std::size_t which) override;
  bool over() override { return has_ended(); }

  void read_frame();
  // False when there is no more at the moment.
  bool read_words();
  void reap();

  pid_t id_ = 0;
  Fd process_;
  Fd control_;
  Fd errors_;
  Listener listener_;
  bool control_ended_ = false;  // The supervisor's thread's own.
  std::unique_ptr<Frame> frame_;

  std::mutex mutex_;  // Guards what follows.
  std::condition_variable changed_;
  bool ended_ = false;
  Ending ending_;
};

}  // namespace plakar::host::worker
