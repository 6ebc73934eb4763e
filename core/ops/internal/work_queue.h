// What the threads of a backup do next: batches, which one thread puts in, and chunks of large
// files, which a thread in the middle of one hands to those that have nothing else to do.
//
// At the end, no batch is left and none is being worked on: only then there are no more chunks
// either.
//
// All functions may be called from any thread. A cancel is noticed within a quarter of a second.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <utility>

#include "core/base/result.h"
#include "core/flow/cancel_token.h"
#include "core/kloset/snapshot/object_writer.h"

namespace plakar::ops {

template <class Batch>
class WorkQueue final : public kloset::ChunkHelpers {
 public:
  // Waits while there are `batches_max` batches.
  explicit WorkQueue(std::size_t batches_max) : batches_max_(batches_max) {}

  Status push(Batch&& batch, const flow::CancelToken& token) {
    std::unique_lock lock(mutex_);
    PLK_TRY(wait(lock, token, [this] { return batches_.size() < batches_max_; }));
    batches_.push_back(std::move(batch));
    changed_.notify_all();
    return {};
  }

  // No more batches will be pushed.
  void close() {
    const std::lock_guard guard(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

  // The next batch, to be worked on until the thread calls again; false at the end. Chunks of
  // others are stored meanwhile. `first`: whether this is the thread's first call.
  Result<bool> pop(Batch& batch, bool first, const flow::CancelToken& token) {
    std::unique_lock lock(mutex_);
    if (!first) --working_;
    ++helping_;
    changed_.notify_all();
    Result<bool> got = next(lock, batch, token);
    --helping_;
    if (got && *got) ++working_;
    changed_.notify_all();
    return got;
  }

  bool wanted() const override {
    const std::lock_guard guard(mutex_);
    return is_wanted();
  }

  bool offer(Task task) override {
    const std::lock_guard guard(mutex_);
    if (!is_wanted()) return false;
    tasks_.push_back(std::move(task));
    changed_.notify_all();
    return true;
  }

  bool run_one() override {
    std::unique_lock lock(mutex_);
    return run_one(lock);
  }

 private:
  // A chunk each that waits while another is being stored: nobody who helps has to wait for the
  // next one to be cut.
  bool is_wanted() const { return helping_ > 0 && batches_.empty() && tasks_.size() <= helping_; }

  Result<bool> next(std::unique_lock<std::mutex>& lock, Batch& batch,
                    const flow::CancelToken& token) {
    for (;;) {
      PLK_TRY(wait(lock, token, [this] {
        return !tasks_.empty() || !batches_.empty() || (closed_ && working_ == 0);
      }));
      if (run_one(lock)) continue;
      if (batches_.empty()) return false;
      batch = std::move(batches_.front());
      batches_.pop_front();
      return true;
    }
  }

  bool run_one(std::unique_lock<std::mutex>& lock) {
    if (tasks_.empty()) return false;
    const Task task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    lock.lock();
    return true;
  }

  template <class Ready>
  Status wait(std::unique_lock<std::mutex>& lock, const flow::CancelToken& token,
              const Ready& ready) {
    constexpr std::chrono::milliseconds between_looks{250};
    for (;;) {
      PLK_TRY(token.check());
      if (changed_.wait_for(lock, ready() ? std::chrono::milliseconds(0) : between_looks, ready)) {
        return {};
      }
    }
  }

  const std::size_t batches_max_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Batch> batches_;  // these guarded by mutex_
  std::deque<Task> tasks_;
  std::size_t working_ = 0;  // threads in the middle of a batch
  std::size_t helping_ = 0;  // threads in pop()
  bool closed_ = false;
};

}  // namespace plakar::ops
