// Which version of which program this is.
#pragma once

#include <string_view>

namespace plakar {

// "v1.1.4": the release of the command line, the configuration files and the store format
// that we are compatible with, both ways.
std::string_view version() noexcept;

// "plakar/v1.1.4": what `plakar version` prints, what snapshots record as their client and
// what HTTP requests begin their User-Agent with.
std::string_view client_name() noexcept;

}  // namespace plakar
