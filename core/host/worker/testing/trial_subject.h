// The trial module, and instances of it. For tests that are built with TRIAL_MODULE and
// PLAKAR_WORKER, the paths of the module and of plakar-worker.
#pragma once

#include <doctest/doctest.h>
#include <plakar/connector.h>

#include <string>
#include <string_view>
#include <utility>

#include "core/host/worker/module.h"
#include "core/host/worker/testing/trial_host.h"

#if defined(TRIAL_MODULE) && defined(PLAKAR_WORKER)

namespace plakar::host::worker::testing {

inline plk_str str(std::string_view text) { return {text.data(), text.size()}; }
inline plk_bytes octets(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string text(plk_bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.ptr), bytes.len};
}

// The same module, one way or the other.
struct Subject {
  TrialHost& host;
  const plk_plugin& plugin;

  const plk_connector& connector(std::string_view id) const {
    for (std::uint32_t i = 0; i < plugin.connector_count; ++i) {
      if (plugin.connectors[i]->id == id) return *plugin.connectors[i];
    }
    FAIL("no such connector");
    return *plugin.connectors[0];
  }
};

// An open instance, closed at the end.
struct Opened {
  Opened(const Subject& subject, std::string_view id, TrialConfig config = {})
      : connector(subject.connector(id)) {
    plk_open_args args{};
    args.struct_size = sizeof args;
    args.ctx = subject.host.ctx();
    args.call = call.handle();
    args.protocol = str("trial");
    args.location = str("trial://here");
    args.config = config.config();
    args.concurrency = 4;
    status = connector.open(&args, &instance, &error.err);
  }
  ~Opened() {
    TrialCall fresh;
    if (instance != nullptr) connector.close(instance, fresh.handle());
  }
  template <class Ops>
  const Ops& ops() const {
    return *static_cast<const Ops*>(connector.ops);
  }

  const plk_connector& connector;
  TrialCall call;
  TrialError error;
  plk_instance* instance = nullptr;
  plk_status status = PLK_E_INTERNAL;
};

inline WorkerModuleSettings trial_settings() {
  WorkerModuleSettings settings;
  settings.worker.program = PLAKAR_WORKER;
  settings.worker.module_path = TRIAL_MODULE;
  settings.worker.module_name = "trial";
  return settings;
}

}  // namespace plakar::host::worker::testing

#endif
