#include "tests/support/without_privilege.h"

#include <doctest/doctest.h>
#include <unistd.h>

namespace plakar::testing {
namespace {
constexpr ::uid_t nobody = 65534;
}

WithoutPrivilege::WithoutPrivilege(const std::filesystem::path& own) : was_root_(::geteuid() == 0) {
  if (!was_root_) return;
  REQUIRE(::chown(own.c_str(), nobody, nobody) == 0);
  REQUIRE(::setegid(nobody) == 0);
  REQUIRE(::seteuid(nobody) == 0);
}

WithoutPrivilege::~WithoutPrivilege() {
  if (!was_root_) return;
  CHECK(::seteuid(0) == 0);
  CHECK(::setegid(0) == 0);
}

}  // namespace plakar::testing
