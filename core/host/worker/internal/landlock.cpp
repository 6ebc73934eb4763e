#include "core/host/worker/internal/landlock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>

#include "core/base/fd.h"
#include "core/base/system_error.h"

namespace plakar::host::worker {
namespace {

// The kernel's own numbers, here because headers of older systems lack the newer ones.
constexpr long nr_create_ruleset = 444;
constexpr long nr_add_rule = 445;
constexpr long nr_restrict_self = 446;
constexpr unsigned ask_version = 1;

constexpr std::uint64_t fs_execute = 1U << 0;
constexpr std::uint64_t fs_write_file = 1U << 1;
constexpr std::uint64_t fs_read_file = 1U << 2;
constexpr std::uint64_t fs_read_dir = 1U << 3;
constexpr std::uint64_t fs_first_abi = (1U << 13) - 1;
constexpr std::uint64_t fs_refer = 1U << 13;      // Since ABI 2.
constexpr std::uint64_t fs_truncate = 1U << 14;   // Since ABI 3.
constexpr std::uint64_t fs_ioctl_dev = 1U << 15;  // Since ABI 5.
constexpr std::uint64_t net_bind_tcp = 1U << 0;   // Since ABI 4.
constexpr std::uint64_t net_connect_tcp = 1U << 1;
constexpr std::uint64_t scope_abstract_sockets = 1U << 0;  // Since ABI 6.
constexpr std::uint64_t scope_signals = 1U << 1;

constexpr unsigned rule_path_beneath = 1;
constexpr unsigned rule_net_port = 2;

// What may stand behind a file that is not a directory.
constexpr std::uint64_t fs_of_files =
    fs_execute | fs_write_file | fs_read_file | fs_truncate | fs_ioctl_dev;
constexpr std::uint64_t fs_reading = fs_read_file | fs_read_dir;

struct RulesetAttributes {
  std::uint64_t fs = 0;
  std::uint64_t net = 0;
  std::uint64_t scoped = 0;
};
struct PathRule {
  std::uint64_t allowed;
  std::int32_t parent;
} __attribute__((packed));
struct PortRule {
  std::uint64_t allowed;
  std::uint64_t port;
};

// What every program reads: its libraries, time zones, locales, character sets, random numbers.
constexpr const char* read_always[] = {"/usr/lib",
                                       "/usr/lib64",
                                       "/lib",
                                       "/lib64",
                                       "/etc/ld.so.cache",
                                       "/etc/localtime",
                                       "/usr/share/locale",
                                       "/usr/share/zoneinfo",
                                       "/dev/urandom",
                                       "/dev/random",
                                       "/dev/zero",
                                       "/sys/devices/system/cpu"};
// The resolver's files and the certificates.
constexpr const char* read_with_network[] = {"/etc/resolv.conf",
                                             "/run/systemd/resolve",
                                             "/etc/hosts",
                                             "/etc/nsswitch.conf",
                                             "/etc/host.conf",
                                             "/etc/gai.conf",
                                             "/etc/services",
                                             "/etc/protocols",
                                             "/etc/ssl",
                                             "/etc/pki",
                                             "/usr/share/ca-certificates",
                                             "/usr/local/share/ca-certificates"};
constexpr std::uint16_t port_dns = 53;

class Ruleset {
 public:
  Ruleset(Fd descriptor, std::uint64_t handled) noexcept
      : descriptor_(std::move(descriptor)), handled_(handled) {}

  Status allow_path(const std::string& path, std::uint64_t wanted) {
    const Fd parent(::open(path.c_str(), O_PATH | O_CLOEXEC));
    if (!parent) return {};  // What does not exist needs no permission.
    return allow_open(parent, path, wanted);
  }

  Status allow_open(const Fd& parent, const std::string& path, std::uint64_t wanted) {
    struct stat about{};
    if (::fstat(parent.get(), &about) != 0) return system_error(errno, "look at", path);
    if (!S_ISDIR(about.st_mode)) wanted &= fs_of_files;
    const PathRule rule{wanted & handled_, parent.get()};
    if (::syscall(nr_add_rule, descriptor_.get(), rule_path_beneath, &rule, 0U) == 0) return {};
    // Of a file without a place, as a memfd, nobody asks for permission.
    if (errno == EBADFD) return {};
    return system_error(errno, "allow a worker to reach", path);
  }

  Status allow_port(std::uint16_t port) {
    const PortRule rule{net_connect_tcp, port};
    if (::syscall(nr_add_rule, descriptor_.get(), rule_net_port, &rule, 0U) != 0) {
      return system_error(errno, "allow a worker to connect");
    }
    return {};
  }

  Status restrict_self() {
    if (::syscall(nr_restrict_self, descriptor_.get(), 0U) != 0) {
      return system_error(errno, "confine the worker's files");
    }
    return {};
  }

 private:
  Fd descriptor_;
  std::uint64_t handled_;
};

std::uint64_t fs_known(long abi) {
  std::uint64_t fs = fs_first_abi;
  if (abi >= 2) fs |= fs_refer;
  if (abi >= 3) fs |= fs_truncate;
  if (abi >= 5) fs |= fs_ioctl_dev;
  return fs;
}

Status allow_files(Ruleset& rules, const Permissions& permissions, const Fd& module_file) {
  for (const char* path : read_always) {
    PLK_TRY(rules.allow_path(path, fs_reading | fs_execute));
  }
  PLK_TRY(rules.allow_path("/dev/null", fs_read_file | fs_write_file));
  PLK_TRY(rules.allow_open(module_file, "the module", fs_read_file | fs_execute));
  if (permissions.all_network || !permissions.tcp_ports.empty()) {
    for (const char* path : read_with_network) PLK_TRY(rules.allow_path(path, fs_reading));
  }
  for (const std::string& path : permissions.read_paths) {
    PLK_TRY(rules.allow_path(path, fs_reading));
  }
  // All but executing; a device's own commands stay refused, too.
  constexpr std::uint64_t writing = ~(fs_execute | fs_ioctl_dev);
  for (const std::string& path : permissions.write_paths) {
    PLK_TRY(rules.allow_path(path, writing));
  }
  return {};
}

}  // namespace

Result<Confinement> confine_by_landlock(const Permissions& permissions, const Fd& module_file) {
  Confinement done;
  const long abi = ::syscall(nr_create_ruleset, nullptr, std::size_t{0}, ask_version);
  if (abi < 1) return done;
  const bool ports = !permissions.all_network && !permissions.tcp_ports.empty();

  RulesetAttributes attributes;
  if (!permissions.all_files) attributes.fs = fs_known(abi);
  if (!permissions.all_network && abi >= 4) attributes.net = net_bind_tcp | net_connect_tcp;
  if (abi >= 6) attributes.scoped = scope_abstract_sockets | scope_signals;
  if (attributes.fs == 0 && attributes.net == 0 && attributes.scoped == 0) return done;
  // Older kernels know a shorter struct.
  const std::size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
  Fd descriptor(static_cast<int>(::syscall(nr_create_ruleset, &attributes, size, 0U)));
  if (!descriptor) return system_error(errno, "make rules for a worker");

  Ruleset rules(std::move(descriptor), attributes.fs);
  if (attributes.fs != 0) PLK_TRY(allow_files(rules, permissions, module_file));
  if (attributes.net != 0 && ports) {
    for (const std::uint16_t port : permissions.tcp_ports) PLK_TRY(rules.allow_port(port));
    PLK_TRY(rules.allow_port(port_dns));
  }
  PLK_TRY(rules.restrict_self());
  done.files = attributes.fs != 0;
  done.network = attributes.net != 0;
  return done;
}

}  // namespace plakar::host::worker
