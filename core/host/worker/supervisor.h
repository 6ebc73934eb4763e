// The thread from which all workers are started, and which watches them.
//
// One for the whole host, for as long as that lives: the kernel tells a worker that its parent
// has died when the *thread* that started it ends.
//
// Thread rule: any thread may call, but not from within a Watched's functions.
#pragma once

#include <array>
#include <functional>
#include <memory>

#include "core/base/result.h"

namespace plakar::host::worker {

// Something with descriptors whose readiness the thread waits for. Its functions run there, and
// must not wait.
class Watched {
 public:
  static constexpr std::size_t descriptors_max = 3;

  virtual ~Watched() = default;

  // -1 for none. Asked before each wait.
  virtual std::array<int, descriptors_max> descriptors() = 0;
  virtual void ready(std::size_t which) = 0;
  // When it is no longer to be watched.
  virtual bool over() = 0;
};

class Supervisor {
 public:
  static Result<std::unique_ptr<Supervisor>> create();
  // Nothing is watched any more.
  ~Supervisor();

  // Runs `task` on the thread, and waits for it.
  void run(std::function<void()> task);
  // Until it is over.
  void watch(std::shared_ptr<Watched> watched);

 private:
  struct State;
  explicit Supervisor(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace plakar::host::worker
