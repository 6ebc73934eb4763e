// A handful of threads that succeed or fail as one: the stages of a pipeline.
//
//   TaskGroup stages(cancel);
//   stages.spawn("scan", [&](const CancelToken& cancel) { return scan(files, cancel); });
//   stages.spawn("pack", [&](const CancelToken& cancel) { return pack(files, cancel); });
//   return stages.wait();
//
// The first task to return an error, by time, cancels the token that all of them got, and
// its error is the group's; what the others return on their way out is not looked at. The
// token is a child of the one given to the group, so cancelling that one reaches the tasks
// too. An exception that leaves a task is Errc::internal.
//
// Destroying a group cancels it and joins its threads. Each task has its own thread until
// wait(): for many short tasks see thread_pool.h.
//
// Thread rule: spawn() also from the tasks; wait() and the destructor from one thread that
// is none of them.
#pragma once

#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "core/flow/cancel_token.h"
#include "core/flow/internal/first_failure.h"

namespace plakar::flow {

class TaskGroup {
 public:
  // Anything callable as Status(const CancelToken&), movable is enough.
  using Task = detail::Task;

  explicit TaskGroup(const CancelToken& parent = {}) : outcome_(parent) {}
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // Starts a thread called `name` (15 bytes are shown). If the system has none to spare, that
  // is the failure of this task, Errc::unavailable: there is one place for errors, wait().
  void spawn(std::string name, Task task);

  // Joins all tasks, also those spawned by tasks, and returns the first error. Afterwards the
  // group may be used again, unless it failed or was cancelled.
  Status wait();

  CancelToken token() const { return outcome_.source().token(); }
  // Asks the tasks to end, without making the group fail: what they return then counts.
  void cancel(std::string why) { outcome_.source().cancel(std::move(why)); }

 private:
  detail::FirstFailure outcome_;
  std::mutex mutex_;  // guards threads_
  std::vector<std::jthread> threads_;
};

}  // namespace plakar::flow
