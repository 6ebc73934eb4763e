// Exclude patterns against the paths of a source tree: none to speak of, and a thousand of all
// kinds. The yardstick is fnmatch() for a single pattern.
#include <benchmark/benchmark.h>
#include <fnmatch.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "core/kloset/excludes.h"

namespace {

using namespace plakar;

std::vector<std::string> make_paths() {
  std::vector<std::string> paths;
  for (int i = 0; i < 1'000; ++i) {
    paths.push_back("/home/someone/project/group-" + std::to_string(i % 40) + "/directory-" +
                    std::to_string(i % 7) + "/file-" + std::to_string(i) + ".tar.c");
  }
  return paths;
}

// Of four, three are of the kinds that lists of patterns are mostly made of.
kloset::Excludes make_excludes(std::int64_t count) {
  kloset::Excludes excludes;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::string number = std::to_string(i);
    const std::string line = i % 4 == 0   ? "name-" + number
                             : i % 4 == 1 ? "*.ending" + number
                             : i % 4 == 2 ? "/home/someone/.cache/" + number + "/"
                                          : "build-" + number + "-*";
    if (!excludes.add_line(line)) std::abort();
  }
  return excludes;
}

void fnmatch_one_pattern(benchmark::State& state) {
  const auto paths = make_paths();
  for (auto _ : state) {
    for (const std::string& path : paths) {
      benchmark::DoNotOptimize(::fnmatch("/home/*/x-*.c", path.c_str(), FNM_PATHNAME));
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(paths.size()));
}
BENCHMARK(fnmatch_one_pattern);

void excludes_patterns(benchmark::State& state) {
  const auto paths = make_paths();
  const kloset::Excludes excludes = make_excludes(state.range(0));
  for (auto _ : state) {
    for (const std::string& path : paths) {
      benchmark::DoNotOptimize(excludes.excludes(path, kloset::EntryKind::other));
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(paths.size()));
}
BENCHMARK(excludes_patterns)->ArgName("patterns")->Arg(4)->Arg(100)->Arg(1'000);

}  // namespace
