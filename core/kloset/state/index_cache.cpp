#include "core/kloset/state/index_cache.h"

#include "core/kloset/state/memory_index.h"
#include "core/kloset/state/table_index.h"

namespace plakar::kloset {

std::string cache_directory_of(const std::string& cache_directory, const Uuid& repository_id) {
  if (cache_directory.empty()) return {};
  return cache_directory + "/native/" + repository_id.text();
}

Result<std::unique_ptr<StateIndex>> open_cached_index(const FileSystem& files, Random& random,
                                                      const std::string& cache_directory,
                                                      const Uuid& repository_id) {
  if (cache_directory.empty()) return make_memory_index();
  return TableIndex::open(files, random,
                          {.directory = cache_directory_of(cache_directory, repository_id),
                           .repository_id = repository_id});
}

}  // namespace plakar::kloset
