#include "core/flow/cancel_token.h"

#include <algorithm>

#include "core/base/assert.h"

namespace plakar::flow {
namespace {

// The state of a child, and the wire from its parent. The parent does not own it: a
// finished child vanishes although the parent lives on.
class ChildState final : public detail::CancelState {
 public:
  static std::shared_ptr<ChildState> create(const CancelToken& parent) {
    auto child = std::make_shared<ChildState>();
    child->wire_.emplace(parent, Forward{child, parent});
    return child;
  }

 private:
  struct Forward {
    std::weak_ptr<CancelState> child;
    CancelToken parent;

    // The child is held while it runs its callbacks, since one of them may drop the last
    // source. It is then destroyed here, inside its own hook, which hooks allow for.
    void operator()() const {
      if (const auto held = child.lock()) held->cancel(parent.error().message());
    }
  };

  std::optional<CancelCallback<Forward>> wire_;
};

}  // namespace

Error CancelToken::error() const {
  if (state_ != nullptr && state_->cancelled()) return Error(Errc::cancelled, state_->why());
  PLK_ASSERT(expired());
  return Error(Errc::unavailable, "the deadline has passed");
}

CancelToken CancelToken::with_deadline(MonotonicTime deadline, Clock& clock) const {
  PLK_ASSERT(clock_ == nullptr || clock_ == &clock);
  CancelToken stricter = *this;
  if (deadline < deadline_) {
    stricter.clock_ = &clock;
    stricter.deadline_ = deadline;
  }
  return stricter;
}

CancelToken CancelToken::with_timeout(std::chrono::nanoseconds timeout, Clock& clock) const {
  const MonotonicTime now = clock.monotonic();
  // Subtracted from the end of time: a huge timeout must not wrap into the past.
  const bool endless = timeout >= MonotonicTime::max() - now;
  return with_deadline(endless ? MonotonicTime::max() : now + timeout, clock);
}

std::chrono::nanoseconds CancelToken::remaining() const noexcept {
  if (clock_ == nullptr) return std::chrono::nanoseconds::max();
  return std::max(deadline_ - clock_->monotonic(), std::chrono::nanoseconds::zero());
}

Result<int> CancelToken::fd() const {
  if (state_ == nullptr) return -1;
  return state_->fd();
}

CancelSource::CancelSource() { token_.state_ = std::make_shared<detail::CancelState>(); }

CancelSource::CancelSource(const CancelToken& parent) : token_(parent) {
  if (parent.state_ != nullptr) {
    token_.state_ = ChildState::create(parent);
  } else {
    token_.state_ = std::make_shared<detail::CancelState>();
  }
}

bool CancelSource::cancel(std::string why) const {
  // Held: a callback may destroy this source.
  const auto state = token_.state_;
  return state->cancel(std::move(why));
}

}  // namespace plakar::flow
