#include "tests/support/temp_dir.h"

#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace plakar::testing {

TempDir::TempDir() {
  std::string name = (std::filesystem::temp_directory_path() / "plakar-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    throw std::system_error(errno, std::generic_category(), "mkdtemp " + name);
  }
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;  // A test may have removed it, or taken away our rights.
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace plakar::testing
