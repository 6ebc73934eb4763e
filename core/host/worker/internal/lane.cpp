#include "core/host/worker/internal/lane.h"

#include <sys/eventfd.h>

#include <algorithm>

namespace plakar::host::worker {
namespace {
thread_local Lane* current_lane = nullptr;
}

Lane* Lane::current() noexcept { return current_lane; }

void Lane::begin(std::uint64_t call, std::int64_t remaining_ms) {
  current_lane = this;
  const std::scoped_lock lock(mutex_);
  call_ = call;
  cancelled_ = cancelled_early_ == call;
  deadline_ = remaining_ms < 0
                  ? Time::max()
                  : std::chrono::steady_clock::now() +
                        std::chrono::milliseconds(std::min(remaining_ms, std::int64_t{1} << 40));
  if (cancelled_ && cancel_event_) ::eventfd_write(cancel_event_.get(), 1);
}

void Lane::end() {
  current_lane = nullptr;
  const std::scoped_lock lock(interrupting_, mutex_);
  call_ = 0;
  // Not blocking: the descriptor is.
  eventfd_t value = 0;
  if (cancelled_ && cancel_event_) ::eventfd_read(cancel_event_.get(), &value);
  cancelled_ = false;
}

void Lane::cancel(std::uint64_t call) {
  const std::scoped_lock lock(mutex_);
  if (call_ != call) {
    cancelled_early_ = call;
    return;
  }
  cancelled_ = true;
  if (cancel_event_) ::eventfd_write(cancel_event_.get(), 1);
}

int Lane::cancel_descriptor() {
  const std::scoped_lock lock(mutex_);
  if (!cancel_event_) {
    cancel_event_ = Fd(::eventfd(cancelled_ ? 1 : 0, EFD_CLOEXEC | EFD_NONBLOCK));
  }
  return cancel_event_.get();
}

std::int64_t Lane::remaining_ms() const {
  const Time deadline = deadline_;
  if (deadline == Time::max()) return -1;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      deadline - std::chrono::steady_clock::now());
  return std::max<std::int64_t>(left.count(), 0);
}

Status Lane::ask(Op op, BytesView arguments, Frame& answer) {
  // The lane's own thread is in the module: nobody else reads from the socket.
  const std::scoped_lock lock(asking_);
  const BytesView parts[] = {arguments};
  PLK_TRY(send_frame(socket_.get(), {.type = FrameType::reverse, .op = op, .call = call_number()},
                     parts));
  PLK_TRY(receive_frame(socket_.get(), answer, Descriptors::accepted));
  if (answer.header.type != FrameType::reverse_answer || answer.header.op != op) {
    return Error(Errc::corrupt, "the host answered something else");
  }
  return {};
}

void Lane::tell(Op op, BytesView arguments) {
  const BytesView parts[] = {arguments};
  // Without a host there is nobody to tell.
  static_cast<void>(send_frame(socket_.get(),
                               {.type = FrameType::event, .op = op, .call = call_number()}, parts));
}

}  // namespace plakar::host::worker
