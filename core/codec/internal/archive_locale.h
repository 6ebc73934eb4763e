// The locale in which libarchive is called. It converts names between the charset of the
// archive and that of the calling thread's locale, which nobody here wants; so the thread
// gets a locale for the duration of a call in which the conversion does nothing. Sources and
// sinks, which libarchive calls from inside of it, get back the one their owner had.
//
// Thread rule: a scope ends in the thread that began it, and they end in reverse order.
#pragma once

#include <locale.h>

namespace plakar::codec {

enum class ArchiveLocale {
  // No octet above 0x7f converts, and libarchive falls back to the octets themselves.
  c,
  // UTF-8 converts to itself.
  utf8,
};

class ArchiveLocaleScope {
 public:
  // False: this system does not have the locale. Never for `c`, nor for `utf8` on glibc 2.35.
  static bool available(ArchiveLocale which) noexcept;

  // Precondition: available.
  explicit ArchiveLocaleScope(ArchiveLocale which) noexcept;
  ~ArchiveLocaleScope();
  ArchiveLocaleScope(const ArchiveLocaleScope&) = delete;
  ArchiveLocaleScope& operator=(const ArchiveLocaleScope&) = delete;

 private:
  locale_t before_;
  locale_t callers_before_;
};

// The way back, for the duration of a call out of libarchive. Does nothing where no
// ArchiveLocaleScope is around it.
class CallersLocaleScope {
 public:
  CallersLocaleScope() noexcept;
  ~CallersLocaleScope();
  CallersLocaleScope(const CallersLocaleScope&) = delete;
  CallersLocaleScope& operator=(const CallersLocaleScope&) = delete;

 private:
  locale_t callers_;
  locale_t before_;
};

}  // namespace plakar::codec
