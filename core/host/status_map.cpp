#include "core/host/status_map.h"

#include <algorithm>
#include <cstring>

#include "core/base/text.h"

namespace plakar::host {
namespace {

// A retry that is asked for in a week is not one.
constexpr std::uint64_t retry_after_ms_max = 15 * 60 * 1000;

plk_status known(plk_status status) noexcept {
  if (status >= 0) return status == PLK_END ? PLK_END : PLK_OK;
  return status >= PLK_E_PARTIAL ? status : PLK_E_UNKNOWN;
}

}  // namespace

Errc errc_of(const CallOutcome& outcome) noexcept {
  if (outcome.is_retryable()) return Errc::unavailable;
  switch (outcome.status) {
    case PLK_E_INVALID_ARG:
    case PLK_E_CONFIG:
      return Errc::invalid_argument;
    case PLK_E_NOT_FOUND:
      return Errc::not_found;
    case PLK_E_EXISTS:
      return Errc::already_exists;
    case PLK_E_PERMISSION:
    case PLK_E_UNAUTHENTICATED:
    case PLK_E_READ_ONLY:
      return Errc::permission_denied;
    case PLK_E_UNSUPPORTED:
    case PLK_E_ABI:
      return Errc::unsupported;
    case PLK_E_CANCELLED:
    case PLK_E_SHUTDOWN:
      return Errc::cancelled;
    case PLK_E_TIMEOUT:
    case PLK_E_BUSY:
      return Errc::unavailable;
    case PLK_E_NO_SPACE:
      return Errc::out_of_space;
    case PLK_E_CORRUPT:
      return Errc::corrupt;
    case PLK_E_CONFLICT:
    case PLK_E_CHANGED:
      return Errc::conflict;
    default:
      return Errc::io;
  }
}

plk_status status_of(Errc code) noexcept {
  switch (code) {
    case Errc::invalid_argument:
      return PLK_E_INVALID_ARG;
    case Errc::not_found:
      return PLK_E_NOT_FOUND;
    case Errc::already_exists:
      return PLK_E_EXISTS;
    case Errc::permission_denied:
      return PLK_E_PERMISSION;
    case Errc::conflict:
      return PLK_E_CONFLICT;
    case Errc::corrupt:
      return PLK_E_CORRUPT;
    case Errc::unsupported:
      return PLK_E_UNSUPPORTED;
    case Errc::unavailable:
      return PLK_E_BUSY;
    case Errc::out_of_space:
      return PLK_E_NO_SPACE;
    case Errc::cancelled:
      return PLK_E_CANCELLED;
    case Errc::io:
      return PLK_E_IO;
    case Errc::internal:
      return PLK_E_INTERNAL;
  }
  return PLK_E_UNKNOWN;
}

std::string_view describe(plk_status status) noexcept {
  switch (status) {
    case PLK_E_INVALID_ARG:
      return "takes the arguments for wrong";
    case PLK_E_CONFIG:
      return "the configuration cannot work";
    case PLK_E_NOT_FOUND:
      return "not found";
    case PLK_E_EXISTS:
      return "something is there already";
    case PLK_E_PERMISSION:
      return "not allowed";
    case PLK_E_UNAUTHENTICATED:
      return "the credentials are missing, wrong or expired";
    case PLK_E_UNSUPPORTED:
      return "it cannot do that";
    case PLK_E_CANCELLED:
      return "cancelled";
    case PLK_E_TIMEOUT:
      return "the other side did not answer in time";
    case PLK_E_IO:
      return "input or output failed";
    case PLK_E_THROTTLED:
      return "the other side asks for fewer requests";
    case PLK_E_NO_SPACE:
      return "no space left";
    case PLK_E_CORRUPT:
      return "the data is damaged";
    case PLK_E_CONFLICT:
      return "somebody else changed it meanwhile";
    case PLK_E_READ_ONLY:
      return "nothing can be written there";
    case PLK_E_BUSY:
      return "in use";
    case PLK_E_NO_MEMORY:
      return "out of memory";
    case PLK_E_ABI:
      return "module and host do not fit";
    case PLK_E_INTERNAL:
      return "a bug of the module";
    case PLK_E_CRASHED:
      return "the module crashed";
    case PLK_E_SHUTDOWN:
      return "the host is stopping";
    case PLK_E_CHANGED:
      return "the content changed while it was read";
    case PLK_E_PARTIAL:
      return "done in part only";
    default:
      return "failed, and the module does not say why";
  }
}

ErrorBuffer::ErrorBuffer() noexcept {
  error_.struct_size = sizeof error_;
  error_.message = message_;
  error_.message_cap = sizeof message_;
}

CallOutcome ErrorBuffer::outcome(plk_status status) const {
  CallOutcome outcome{.status = known(status)};
  if (outcome.ok()) return outcome;
  outcome.flags = error_.flags;
  outcome.sys_errno = error_.sys_errno;
  outcome.retry_after =
      std::chrono::milliseconds(std::min(error_.retry_after_ms, retry_after_ms_max));
  const std::size_t size = std::min<std::size_t>(error_.message_len, sizeof message_);
  outcome.message = escape(std::string_view(message_, size));
  if (outcome.message.empty()) outcome.message = describe(outcome.status);
  const std::size_t vendor = ::strnlen(error_.vendor, sizeof error_.vendor);
  outcome.vendor = escape(std::string_view(error_.vendor, vendor));
  return outcome;
}

}  // namespace plakar::host
