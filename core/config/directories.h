// The three directories of an account, and its default store (XDG on every Unix).
//
// Pure but for `account_home`; the environment comes in as a function, so that tests own it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace plakar::config {

struct Directories {
  std::string config;  // stores.yml, sources.yml, destinations.yml, ...
  std::string cache;
  std::string data;
};

// The value of an environment variable; empty and unset are the same here.
using EnvironmentLookup = std::function<std::optional<std::string>(std::string_view name)>;

// What -configdir, -cachedir and -datadir gave: taken as it is, nothing appended.
struct DirectoryOverrides {
  std::optional<std::string> config;
  std::optional<std::string> cache;
  std::optional<std::string> data;
};

// An override, else `plakar` below XDG_CONFIG_HOME, XDG_CACHE_HOME or XDG_DATA_HOME where
// that is an absolute path (others are ignored, as the XDG specification asks), else below
// .config, .cache or .local/share in $HOME, else in `account_home`. None of them known is
// Errc::not_found. Nothing is created.
Result<Directories> find_directories(const EnvironmentLookup& environment,
                                     const std::optional<std::string>& account_home,
                                     const DirectoryOverrides& overrides = {});

// The store used when nothing names one: `.plakar` in the account's home directory. $HOME
// does not count here, as in genuine Plakar, so that sudo does not pick another store.
std::string default_store_location(std::string_view account_home);

// The current user's home directory from the account database.
std::optional<std::string> account_home();

}  // namespace plakar::config
