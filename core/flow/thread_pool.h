// A fixed number of threads that work off a bounded queue of short tasks, and PoolGroup,
// which waits for some of them together.
//
//   auto pool = PLK_TRY(ThreadPool::start({.name = "s3", .threads = 4}));
//   PoolGroup uploads(*pool, cancel);
//   for (const Pack& pack : packs) {
//     if (!uploads.spawn([&](const CancelToken& cancel) { return put(pack, cancel); })) break;
//   }
//   return uploads.wait();
//
// Life cycle: running -> drained (drain(): everything queued is run) or stopped (stop(), or
// the destructor: what is queued is dropped, what runs is waited for). Either joins the
// threads and is the end of the pool. Cancelling what runs is up to the tokens of its tasks.
//
// A task must not wait for other tasks of its own pool: with all threads waiting, none would
// run them. submit() and PoolGroup::wait() assert that. parallel_for() may be nested.
//
// Thread rule: any thread may submit; drain(), stop() and the destructor are called by one
// that is not of the pool.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/base/result.h"
#include "core/flow/cancel_token.h"
#include "core/flow/channel.h"
#include "core/flow/internal/first_failure.h"
#include "core/flow/internal/move_only_function.h"

namespace plakar::flow {

class ThreadPool {
 public:
  struct Options {
    std::string name = "pool";
    std::size_t threads = 2;
    std::size_t queue_max = 64;  // tasks waiting; submit() waits when there are that many
  };
  // Must not throw. Destroyed unrun when the pool is stopped first.
  using Job = detail::MoveOnlyFunction<void()>;

  static Result<std::unique_ptr<ThreadPool>> start(Options options);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // Waits for room in the queue. Errc::cancelled after drain() or stop(), and the errors of
  // the token; then `job` is destroyed unrun.
  Status submit(Job job, const CancelToken& cancel);
  // Never waits: false if there is no room. For the pool's own threads too.
  Result<bool> try_submit(Job job);

  void drain();
  void stop();

  std::size_t threads() const noexcept { return thread_count_; }
  // True in a thread of this pool.
  bool is_current() const noexcept;

 private:
  explicit ThreadPool(const Options& options);
  void work();

  const std::size_t thread_count_;
  Channel<Job> queue_;
  std::vector<std::jthread> threads_;
};

// Tasks on a pool that succeed or fail as one, with the rules of TaskGroup: the first error,
// by time, cancels the token of the others and is the result of wait(). Tasks that the pool
// dropped count as Errc::cancelled.
//
// Thread rule: spawn() from any thread but those of the pool, and not during wait().
class PoolGroup {
 public:
  using Task = detail::Task;

  explicit PoolGroup(ThreadPool& pool, const CancelToken& parent = {})
      : pool_(pool), outcome_(parent) {}
  ~PoolGroup();
  PoolGroup(const PoolGroup&) = delete;
  PoolGroup& operator=(const PoolGroup&) = delete;

  // Waits for room in the pool's queue. False, and the task does not run, once the group has
  // failed or was cancelled, or the pool has ended: there is no point in going on, and
  // wait() says why.
  [[nodiscard]] bool spawn(Task task);
  // Waits until none of the tasks runs or is queued, and returns the first error.
  Status wait();

  CancelToken token() const { return outcome_.source().token(); }
  void cancel(std::string why) { outcome_.source().cancel(std::move(why)); }

 private:
  class Ticket;
  void await_all();

  ThreadPool& pool_;
  detail::FirstFailure outcome_;
  std::mutex mutex_;  // guards pending_
  std::condition_variable finished_;
  std::size_t pending_ = 0;
};

}  // namespace plakar::flow
