// What a worker takes away from itself before it loads a module: that this process belongs to
// one module, and can do what that module's manifest names and no more.
//
// Always: no descriptor but those it needs, no environment, working directory "/", umask 077, no
// new privileges, no core dumps (they would hold secrets), limits of memory and descriptors, the
// end together with its parent.
//
// Where the kernel has them:
//   Landlock   files below what is named only, TCP to the named ports only, no signals and no
//              abstract sockets to who is outside
//   seccomp    no programs, no processes, no other processes' memory; no sockets at all without
//              permission for the network
//
// What every program needs to read (the C library, its locales and time zones, and with a
// network the resolver's files and the certificates) can always be read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/fd.h"
#include "core/base/result.h"

namespace plakar::host::worker {

struct Permissions {
  bool all_files = true;    // Else only what is named below.
  bool all_network = true;  // Else only `tcp_ports`, or nothing at all where there are none.
  std::vector<std::uint16_t> tcp_ports;
  std::vector<std::string> read_paths;   // Absolute. With everything below.
  std::vector<std::string> write_paths;  // To be read, too.
  std::uint64_t memory_bytes_max = std::uint64_t{4} * 1024 * 1024 * 1024;  // 0: no limit.
  std::uint64_t descriptors_max = 1024;
};

// What the kernel was able to enforce of it.
struct Confinement {
  bool files = false;
  bool network = false;
  bool calls = false;

  friend bool operator==(const Confinement&, const Confinement&) = default;
};

// First thing in the worker's main(): descriptors up to `kept_max` stay open. `parent` is who
// started it: Errc::unavailable when that has ended already.
Status clean_process(int kept_max, int parent);

// Irrevocable. `module_file` can be loaded in any case. An error means that something which the
// kernel has could not be set up: nothing may be loaded then.
Result<Confinement> confine(const Permissions& permissions, const Fd& module_file);

}  // namespace plakar::host::worker
