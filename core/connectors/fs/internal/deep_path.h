// Paths of any length. The kernel takes 4,096 bytes at a time; a tree may go deeper than that.
#pragma once

#include <string>
#include <string_view>

#include "core/base/file_system.h"
#include "core/base/result.h"

namespace plakar::connectors {

// The last component of a path, and the open directory that it is in.
struct PlaceInDirectory {
  File directory;
  std::string name;

  At at() const { return {directory, name}; }
};

// `path` is absolute and clean, and not "/". Links in the directories above are followed: this is
// for sources and stores, whose paths are the user's. A directory on the way that cannot be
// opened is the error.
Result<PlaceInDirectory> locate(const FileSystem& files, std::string_view path);

// The directory itself.
Result<File> open_directory(const FileSystem& files, std::string_view path, bool follow_last);

}  // namespace plakar::connectors
