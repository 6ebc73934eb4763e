#include "core/flow/cancel_relay.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "core/base/system_error.h"
#include "core/flow/internal/thread.h"

namespace plakar::flow {
namespace {

void wake(int event) noexcept {
  const std::uint64_t one = 1;
  static_cast<void>(!::write(event, &one, sizeof one));
}

void wait_for_wake(int event) noexcept {
  std::uint64_t count = 0;
  while (::read(event, &count, sizeof count) < 0 && errno == EINTR) {
  }
}

}  // namespace

Result<std::unique_ptr<CancelRelay>> CancelRelay::start(CancelSource source, std::string why) {
  Fd event(::eventfd(0, EFD_CLOEXEC));
  if (!event) return system_error(errno, "create an event descriptor");
  std::unique_ptr<CancelRelay> relay(new CancelRelay(std::move(event)));
  relay->thread_ = PLK_TRY(detail::start_thread(
      "cancel", [self = relay.get(), source = std::move(source), why = std::move(why)] {
        wait_for_wake(self->event_.get());
        if (self->requested_.load()) source.cancel(why);
      }));
  return relay;
}

CancelRelay::~CancelRelay() {
  wake(event_.get());
  if (thread_.joinable()) thread_.join();
}

void CancelRelay::request() noexcept {
  const int saved = errno;
  requested_.store(true);
  wake(event_.get());
  errno = saved;
}

}  // namespace plakar::flow
