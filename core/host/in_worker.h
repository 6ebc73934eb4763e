// Modules in worker processes: the same Module, with the code somewhere else.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/host/manifest/manifest.h"
#include "core/host/module.h"
#include "core/host/preflight.h"
#include "core/host/services.h"

namespace plakar::host {

namespace worker {
class Supervisor;
}

struct WorkerOptions {
  Platform platform = host_platform();
  CallLimits limits{};
  // What the package asks for is what its module can do. `filesystem: [location]` is all files:
  // where a location is, is known only when the module runs already.
  ManifestPermissions permissions{};
  std::string program{};  // plakar-worker; empty: beside the running executable
  std::optional<Bytes> sha256{};
};

// Judges the file at `path`, and loads it in a worker; errors as those of load_in_process(), and
// Errc::unavailable where no worker can be started. The supervisor outlives the module.
Result<std::shared_ptr<Module>> load_in_worker(std::shared_ptr<const Services> services,
                                               worker::Supervisor& supervisor,
                                               const std::string& path,
                                               const WorkerOptions& options = {});

}  // namespace plakar::host
