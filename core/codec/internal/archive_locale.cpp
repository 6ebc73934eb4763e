#include "core/codec/internal/archive_locale.h"

namespace plakar::codec {

namespace {

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
    : before_(uselocale(handle(which))) {}

ArchiveLocaleScope::~ArchiveLocaleScope() { uselocale(before_); }

}  // namespace plakar::codec
