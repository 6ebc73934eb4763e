// Modules in this process.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/host/module.h"
#include "core/host/preflight.h"
#include "core/host/services.h"

namespace plakar::host {

enum class Unload : std::uint8_t {
  retire,  // the code stays mapped: always safe
  unmap,   // taken out where it can be; checked
};

struct LoadOptions {
  Platform platform = host_platform();
  Unload unload = Unload::retire;
  CallLimits limits{};
  std::vector<std::string> programs{};  // that it may start
  // The SHA-256 that the file must have, where it is known.
  std::optional<Bytes> sha256{};
};

// Judges and loads the file at `path`, and calls its entry. Nothing of it runs before it was
// accepted, and what runs is what was judged, whatever becomes of the name meanwhile.
//
// Errc::unsupported and Errc::corrupt for a module that is refused, with everything that is wrong;
// other codes where the file cannot be read.
Result<std::shared_ptr<Module>> load_in_process(std::shared_ptr<const Services> services,
                                                const std::string& path,
                                                const LoadOptions& options = {});

// What has been loaded into this process, and is still there, used or not.
struct LoadedModule {
  std::string name{};
  std::string version{};
  std::string path{};
  ModuleState state = ModuleState::active;
};
std::vector<LoadedModule> loaded_modules();

}  // namespace plakar::host
