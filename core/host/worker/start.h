// What a worker is told before anything else, and what it answers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/host/worker/confine.h"
#include "core/host/worker/packer.h"

namespace plakar::host::worker {

// Names the build: two that differ do not talk, as the format of the channel is private to one.
std::string build_id();

// Functions of the host that it has or has not.
namespace host_has {
inline constexpr std::uint32_t process = 1U << 0;
inline constexpr std::uint32_t tempdir = 1U << 1;
}  // namespace host_has

struct Start {
  std::string build;
  std::string module_path;
  std::int32_t log_level = 0;    // The lowest that the host's log takes.
  std::uint32_t extensions = 0;  // host_has::*
  std::uint32_t abi_minor = 0;   // Of the host.
  Permissions permissions;
};
void pack(Packer& packer, const Start& start);
Result<Start> unpack_start(BytesView bytes);

struct Ready {
  std::string build;
  Confinement confinement;
};
void pack(Packer& packer, const Ready& ready);
Result<Ready> unpack_ready(BytesView bytes);

}  // namespace plakar::host::worker
