#include "tests/support/temp_dir.h"

#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace plakar::testing {

std::filesystem::path memory_directory() {
  const std::filesystem::path shared_memory = "/dev/shm";
  std::error_code ignored;
  const bool is_there = std::filesystem::is_directory(shared_memory, ignored);
  return is_there ? shared_memory : std::filesystem::temp_directory_path();
}

TempDir::TempDir(const std::filesystem::path& parent) {
  std::string name = (parent / "plakar-test-XXXXXX").string();
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
