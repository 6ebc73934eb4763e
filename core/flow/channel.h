// A bounded queue between stages: many producers, many consumers, one lock per batch.
//
//   Channel<Chunk> chunks({.items = 256});
//   producer:  PLK_TRY(chunks.push_batch(batch, cancel));  ...  chunks.close();
//   consumer:  for (std::vector<Chunk> batch; PLK_TRY(chunks.pop_batch(batch, 64, cancel));) ...
//
// The bound is a number of items and, for items that own memory, also a weight in bytes:
// Channel<Chunk, ChunkSize>. A full channel makes producers wait, an empty one consumers.
//
// Life cycle: open -> closed (every producer has called close()) -> drained, or at any point
// -> failed. What the calls answer, the first line that applies:
//
//   state                      push                          pop
//   failed (fail())            the error of fail()           the error of fail()
//   token cancelled, expired   the error of the token        the error of the token
//   closed                     Errc::cancelled               items while there are any, then
//                                                            false: the end
//   open                       waits for room                waits for an item
//
// So a cancel or a failure is noticed at once and not after what is still queued, which is
// dropped; an end comes after everything else.
//
// Order: first in, first out. The items of one push_batch come out together and in order.
// Producers that wait are served in the order of their coming, so that a heavy item is not
// kept waiting for ever by light ones. A consumer that comes when there is something takes
// it, also before one that has been woken but does not run yet: making it wait would cost a
// second switch of threads, and nobody starves while there is work.
//
// Items are moved while the lock is held, so moving must not throw and should cost little
// (pointers, not kilobytes). They are never destroyed under it. Nothing is allocated for an
// item: the ring is there from the start.
//
// Thread rule: every function may be called from any thread. The channel outlives the calls.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/base/assert.h"
#include "core/base/result.h"
#include "core/flow/cancel_token.h"
#include "core/flow/internal/ring.h"
#include "core/flow/internal/wait_line.h"

namespace plakar::flow {

struct ChannelLimits {
  std::size_t items = 64;
  // An item that is heavier by itself passes when the channel is empty: the bound is then
  // that one item.
  std::uint64_t weight = std::numeric_limits<std::uint64_t>::max();
  // How many calls of close() end it: the producers that each call it once.
  std::size_t producers = 1;
};

// A look at a channel for progress displays and tests; out of date when it arrives.
struct ChannelGauge {
  std::size_t items = 0;
  std::uint64_t weight = 0;
  std::size_t items_peak = 0;
  std::uint64_t weight_peak = 0;
  std::size_t producers_waiting = 0;
  std::size_t consumers_waiting = 0;
};

// For channels whose items are bounded by number alone.
struct Weightless {
  template <class T>
  std::uint64_t operator()(const T&) const noexcept {
    return 0;
  }
};

// `Weigh` is asked for an item when it enters and again when it leaves, under the lock: both
// answers must be the same, soon.
template <class T, class Weigh = Weightless>
class Channel {
  static_assert(std::is_nothrow_move_constructible_v<T>, "items are moved under the lock");

 public:
  explicit Channel(ChannelLimits limits)
      : limits_(limits), ring_(limits.items), producers_open_(limits.producers) {
    PLK_ASSERT(limits.items > 0 && limits.producers > 0);
  }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  ~Channel() { PLK_ASSERT(producers_.empty() && consumers_.empty()); }

  // Moves from `item` only on success.
  Status push(T&& item, const CancelToken& cancel) {
    return push_all(std::span(&item, 1), cancel).status;
  }

  // Moves all items in, waiting for room as often as needed: a batch may be larger than the
  // channel. `items` is empty after success, with its capacity kept for the next batch; after
  // a failure it holds what was not moved.
  Status push_batch(std::vector<T>& items, const CancelToken& cancel) {
    Pushed pushed = push_all(std::span(items), cancel);
    items.erase(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(pushed.count));
    return std::move(pushed.status);
  }

  // Never waits: false, and `item` untouched, if there is no room or somebody is in line.
  Result<bool> try_push(T& item) {
    const std::lock_guard lock(mutex_);
    if (auto error = push_refused({})) return *std::move(error);
    if (!producers_.empty() || admit(std::span(&item, 1)) == 0) return false;
    consumers_.wake();
    return true;
  }

  // True with the next item in `out`; false, and `out` unchanged, at the end.
  Result<bool> pop(T& out, const CancelToken& cancel) {
    std::optional<T> item;
    {
      std::unique_lock lock(mutex_);
      std::optional<detail::WaitLine::Place> place;
      if (!PLK_TRY(wait_for_item(lock, place, cancel))) return false;
      item.emplace(take());
      producers_.wake();
    }
    out = *std::move(item);
    return true;
  }

  // True with 1 to `max` items in `out`, whatever is there without waiting for more; false,
  // and `out` empty, at the end. What `out` held before is destroyed.
  Result<bool> pop_batch(std::vector<T>& out, std::size_t max, const CancelToken& cancel) {
    PLK_ASSERT(max > 0);
    out.clear();
    out.reserve(std::min(max, limits_.items));
    std::unique_lock lock(mutex_);
    std::optional<detail::WaitLine::Place> place;
    if (!PLK_TRY(wait_for_item(lock, place, cancel))) return false;
    for (std::size_t n = std::min(max, ring_.size()); n > 0; --n) out.push_back(take());
    producers_.wake();
    return true;
  }

  // One producer has pushed its last item. To be called limits.producers times, no more;
  // without effect on a failed channel.
  void close() {
    const std::lock_guard lock(mutex_);
    PLK_ASSERT(producers_open_ > 0);
    if (--producers_open_ > 0) return;
    producers_.wake();
    consumers_.wake();
  }

  // Ends the channel for both sides with `error`; the first one stays. Queued items are
  // dropped. Also how a consumer leaves early: its producers have nobody to work for.
  void fail(Error error) {
    detail::Ring<T> dropped;  // destroyed after the lock is released
    const std::lock_guard lock(mutex_);
    if (failure_) return;
    failure_ = std::move(error);
    dropped = std::move(ring_);
    weight_ = 0;
    producers_.wake();
    consumers_.wake();
  }

  ChannelGauge gauge() const {
    const std::lock_guard lock(mutex_);
    return {.items = ring_.size(),
            .weight = weight_,
            .items_peak = items_peak_,
            .weight_peak = weight_peak_,
            .producers_waiting = producers_.size(),
            .consumers_waiting = consumers_.size()};
  }

 private:
  struct Pushed {
    Status status;
    std::size_t count;
  };

  // From here on the mutex is held, except in push_all.

  std::optional<Error> push_refused(const CancelToken& cancel) const {
    if (failure_) return failure_;
    if (cancel.cancelled()) return cancel.error();
    if (producers_open_ == 0) return Error(Errc::cancelled, "the channel is closed");
    return std::nullopt;
  }

  Pushed push_all(std::span<T> items, const CancelToken& cancel) {
    std::size_t done = 0;
    std::unique_lock lock(mutex_);
    std::optional<detail::WaitLine::Place> place;
    while (true) {
      if (auto error = push_refused(cancel)) return {*std::move(error), done};
      if (place || producers_.empty()) done += admit(items.subspan(done));
      consumers_.wake();
      if (done == items.size()) return {Status(), done};
      // Kept until the whole batch is in, so that nobody gets between its items.
      if (!place) place.emplace(producers_);
      place->wait(lock, cancel, [&] {
        return failure_ || producers_open_ == 0 || worth_waking(items.subspan(done));
      });
    }
  }

  // Moves in as many as there is room for.
  std::size_t admit(std::span<T> items) noexcept {
    std::size_t count = 0;
    while (count < items.size() && ring_.room() > 0 && light_enough(items[count])) {
      weight_ += weigh_(items[count]);
      ring_.push(std::move(items[count]));
      ++count;
    }
    items_peak_ = std::max(items_peak_, ring_.size());
    weight_peak_ = std::max(weight_peak_, weight_);
    return count;
  }

  bool light_enough(const T& item) const noexcept {
    const std::uint64_t weight = weigh_(item);
    return ring_.size() == 0 || (weight <= limits_.weight && weight_ <= limits_.weight - weight);
  }

  // A producer is not woken for every item that leaves: half the channel, if it can use that
  // much, pays for the switch of threads. It is woken in time, since consumers drain
  // whatever is there, and an empty channel always has room enough.
  bool worth_waking(std::span<T> waiting) const noexcept {
    const std::size_t room_wanted = std::min(waiting.size(), (limits_.items + 1) / 2);
    return ring_.room() >= room_wanted && light_enough(waiting.front());
  }

  // False at the end. Who had to wait keeps `place` until it has taken what it came for: only
  // what is left then may wake the next consumer.
  Result<bool> wait_for_item(std::unique_lock<std::mutex>& lock,
                             std::optional<detail::WaitLine::Place>& place,
                             const CancelToken& cancel) {
    const auto something = [&] { return failure_ || ring_.size() > 0 || producers_open_ == 0; };
    if (!something() && !cancel.cancelled()) {
      place.emplace(consumers_).wait(lock, cancel, something);
    }
    if (failure_) return *failure_;
    if (cancel.cancelled()) return cancel.error();
    return ring_.size() > 0;
  }

  T take() noexcept {
    const std::uint64_t weight = weigh_(ring_.front());
    PLK_ASSERT(weight <= weight_);
    weight_ -= weight;
    return ring_.pop();
  }

  const ChannelLimits limits_;
  [[no_unique_address]] Weigh weigh_;
  mutable std::mutex mutex_;  // guards everything below
  detail::Ring<T> ring_;
  std::size_t producers_open_;
  std::optional<Error> failure_;
  std::uint64_t weight_ = 0;
  std::size_t items_peak_ = 0;
  std::uint64_t weight_peak_ = 0;
  detail::WaitLine producers_;
  detail::WaitLine consumers_;
};

}  // namespace plakar::flow
