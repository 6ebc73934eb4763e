#include "core/base/env.h"

#include "core/base/clock.h"
#include "core/base/file_system.h"
#include "core/base/process.h"
#include "core/base/random.h"

namespace plakar {

Env system_env() noexcept {
  return {system_clock(), system_random(), system_files(), system_processes()};
}

}  // namespace plakar
