// A host for tests, and the module `memory` in it.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/base/env.h"
#include "core/host/in_process.h"
#include "core/host/in_worker.h"
#include "core/host/instance.h"
#include "core/host/worker/supervisor.h"

namespace plakar::host::testing {

inline std::shared_ptr<const Services> test_services(Env env = system_env()) {
  return std::make_shared<const Services>(Services{.env = env});
}

inline std::shared_ptr<Module> load_module(const std::string& path, const LoadOptions& options = {},
                                           Env env = system_env()) {
  auto module = load_in_process(test_services(env), path, options);
  if (!module) throw std::runtime_error(module.error().message());
  return *std::move(module);
}

// The same in a worker. All of a process have one supervisor, which lives as long as that.
inline std::shared_ptr<Module> load_worker_module(const std::string& path,
                                                  const WorkerOptions& options = {}) {
  static worker::Supervisor* const supervisor =
      worker::Supervisor::create().value().release();  // Not destroyed after what it watches.
  auto module = load_in_worker(test_services(), *supervisor, path, options);
  if (!module) throw std::runtime_error(module.error().message());
  return *std::move(module);
}

struct Trouble {
  std::string kind{};  // see modules/memory.c
  std::string call{};
  const int* until = nullptr;
};

inline OpenOptions memory_options(std::string location, const Trouble& trouble = {}) {
  OpenOptions options{.protocol = "memory", .location = std::move(location)};
  const auto add = [&](std::string key, std::string_view value) {
    options.config.push_back({.key = std::move(key), .value = Secret(value)});
  };
  add("trouble", trouble.kind);
  add("trouble.call", trouble.call);
  add("trouble.until", std::to_string(reinterpret_cast<std::uintptr_t>(trouble.until)));
  return options;
}

inline Result<std::shared_ptr<Instance>> open_memory(std::shared_ptr<Module> module,
                                                     std::uint32_t kind, std::string_view id,
                                                     std::string location,
                                                     flow::CancelToken cancel = {},
                                                     const Trouble& trouble = {}) {
  const plk_connector* connector = module->find(kind, id);
  if (connector == nullptr) throw std::runtime_error("no such connector");
  return Instance::open(std::move(module), *connector, memory_options(std::move(location), trouble),
                        std::move(cancel));
}

}  // namespace plakar::host::testing
