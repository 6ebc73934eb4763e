#include "core/flow/rate_limiter.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace plakar::flow {
namespace {

Rate with_burst(Rate rate) {
  if (rate.burst == 0) rate.burst = rate.per_second;
  return rate;
}

}  // namespace

RateLimiter::RateLimiter(Rate rate, Clock& clock)
    : clock_(clock),
      rate_(with_burst(rate)),
      level_(static_cast<double>(rate_.burst)),
      filled_at_(clock.monotonic()) {}

Status RateLimiter::acquire(std::uint64_t amount, const CancelToken& cancel) {
  std::unique_lock lock(mutex_);
  PLK_TRY(cancel.check());
  if (line_.empty() && pass(amount)) return {};

  detail::WaitLine::Place place(line_);
  place.wait(lock, cancel, [] { return true; });  // to be the first
  while (true) {
    PLK_TRY(cancel.check());
    if (pass(amount)) return {};
    const CancelToken filled = cancel.with_deadline(when_enough(amount), clock_);
    const std::uint64_t known = rate_changes_;
    place.wait(lock, filled, [&] { return rate_changes_ != known; });
  }
}

bool RateLimiter::try_acquire(std::uint64_t amount) {
  const std::lock_guard lock(mutex_);
  return line_.empty() && pass(amount);
}

void RateLimiter::set_rate(Rate rate) {
  const std::lock_guard lock(mutex_);
  refill();
  const bool was_unlimited = rate_.per_second == 0;
  rate_ = with_burst(rate);
  const double full = static_cast<double>(rate_.burst);
  level_ = was_unlimited ? full : std::min(level_, full);
  ++rate_changes_;
  line_.wake();
}

Rate RateLimiter::rate() const {
  const std::lock_guard lock(mutex_);
  return rate_;
}

bool RateLimiter::pass(std::uint64_t amount) {
  if (rate_.per_second == 0) return true;
  refill();
  if (level_ < wanted(amount)) return false;
  level_ -= static_cast<double>(amount);
  return true;
}

void RateLimiter::refill() {
  const MonotonicTime now = clock_.monotonic();
  const std::chrono::duration<double> passed = now - filled_at_;
  filled_at_ = now;
  level_ = std::min(static_cast<double>(rate_.burst),
                    level_ + passed.count() * static_cast<double>(rate_.per_second));
}

double RateLimiter::wanted(std::uint64_t amount) const {
  return static_cast<double>(std::min(amount, rate_.burst));
}

MonotonicTime RateLimiter::when_enough(std::uint64_t amount) const {
  const double missing = wanted(amount) - level_;
  const double nanoseconds = std::ceil(missing / static_cast<double>(rate_.per_second) * 1e9);
  // Compared as a number first: a tiny rate and a huge debt do not fit a time point.
  if (nanoseconds >= 1e18) return MonotonicTime::max();
  return filled_at_ + std::chrono::nanoseconds(static_cast<std::int64_t>(nanoseconds));
}

}  // namespace plakar::flow
