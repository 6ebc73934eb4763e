// Key derivation where the system grants less than it asks for: in a forked child with a
// limit on its address space.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <functional>

#include "core/base/hex.h"
#include "core/crypto/internal/argon2.h"
#include "core/crypto/kdf.h"
#include "tests/support/sanitizers.h"

namespace plakar::crypto {

namespace {

std::size_t address_space_bytes() {
  std::size_t pages = 0;
  std::FILE* const file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  const int found = std::fscanf(file, "%zu", &pages);
  (void)std::fclose(file);
  return found == 1 ? pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

// Whether `body` holds in a child that may map at most `headroom` bytes more.
bool holds_with(std::size_t headroom, const std::function<bool()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    const rlim_t limit = address_space_bytes() + headroom;
    const rlimit limits{limit, limit};
    if (limit == headroom || ::setrlimit(RLIMIT_AS, &limits) != 0) ::_exit(2);
    ::_exit(body() ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) != 2);
  return WEXITSTATUS(status) == 0;
}

bool is_refused(const KdfParams& params) {
  const KdfSettings settings{params, Bytes(16), 32};
  const Result<Secret> key = derive_key(as_bytes("passphrase"), settings);
  return !key && key.error().code() == Errc::unavailable &&
         key.error().message().find("emory") != std::string::npos;
}

constexpr std::size_t mib = std::size_t{1} << 20;

}  // namespace

TEST_SUITE("kdf faults") {
  TEST_CASE("Argon2id that is refused its memory is an error, and works with less") {
    CHECK(holds_with(64 * mib, [] {
      return is_refused(Argon2idParams{}) && !is_refused(Argon2idParams{1, 16384, 1}) &&
             is_refused(Argon2idParams{1, 4 << 20, 1});
    }));
  }

// The sanitizers end a process that is refused memory or a thread, instead of returning.
#if !PLK_ASAN && !PLK_TSAN
  TEST_CASE("scrypt that is refused its memory is an error, and works with less") {
    CHECK(holds_with(64 * mib, [] {
      return is_refused(ScryptParams{1 << 20, 8, 1}) && !is_refused(ScryptParams{1024, 8, 1});
    }));
  }

  TEST_CASE("lanes that get no thread are filled all the same") {
    const argon2::Input input{as_bytes("passphrase"), as_bytes("saltsalt"), 2, 1024, 4};
    Bytes expected(32);
    REQUIRE(derive_with(argon2::Isa::portable, input, expected, {.threads_max = 4}));
    // Less than the stack of a thread.
    CHECK(holds_with(4 * mib, [&] {
      Bytes out(32);
      return derive_with(argon2::Isa::portable, input, out, {.threads_max = 4}) && out == expected;
    }));
  }
#endif
}

}  // namespace plakar::crypto
