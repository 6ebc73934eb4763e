// Holds a flow of bytes, requests or files to so many per second, with short bursts above it:
// a token bucket that fills at `rate` up to `burst`.
//
//   RateLimiter uploads({.per_second = 10'000'000, .burst = 1'000'000}, env.clock);
//   PLK_TRY(uploads.acquire(block.size(), cancel));
//
// In any stretch of time, at most burst + rate * time is let through, plus the part of one
// request that exceeds the burst: such a request starts when the bucket is full and leaves a
// debt that the next one waits for, so the average holds for requests of any size.
//
// Shared by all threads whose sum is to be limited; they are served in the order of their
// coming.
//
// Thread rule: every function may be called from any thread.
#pragma once

#include <cstdint>
#include <mutex>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/flow/cancel_token.h"
#include "core/flow/internal/wait_line.h"

namespace plakar::flow {

struct Rate {
  std::uint64_t per_second = 0;  // 0: unlimited
  std::uint64_t burst = 0;       // 0: what the rate allows in a second
};

class RateLimiter {
 public:
  // Starts with a full bucket. The clock outlives the limiter; tokens with a deadline must
  // have it on the same clock.
  RateLimiter(Rate rate, Clock& clock);
  RateLimiter(const RateLimiter&) = delete;
  RateLimiter& operator=(const RateLimiter&) = delete;

  // Waits until `amount` may pass. The error is the token's; nothing is used up then.
  Status acquire(std::uint64_t amount, const CancelToken& cancel);
  // False if acquire() would wait.
  bool try_acquire(std::uint64_t amount);

  // At once, also for those who wait.
  void set_rate(Rate rate);
  Rate rate() const;

 private:
  // With the mutex held.
  bool pass(std::uint64_t amount);
  void refill();
  double wanted(std::uint64_t amount) const;
  MonotonicTime when_enough(std::uint64_t amount) const;

  Clock& clock_;
  mutable std::mutex mutex_;  // guards everything below
  Rate rate_;
  double level_ = 0;  // negative: a debt
  MonotonicTime filled_at_;
  std::uint64_t rate_changes_ = 0;
  detail::WaitLine line_;
};

}  // namespace plakar::flow
