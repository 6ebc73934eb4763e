#include "core/host/worker/supervisor.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <future>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/fd.h"
#include "core/base/system_error.h"

namespace plakar::host::worker {

struct Supervisor::State {
  Fd wake_up;
  std::mutex mutex;  // Guards the next two.
  std::vector<std::packaged_task<void()>> tasks;
  bool stopping = false;
  std::vector<std::shared_ptr<Watched>> watched;  // The thread's own.
  std::thread thread;

  void submit(std::packaged_task<void()> task) {
    {
      const std::scoped_lock lock(mutex);
      tasks.push_back(std::move(task));
    }
    ::eventfd_write(wake_up.get(), 1);
  }

  // False when it is time to end.
  bool run_tasks() {
    eventfd_t count = 0;
    ::eventfd_read(wake_up.get(), &count);
    std::vector<std::packaged_task<void()>> now;
    bool go_on = true;
    {
      const std::scoped_lock lock(mutex);
      now.swap(tasks);
      go_on = !stopping;
    }
    for (auto& task : now) task();
    return go_on;
  }

  void loop() {
    std::vector<pollfd> polled;
    for (;;) {
      std::erase_if(watched, [](const auto& each) { return each->over(); });
      polled.assign(1, {wake_up.get(), POLLIN, 0});
      for (const auto& each : watched) {
        for (const int descriptor : each->descriptors()) polled.push_back({descriptor, POLLIN, 0});
      }
      if (::poll(polled.data(), polled.size(), -1) < 0) continue;  // EINTR
      // What is added by a task has no entry in `polled` yet.
      const auto before = watched;
      if (polled[0].revents != 0 && !run_tasks()) return;
      for (std::size_t i = 0; i < before.size() * Watched::descriptors_max; ++i) {
        if (polled[1 + i].revents == 0) continue;
        before[i / Watched::descriptors_max]->ready(i % Watched::descriptors_max);
      }
    }
  }
};

Supervisor::Supervisor(std::unique_ptr<State> state) : state_(std::move(state)) {
  state_->thread = std::thread([state = state_.get()] { state->loop(); });
}

Result<std::unique_ptr<Supervisor>> Supervisor::create() {
  auto state = std::make_unique<State>();
  state->wake_up = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!state->wake_up) return system_error(errno, "eventfd");
  return std::unique_ptr<Supervisor>(new Supervisor(std::move(state)));
}

Supervisor::~Supervisor() {
  {
    const std::scoped_lock lock(state_->mutex);
    state_->stopping = true;
  }
  ::eventfd_write(state_->wake_up.get(), 1);
  state_->thread.join();
}

void Supervisor::run(std::function<void()> task) {
  std::packaged_task<void()> packaged(std::move(task));
  auto done = packaged.get_future();
  state_->submit(std::move(packaged));
  done.wait();
}

void Supervisor::watch(std::shared_ptr<Watched> watched) {
  run([this, &watched] { state_->watched.push_back(std::move(watched)); });
}

}  // namespace plakar::host::worker
