// Decides which entries of an archive may be created below an empty directory, for archives
// from strangers: packages and uploads.
//
// Refused, each with Errc::invalid_argument: names that are absolute, empty, contain `..` or
// a NUL; a second entry with the same name; an entry below something that is not a
// directory, in particular below a symlink; symlinks that could lead outside; hard links to
// anything but an earlier file; devices, fifos and sockets; entries with a warning; and more
// than the limits allow. What was admitted so far stays inside the directory whatever was
// refused, so an extractor may clean up by removing it.
//
// A symlink's text may start with `..` as often as its own depth allows, and continue with
// names only. `a/../..` is refused even where the text alone would stay inside: if `a` is a
// symlink into the depth, it does not.
//
// The guard knows names, not the disk. The extractor starts with a directory that is empty
// and only its own, and creates every entry anew (O_EXCL), relative to it.
//
// One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/base/result.h"
#include "core/codec/archive.h"

namespace plakar::codec {

struct ArchiveLimits {
  std::uint64_t max_entries = 100'000;
  std::uint64_t max_total_bytes = std::uint64_t{4} << 30;  // of content
  std::size_t max_path_bytes = 4'096;                      // PATH_MAX; of symlink texts, too
  std::size_t max_path_depth = 128;                        // components
  std::size_t max_name_bytes = 255;                        // NAME_MAX; of a component
  std::size_t max_names_bytes = std::size_t{32} << 20;     // of all names, and 64 for each
};

class ArchiveGuard {
 public:
  explicit ArchiveGuard(const ArchiveLimits& limits = {}) : limits_(limits) {}

  // The path to create, relative, without `.`, empty components or slashes at the ends; ""
  // is the directory itself, which exists. Parents that have no entry of their own are
  // directories the extractor makes. For a hard link `entry.link_target` names the earlier
  // entry in the archive's spelling: `resolve` gives its path.
  Result<std::string> admit(const ArchiveEntry& entry);

  // The normal form of a name, under the same rules.
  Result<std::string> resolve(std::string_view path) const;

  // Counts content where it is read: an entry may be of unknown size, or lie.
  Status count(std::uint64_t bytes);

 private:
  enum class Kind : std::uint8_t { implied_directory, directory, file, symlink };

  Status remember(std::string path, Kind kind);
  Status admit_parents(std::string_view path);
  Status check_symlink(std::string_view path, std::string_view target) const;

  ArchiveLimits limits_;
  std::uint64_t entries_ = 0;
  std::uint64_t total_bytes_ = 0;
  std::size_t names_bytes_ = 0;
  std::unordered_map<std::string, Kind> kinds_;
};

}  // namespace plakar::codec
