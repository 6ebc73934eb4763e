#include "core/base/random.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace plakar {
namespace {

class SystemRandom final : public Random {
 public:
  void fill(std::span<std::byte> out) noexcept override {
    while (!out.empty()) {
      const ssize_t got = ::getrandom(out.data(), out.size(), 0);
      if (got < 0 && errno != EINTR) {
        std::perror("plakar: getrandom");
        std::abort();
      }
      out = out.subspan(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    }
  }
};

}  // namespace

Random& system_random() noexcept {
  static SystemRandom instance;
  return instance;
}

}  // namespace plakar
