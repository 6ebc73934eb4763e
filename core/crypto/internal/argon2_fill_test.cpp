#include "core/crypto/internal/argon2_fill.h"

#include <doctest/doctest.h>
#include <pthread.h>
#include <signal.h>

#include <array>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace plakar::crypto::argon2 {

namespace {

// What the compression function below sees of the first helper that calls it.
struct Helper {
  std::mutex mutex;
  std::condition_variable seen;
  std::thread::id calling_thread;
  bool is_seen = false;
  std::string name;
  sigset_t blocked;
};

Helper* helper = nullptr;

// Mixes nothing. The calling thread waits in here, so that a lane is left for the helper.
void watch(const Block&, const Block&, Block&, Pass, Lookahead& lookahead) noexcept {
  lookahead.first_word(0);
  std::unique_lock lock(helper->mutex);
  if (std::this_thread::get_id() == helper->calling_thread) {
    helper->seen.wait(lock, [] { return helper->is_seen; });
    return;
  }
  if (helper->is_seen) return;
  std::array<char, 16> name{};
  ::pthread_getname_np(::pthread_self(), name.data(), name.size());
  helper->name = name.data();
  ::pthread_sigmask(SIG_SETMASK, nullptr, &helper->blocked);
  helper->is_seen = true;
  helper->seen.notify_all();
}

}  // namespace

TEST_SUITE("argon2 fill") {
  TEST_CASE("helpers have a name, and no signals but those that a fault of their own raises") {
    Helper first;
    first.calling_thread = std::this_thread::get_id();
    helper = &first;
    sigset_t before;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &before);

    std::vector<Block> memory(2 * 8);
    REQUIRE(fill(memory.data(), {.lanes = 2, .lane_length = 8, .passes = 1}, watch,
                 {.threads_max = 2}));
    CHECK(first.name == "argon2");
    for (const int outside : {SIGINT, SIGTERM, SIGHUP, SIGALRM, SIGCHLD, SIGUSR1, SIGPIPE}) {
      CHECK(::sigismember(&first.blocked, outside) == 1);
    }
    for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT}) {
      CHECK(::sigismember(&first.blocked, own) == 0);
    }

    sigset_t after;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &after);
    for (int signal = 1; signal < SIGRTMAX; ++signal) {
      CHECK(::sigismember(&after, signal) == ::sigismember(&before, signal));
    }
  }
}

}  // namespace plakar::crypto::argon2
