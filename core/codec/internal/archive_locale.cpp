#include "core/codec/internal/archive_locale.h"

#include <utility>

namespace plakar::codec {

namespace {

// What the thread had before the innermost ArchiveLocaleScope; null outside of all, and inside
// of a CallersLocaleScope.
thread_local locale_t callers_locale = nullptr;

// Made once and kept: a thread may be using it at any time.
locale_t handle(ArchiveLocale which) noexcept {
  static const locale_t c = newlocale(LC_ALL_MASK, "C", nullptr);
  static const locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return which == ArchiveLocale::c ? c : utf8;
}

}  // namespace

bool ArchiveLocaleScope::available(ArchiveLocale which) noexcept {
  return handle(which) != nullptr;
}

ArchiveLocaleScope::ArchiveLocaleScope(ArchiveLocale which) noexcept
    : before_(uselocale(handle(which))), callers_before_(std::exchange(callers_locale, before_)) {}

ArchiveLocaleScope::~ArchiveLocaleScope() {
  callers_locale = callers_before_;
  uselocale(before_);
}

// uselocale(nullptr) changes nothing.
CallersLocaleScope::CallersLocaleScope() noexcept
    : callers_(std::exchange(callers_locale, nullptr)), before_(uselocale(callers_)) {}

CallersLocaleScope::~CallersLocaleScope() {
  callers_locale = callers_;
  if (callers_ != nullptr) uselocale(before_);
}

}  // namespace plakar::codec
