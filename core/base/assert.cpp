#include "core/base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace plakar {

void assertion_failed(const char* expression, const char* file, int line) noexcept {
  std::fprintf(stderr, "%s:%d: this is a bug in plakar: assertion failed: %s\n", file, line,
               expression);
  std::abort();
}

}  // namespace plakar
