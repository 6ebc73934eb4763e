#include "core/flow/internal/first_failure.h"

#include <utility>

namespace plakar::flow::detail {

void FirstFailure::run(Task task) {
  const CancelToken cancel = source_.token();
  report(without_exceptions([&] {
    Status status = task(cancel);
    task = {};  // what it captured is gone before its end is known
    return status;
  }));
}

void FirstFailure::report(Status status) {
  if (status) return;
  std::string why = "another task failed: " + status.error().message();
  {
    const std::lock_guard lock(mutex_);
    if (first_) return;
    first_ = std::move(status).error();
  }
  source_.cancel(std::move(why));
}

Status FirstFailure::status() const {
  const std::lock_guard lock(mutex_);
  if (first_) return *first_;
  return {};
}

}  // namespace plakar::flow::detail
