// plakar-worker: one module, behind a socket. Started by the host alone; see server.h.
//
//   plakar-worker PARENT        with the control channel as descriptor 3
#include <dlfcn.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <string>

#include "core/host/worker/confine.h"
#include "core/host/worker/server.h"

namespace {

constexpr int control_descriptor = 3;

using plakar::Errc;
using plakar::Error;
using plakar::Fd;
using plakar::Result;
using plakar::host::worker::Entry;

// The host has looked at the file before, and sent it open; see core/host/preflight.h. In a
// process that loads nothing else this name cannot mean another file to the loader.
Result<Entry> load_module(const std::string& path, const Fd& file) {
  const std::string name = "/proc/self/fd/" + std::to_string(file.get());
  void* image = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (image == nullptr) {
    std::string why = ::dlerror();
    if (why.starts_with(name)) why.replace(0, name.size(), path);
    return Error(Errc::invalid_argument, why);
  }
  void* entry = ::dlsym(image, "plk_entry_v1");
  if (entry == nullptr) {
    return Error(Errc::invalid_argument, path + ": does not export plk_entry_v1");
  }
  return reinterpret_cast<Entry>(entry);
}

}  // namespace

int main(int argc, char** argv) {
  int parent = 0;
  if (argc != 2 ||
      std::from_chars(argv[1], argv[1] + std::strlen(argv[1]), parent).ec != std::errc()) {
    std::fputs("plakar-worker runs a connector for plakar, which starts it by itself\n", stderr);
    return 64;
  }
  if (!plakar::host::worker::clean_process(control_descriptor, parent)) return 0;
  // Not by exit(): threads may be within the module, whose destructors are not run.
  ::_exit(plakar::host::worker::serve(control_descriptor, load_module));
}
