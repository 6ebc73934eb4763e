// PLK_ASSERT: a broken invariant is a bug of ours. It is checked in every build, and ends
// the process with the place and the expression. Bytes from disk, network or a plug-in never
// reach one: they are Errc::corrupt or Errc::invalid_argument.
#pragma once

namespace plakar {

[[noreturn]] void assertion_failed(const char* expression, const char* file, int line) noexcept;

}  // namespace plakar

#define PLK_ASSERT(expression)         \
  ((expression) ? static_cast<void>(0) \
                : ::plakar::assertion_failed(#expression, __FILE__, __LINE__))
