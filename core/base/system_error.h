// errno as an Error: the one table from causes to what a caller can do about them.
#pragma once

#include <string_view>

#include "core/base/error.h"

namespace plakar {

Errc errc_from_errno(int number) noexcept;

// "open /etc/shadow: Permission denied". `operation` is ours; `path` is escaped, and may be
// empty.
Error system_error(int number, std::string_view operation, std::string_view path = {});

}  // namespace plakar
