// How tasks that run together end together: the first to fail is remembered and cancels the
// others. Shared by TaskGroup and PoolGroup.
//
// Thread rule: every function may be called from any thread.
#pragma once

#include <exception>
#include <mutex>
#include <optional>
#include <string>

#include "core/base/result.h"
#include "core/flow/cancel_token.h"
#include "core/flow/internal/move_only_function.h"

namespace plakar::flow::detail {

using Task = MoveOnlyFunction<Status(const CancelToken&)>;

class FirstFailure {
 public:
  explicit FirstFailure(const CancelToken& parent) : source_(parent) {}

  const CancelSource& source() const noexcept { return source_; }

  // Runs the task and reports how it ended. An exception is a bug: Errc::internal.
  void run(Task task);
  void report(Status status);

  // What the first failed task returned; success if none did.
  Status status() const;

 private:
  CancelSource source_;
  mutable std::mutex mutex_;
  std::optional<Error> first_;
};

// Nothing thrown leaves a thread of ours.
template <class Body>
Status without_exceptions(Body&& body) {
  try {
    return body();
  } catch (const std::exception& e) {
    return Error(Errc::internal, std::string("uncaught exception: ") + e.what());
  } catch (...) {
    return Error(Errc::internal, "uncaught exception that is no std::exception");
  }
}

}  // namespace plakar::flow::detail
