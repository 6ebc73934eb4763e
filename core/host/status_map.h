// What a module answers, as the engine's errors; and the other way round. The only place where one
// becomes the other.
#pragma once

#include <plakar/connector.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace plakar::host {

// How a call ended, with what the module said about it.
struct CallOutcome {
  plk_status status = PLK_OK;  // PLK_OK, PLK_END or PLK_E_*; one that is not known is PLK_E_UNKNOWN
  std::uint32_t flags = 0;     // PLK_ERRF_*
  std::int32_t sys_errno = 0;
  std::chrono::milliseconds retry_after{};
  std::string message{};  // clean: UTF-8, one line
  std::string vendor{};   // the other side's code, "SlowDown"

  bool ok() const noexcept { return status >= 0; }
  // The same call may succeed later.
  bool is_retryable() const noexcept {
    return !ok() && ((flags & PLK_ERRF_RETRYABLE) != 0 || status == PLK_E_THROTTLED);
  }
};

Errc errc_of(const CallOutcome& outcome) noexcept;
plk_status status_of(Errc code) noexcept;
// "is already there", for a module that says no more than a number.
std::string_view describe(plk_status status) noexcept;

// Longer messages are cut.
inline constexpr std::uint32_t call_message_bytes_max = 2048;

// An error as modules fill it, which lives where it is made.
class ErrorBuffer {
 public:
  ErrorBuffer() noexcept;
  ErrorBuffer(const ErrorBuffer&) = delete;
  ErrorBuffer& operator=(const ErrorBuffer&) = delete;

  plk_error* get() noexcept { return &error_; }
  // Believes nothing: a message longer than its buffer, control characters, an unknown status.
  CallOutcome outcome(plk_status status) const;

 private:
  plk_error error_{};
  char message_[call_message_bytes_max];
};

}  // namespace plakar::host
