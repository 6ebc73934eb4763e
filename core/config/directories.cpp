#include "core/config/directories.h"

#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "core/config/location.h"

namespace plakar::config {
namespace {

constexpr std::size_t account_entry_bytes_max = std::size_t{1} << 20;

Result<std::string> find_directory(const EnvironmentLookup& environment,
                                   const std::optional<std::string>& account_home,
                                   const std::optional<std::string>& override_directory,
                                   std::string_view variable, std::string_view below_home) {
  if (override_directory) return *override_directory;
  if (auto base = environment(variable); base && base->starts_with('/')) {
    return join_path(*base, "plakar");
  }
  auto home = environment("HOME");
  if (!home || home->empty()) home = account_home;
  if (!home || home->empty()) {
    return Error(Errc::not_found, "neither " + std::string(variable) +
                                      " nor HOME is set, and the account has no home directory");
  }
  return join_path(join_path(*home, below_home), "plakar");
}

}  // namespace

Result<Directories> find_directories(const EnvironmentLookup& environment,
                                     const std::optional<std::string>& account_home,
                                     const DirectoryOverrides& overrides) {
  Directories found;
  found.config = PLK_TRY(
      find_directory(environment, account_home, overrides.config, "XDG_CONFIG_HOME", ".config"));
  found.cache = PLK_TRY(
      find_directory(environment, account_home, overrides.cache, "XDG_CACHE_HOME", ".cache"));
  found.data = PLK_TRY(
      find_directory(environment, account_home, overrides.data, "XDG_DATA_HOME", ".local/share"));
  return found;
}

std::string default_store_location(std::string_view account_home) {
  return "fs:" + join_path(account_home, ".plakar");
}

std::optional<std::string> account_home() {
  std::vector<char> buffer(std::size_t{16} << 10);
  for (;;) {
    passwd entry{};
    passwd* found = nullptr;
    const int status = ::getpwuid_r(::getuid(), &entry, buffer.data(), buffer.size(), &found);
    if (status == ERANGE && buffer.size() < account_entry_bytes_max) {
      buffer.resize(buffer.size() * 2);
      continue;
    }
    if (status != 0 || found == nullptr || found->pw_dir == nullptr || *found->pw_dir == '\0') {
      return std::nullopt;
    }
    return found->pw_dir;
  }
}

}  // namespace plakar::config
