#include "core/flow/thread_pool.h"

#include <utility>

#include "core/base/assert.h"
#include "core/flow/internal/thread.h"

namespace plakar::flow {
namespace {

thread_local const ThreadPool* pool_of_this_thread = nullptr;

}  // namespace

Result<std::unique_ptr<ThreadPool>> ThreadPool::start(Options options) {
  if (options.threads == 0 || options.queue_max == 0) {
    return Error(Errc::invalid_argument, "a thread pool needs a thread and room in its queue");
  }
  std::unique_ptr<ThreadPool> pool(new ThreadPool(options));
  for (std::size_t i = 0; i < options.threads; ++i) {
    pool->threads_.push_back(
        PLK_TRY(detail::start_thread(options.name, [self = pool.get()] { self->work(); })));
  }
  return pool;
}

ThreadPool::ThreadPool(const Options& options)
    : thread_count_(options.threads), queue_({.items = options.queue_max}) {}

ThreadPool::~ThreadPool() { stop(); }

Status ThreadPool::submit(Job job, const CancelToken& cancel) {
  PLK_ASSERT(!is_current());
  return queue_.push(std::move(job), cancel);
}

Result<bool> ThreadPool::try_submit(Job job) { return queue_.try_push(job); }

void ThreadPool::drain() {
  PLK_ASSERT(!is_current());
  if (threads_.empty()) return;
  queue_.close();
  threads_.clear();
}

void ThreadPool::stop() {
  PLK_ASSERT(!is_current());
  queue_.fail(Error(Errc::cancelled, "the thread pool has stopped"));
  threads_.clear();
}

bool ThreadPool::is_current() const noexcept { return pool_of_this_thread == this; }

void ThreadPool::work() {
  pool_of_this_thread = this;
  while (true) {
    Job job;
    const Result<bool> more = queue_.pop(job, {});
    if (!more || !*more) return;
    job();
  }
}

// Counts one task from spawn() until nothing of it is left, whether it ran or was dropped.
class PoolGroup::Ticket {
 public:
  explicit Ticket(PoolGroup& group) : group_(&group) {
    const std::lock_guard lock(group.mutex_);
    ++group.pending_;
  }
  Ticket(Ticket&& other) noexcept
      : group_(std::exchange(other.group_, nullptr)), ran_(other.ran_) {}
  Ticket& operator=(Ticket&&) = delete;
  ~Ticket() {
    if (group_ == nullptr) return;
    if (!ran_) report_dropped();
    // Notified with the lock held: once it is released, the group may be gone.
    const std::lock_guard lock(group_->mutex_);
    if (--group_->pending_ == 0) group_->finished_.notify_all();
  }

  void run(Task task) {
    ran_ = true;
    group_->outcome_.run(std::move(task));
  }

 private:
  void report_dropped() {
    Status status = group_->token().check();
    if (status) status = Error(Errc::cancelled, "dropped by the thread pool");
    group_->outcome_.report(std::move(status));
  }

  PoolGroup* group_;
  bool ran_ = false;
};

PoolGroup::~PoolGroup() {
  cancel("the task group is gone");
  await_all();
}

bool PoolGroup::spawn(Task task) {
  ThreadPool::Job job = [ticket = Ticket(*this), task = std::move(task)]() mutable {
    ticket.run(std::move(task));
  };
  return pool_.submit(std::move(job), token()).has_value();
}

Status PoolGroup::wait() {
  await_all();
  return outcome_.status();
}

void PoolGroup::await_all() {
  PLK_ASSERT(!pool_.is_current());
  std::unique_lock lock(mutex_);
  finished_.wait(lock, [&] { return pending_ == 0; });
}

}  // namespace plakar::flow
