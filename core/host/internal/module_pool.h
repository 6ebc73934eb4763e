// The threads on which the code of one module runs, and no other code.
//
// Grown when a job finds no thread idle; a thread that is done waits for the next job. Their
// signals are blocked, and their locale is "C". The last thread to become idle is the first to
// work again: its caches are warm.
//
// A job that never returns takes its thread with it: abandon() lets go of what still runs. Such a
// thread ends when its job does.
//
// Thread rule: submit() from any thread; stop() and abandon() once, from a thread not of the pool.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "core/flow/thread_pool.h"

namespace plakar::host {

// Calls of one module at once, and tasks of its own. Beyond any sane concurrency.
inline constexpr std::size_t module_threads_max = 256;

class ModulePool {
 public:
  using Job = flow::ThreadPool::Job;

  explicit ModulePool(std::string name);
  ~ModulePool();  // as stop()
  ModulePool(const ModulePool&) = delete;
  ModulePool& operator=(const ModulePool&) = delete;

  // Never waits: false, with the job unrun, when there is no thread to have, or none any more.
  bool submit(Job job);
  // Waits for the jobs that run, and ends the threads.
  void stop();
  // Ends idle threads, and lets go of the others.
  void abandon();

  std::size_t threads() const;
  bool is_current() const noexcept;

 private:
  struct Shared;
  void end(bool wait_for_busy);

  std::shared_ptr<Shared> shared_;  // with the threads, which may outlive the pool
};

}  // namespace plakar::host
