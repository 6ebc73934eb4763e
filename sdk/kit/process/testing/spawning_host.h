// A host that can do one thing: run any program, for a call that can be cancelled.
#pragma once

#include <string>

#include <plakar/connector.hpp>

namespace plk::kit::testing {

// One at a time in a process: the tables of a module are.
class spawning_host {
 public:
  spawning_host();
  ~spawning_host();
  spawning_host(const spawning_host&) = delete;
  spawning_host& operator=(const spawning_host&) = delete;

  plk::context context() const { return plk::context(nullptr); }
  plk::call call() const { return plk::call(nullptr); }
  void cancel() const;
};

}  // namespace plk::kit::testing
