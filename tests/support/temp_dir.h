// A fresh directory for one test, removed with everything in it at the end.
//
//   const TempDir directory;                        // on a disk, as the user's files are
//   const TempDir directory(memory_directory());    // for thousands of synced files
#pragma once

#include <filesystem>
#include <string>

namespace plakar::testing {

// Where files take no disk, if there is such a place; else where temporary files go.
std::filesystem::path memory_directory();

class TempDir {
 public:
  explicit TempDir(const std::filesystem::path& parent = std::filesystem::temp_directory_path());
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace plakar::testing
