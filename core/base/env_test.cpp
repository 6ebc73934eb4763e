#include "core/base/env.h"

#include <doctest/doctest.h>

#include <array>

#include "core/base/clock.h"
#include "core/base/file_system.h"
#include "core/base/process.h"
#include "core/base/random.h"

namespace plakar {

TEST_SUITE("env") {
  TEST_CASE("the system's has four parts that work") {
    const Env env = system_env();
    CHECK(env.clock.monotonic().time_since_epoch().count() > 0);
    std::array<std::byte, 32> random{};
    env.random.fill(random);
    CHECK(random != std::array<std::byte, 32>{});
    CHECK(env.files.stat("/").value().type == FileType::directory);
    CHECK(run(env.processes, {.program = "true"}).value().status.success());
  }
}

}  // namespace plakar
