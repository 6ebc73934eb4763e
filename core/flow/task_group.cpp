#include "core/flow/task_group.h"

#include "core/flow/internal/thread.h"

namespace plakar::flow {

TaskGroup::~TaskGroup() {
  cancel("the task group is gone");
  static_cast<void>(wait());
}

void TaskGroup::spawn(std::string name, Task task) {
  Result<std::jthread> thread = detail::start_thread(
      std::move(name), [this, task = std::move(task)]() mutable { outcome_.run(std::move(task)); });
  if (!thread) return outcome_.report(std::move(thread).error());
  const std::lock_guard lock(mutex_);
  threads_.push_back(std::move(thread).take());
}

Status TaskGroup::wait() {
  while (true) {
    std::vector<std::jthread> joined;  // by its destructor
    const std::lock_guard lock(mutex_);
    if (threads_.empty()) return outcome_.status();
    joined.swap(threads_);
  }
}

}  // namespace plakar::flow
