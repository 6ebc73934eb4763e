// Runs what follows as a user without rights, also where the tests run as root: there the
// process is "nobody" until this goes, and `own` is nobody's, so that it can write there.
// Where the tests run as a user already, nothing changes.
#pragma once

#include <filesystem>

namespace plakar::testing {

class WithoutPrivilege {
 public:
  explicit WithoutPrivilege(const std::filesystem::path& own);
  ~WithoutPrivilege();
  WithoutPrivilege(const WithoutPrivilege&) = delete;
  WithoutPrivilege& operator=(const WithoutPrivilege&) = delete;

 private:
  bool was_root_;
};

}  // namespace plakar::testing
