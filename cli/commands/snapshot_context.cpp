#include "cli/commands/snapshot_context.h"

#include <pwd.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "core/base/file_system.h"
#include "core/base/files.h"
#include "core/base/version.h"

namespace plakar::cli {
namespace {

// The names that Go has for them, which is what snapshots hold.
std::string architecture() {
  utsname name{};
  if (::uname(&name) != 0) return "unknown";
  const std::string machine = name.machine;
  if (machine == "x86_64") return "amd64";
  if (machine == "aarch64") return "arm64";
  if (machine == "i686" || machine == "i386") return "386";
  return machine;
}

std::string user_name() {
  std::array<char, 16384> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  ::getpwuid_r(::getuid(), &entry, buffer.data(), buffer.size(), &found);
  return found == nullptr ? std::to_string(::getuid()) : found->pw_name;
}

std::string machine_id(const Context& context) {
  constexpr std::size_t size_max = 256;
  const auto read = read_file(context.env.files, "/etc/machine-id", size_max);
  if (!read) return {};
  const std::string_view text = as_text(*read);
  return std::string(text.substr(0, text.find('\n')));
}

}  // namespace

std::string host_name() {
  utsname name{};
  return ::uname(&name) == 0 ? name.nodename : "localhost";
}

std::vector<kloset::KeyValue> snapshot_context(const Context& context) {
  return {
      {.key = "Hostname", .value = host_name()},
      {.key = "Username", .value = user_name()},
      {.key = "OperatingSystem", .value = "linux"},
      {.key = "MachineID", .value = machine_id(context)},
      {.key = "CommandLine", .value = context.command_line},
      {.key = "ProcessID", .value = std::to_string(::getpid())},
      {.key = "Architecture", .value = architecture()},
      {.key = "NumCPU", .value = std::to_string(std::thread::hardware_concurrency())},
      {.key = "MaxProcs", .value = std::to_string(context.options.cpu)},
      {.key = "Client", .value = std::string(client_name())},
  };
}

}  // namespace plakar::cli
