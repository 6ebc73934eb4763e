#include "core/flow/parallel_for.h"

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "core/flow/internal/first_failure.h"

namespace plakar::flow::detail {
namespace {

constexpr std::size_t chunks_per_thread = 4;

// One loop. Shared with the jobs in the pool's queue, which may come to run long after the
// loop is over: they find nothing to do, and never touch the body, which is gone by then.
class Loop {
 public:
  Loop(std::size_t count, std::size_t chunk, ChunkBody body, CancelToken cancel)
      : count_(count), chunk_(chunk), body_(body), cancel_(std::move(cancel)) {}

  void help() {
    std::unique_lock lock(mutex_);
    ++running_;
    while (!failure_ && next_ < count_) {
      const std::size_t first = next_;
      next_ += std::min(chunk_, count_ - first);
      const std::size_t last = next_;
      lock.unlock();
      Status status = cancel_.check();
      if (status) {
        status = without_exceptions([&] { return body_.call(body_.object, first, last); });
      }
      lock.lock();
      if (!status && !failure_) failure_ = std::move(status).error();
    }
    if (--running_ == 0) idle_.notify_all();
  }

  // After help(), which returns when no range is left to begin, for good.
  Status finish() {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [&] { return running_ == 0; });
    if (failure_) return *failure_;
    return {};
  }

 private:
  const std::size_t count_;
  const std::size_t chunk_;
  const ChunkBody body_;
  const CancelToken cancel_;
  std::mutex mutex_;  // guards everything below
  std::condition_variable idle_;
  std::size_t next_ = 0;
  std::size_t running_ = 0;
  std::optional<Error> failure_;
};

}  // namespace

Status run_parallel_for(ThreadPool& pool, std::size_t count, const CancelToken& cancel,
                        ChunkBody body, ParallelForOptions options) {
  if (count == 0) return cancel.check();
  std::size_t chunk = options.chunk;
  if (chunk == 0) chunk = std::max<std::size_t>(1, count / (pool.threads() * chunks_per_thread));
  const std::size_t chunks = (count - 1) / chunk + 1;

  const auto loop = std::make_shared<Loop>(count, chunk, body, cancel);
  const std::size_t helpers = std::min(pool.threads(), chunks - 1);
  for (std::size_t i = 0; i < helpers; ++i) {
    // A full queue or a stopped pool: the caller does what the helper would have done.
    const Result<bool> queued = pool.try_submit([loop] { loop->help(); });
    if (!queued || !*queued) break;
  }
  loop->help();
  return loop->finish();
}

}  // namespace plakar::flow::detail
