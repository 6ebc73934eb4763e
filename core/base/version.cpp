#include "core/base/version.h"

namespace plakar {

std::string_view version() noexcept { return "v" PLAKAR_VERSION; }
std::string_view client_name() noexcept { return "plakar/v" PLAKAR_VERSION; }

}  // namespace plakar
