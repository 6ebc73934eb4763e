// Where the index of a store is kept between runs, on this machine:
//
//   <cache>/native/<repository id>/     table_index.h
//
// `<cache>` is the user's, as `~/.cache/plakar`; who composes a program knows it, and nothing
// below.
#pragma once

#include <memory>
#include <string>

#include "core/base/file_system.h"
#include "core/base/id.h"
#include "core/base/random.h"
#include "core/base/result.h"
#include "core/kloset/state/index.h"

namespace plakar::kloset {

// What this program keeps about one repository. Empty when `cache_directory` is.
std::string cache_directory_of(const std::string& cache_directory, const Uuid& repository_id);

// The index of a repository, as the last run left it. Where the directory cannot be used, for want
// of space or of rights, it works without, and what does not fit in memory only costs time;
// `cache_directory` may be empty. `files` and `random` outlive the index.
Result<std::unique_ptr<StateIndex>> open_cached_index(const FileSystem& files, Random& random,
                                                      const std::string& cache_directory,
                                                      const Uuid& repository_id);

}  // namespace plakar::kloset
