// A lane of the worker: a socket on which the host makes one call after the other, and the
// thread that runs them. What a module knows as its plk_call is the lane during the call.
//
// Thread rule: request(), answer() and so on belong to the lane's thread; what a module may ask
// of its call, and cancel(), to any.
#pragma once

#include <plakar/connector.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "core/base/fd.h"
#include "core/base/result.h"
#include "core/host/worker/channel.h"

namespace plakar::host::worker {

class Lane {
 public:
  explicit Lane(Fd socket) : socket_(std::move(socket)) {}
  ~Lane() = default;
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  int socket() const noexcept { return socket_.get(); }
  plk_call* call() noexcept { return reinterpret_cast<plk_call*>(this); }
  static Lane* of(plk_call* call) noexcept { return reinterpret_cast<Lane*>(call); }

  // The lane whose call the calling thread runs, if it runs one.
  static Lane* current() noexcept;

  void begin(std::uint64_t call, std::int64_t remaining_ms);
  void end();
  // Also of a call whose request is still on its way.
  void cancel(std::uint64_t call);

  std::uint64_t call_number() const noexcept { return call_.load(std::memory_order_relaxed); }
  bool cancelled() const noexcept { return cancelled_.load(std::memory_order_relaxed); }
  int cancel_descriptor();
  std::int64_t remaining_ms() const;

  // Runs `interrupt`, and keeps the call from ending meanwhile; not if it is not this lane's.
  template <class Interrupt>
  bool interrupt(std::uint64_t call, Interrupt interrupt) {
    const std::scoped_lock lock(interrupting_);
    if (call == 0 || call_number() != call) return false;
    interrupt(this->call());
    return true;
  }

  // Asks the host, within the call, and waits for the answer; several threads of the module may.
  Status ask(Op op, BytesView arguments, Frame& answer);
  // Tells the host something.
  void tell(Op op, BytesView arguments);

 private:
  using Time = std::chrono::steady_clock::time_point;

  Fd socket_;
  std::mutex asking_;
  std::mutex interrupting_;  // Held while a module's interrupt() looks at the call.
  std::mutex mutex_;         // Guards what follows.
  std::atomic<std::uint64_t> call_ = 0;
  std::uint64_t cancelled_early_ = 0;
  std::atomic<bool> cancelled_ = false;
  std::atomic<Time> deadline_ = Time::max();
  Fd cancel_event_;  // Made when a module first asks for it.
};

// All lanes of the process, which last as long as it. Any thread.
class Lanes {
 public:
  Lane& add(Fd socket) {
    const std::scoped_lock lock(mutex_);
    return *lanes_.emplace_back(std::make_unique<Lane>(std::move(socket)));
  }
  // Null where there is none of that number: they count from 0, in the order of add().
  Lane* at(std::uint64_t number) {
    const std::scoped_lock lock(mutex_);
    return number < lanes_.size() ? lanes_[number].get() : nullptr;
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace plakar::host::worker
