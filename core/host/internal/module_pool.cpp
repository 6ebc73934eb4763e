#include "core/host/internal/module_pool.h"

#include <locale.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace plakar::host {
namespace {

thread_local const void* current_pool = nullptr;

// Blocks what the process gets from outside; faults of the thread itself cannot be blocked.
class SignalsBlocked {
 public:
  SignalsBlocked() noexcept {
    sigset_t all;
    sigfillset(&all);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS}) {
      sigdelset(&all, fault);
    }
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

// One for the process, and for ever: threads that were abandoned use it.
locale_t c_locale() noexcept {
  static const locale_t made = ::newlocale(LC_ALL_MASK, "C", nullptr);
  return made;
}

}  // namespace

struct ModulePool::Shared {
  struct Worker {
    std::thread thread;
    std::condition_variable wake;
    Job job;
    bool idle = false;
  };

  explicit Shared(std::string thread_name) : name(std::move(thread_name)) {}

  void work(Worker& self) {
    current_pool = this;
    ::uselocale(c_locale());
    ::pthread_setname_np(::pthread_self(), name.c_str());
    std::unique_lock lock(mutex);
    while (true) {
      if (self.job) {
        Job job = std::move(self.job);
        self.job = {};
        lock.unlock();
        job();
        job = {};
        lock.lock();
      }
      if (ended) return;
      if (!self.job) {
        self.idle = true;
        idle.push_back(&self);
        self.wake.wait(lock, [&] { return self.job || ended; });
        self.idle = false;
      }
    }
  }

  const std::string name;
  std::mutex mutex;  // guards what follows
  std::vector<std::shared_ptr<Worker>> workers;
  std::vector<Worker*> idle;
  bool ended = false;
};

ModulePool::ModulePool(std::string name)
    // What the kernel shows of a name.
    : shared_(std::make_shared<Shared>(name.substr(0, 15))) {}

ModulePool::~ModulePool() { stop(); }

bool ModulePool::submit(Job job) {
  const std::lock_guard lock(shared_->mutex);
  if (shared_->ended) return false;
  if (!shared_->idle.empty()) {
    Shared::Worker& worker = *shared_->idle.back();
    shared_->idle.pop_back();
    worker.job = std::move(job);
    worker.wake.notify_one();
    return true;
  }
  if (shared_->workers.size() == module_threads_max) return false;
  auto worker = std::make_shared<Shared::Worker>();
  worker->job = std::move(job);
  // The thread owns what it uses: nobody else may be left when it ends.
  try {
    const SignalsBlocked blocked;
    worker->thread = std::thread([shared = shared_, worker] { shared->work(*worker); });
  } catch (const std::system_error&) {
    return false;
  }
  shared_->workers.push_back(std::move(worker));
  return true;
}

void ModulePool::stop() { end(true); }
void ModulePool::abandon() { end(false); }

void ModulePool::end(bool wait_for_busy) {
  std::vector<std::shared_ptr<Shared::Worker>> workers;
  std::vector<bool> was_idle;
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->ended = true;
    workers.swap(shared_->workers);
    for (const auto& worker : workers) {
      was_idle.push_back(worker->idle && !worker->job);
      worker->wake.notify_one();
    }
  }
  for (std::size_t i = 0; i < workers.size(); ++i) {
    if (wait_for_busy || was_idle[i]) {
      workers[i]->thread.join();
    } else {
      workers[i]->thread.detach();
    }
  }
}

std::size_t ModulePool::threads() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->workers.size();
}

bool ModulePool::is_current() const noexcept { return current_pool == shared_.get(); }

}  // namespace plakar::host
