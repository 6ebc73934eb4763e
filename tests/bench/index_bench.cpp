// Where a blob is, in a table of a million and of ten million locations. The yardstick in the same
// run is std::unordered_map with the same keys, which has everything in memory and checks nothing.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/base/file_system.h"
#include "core/kloset/state/memory_index.h"
#include "core/kloset/state/table_index.h"

namespace plakar::kloset {
namespace {

constexpr std::uint64_t locations_per_packfile = 40;
constexpr std::uint64_t locations_per_state = 100'000;

// As evenly distributed as the real ones, and made again from its number.
Mac mac_of(std::uint64_t number) {
  Mac mac;
  for (std::size_t i = 0; i < 4; ++i) {
    std::uint64_t word = (number * 4 + i + 1) * 0x9e3779b97f4a7c15;
    word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9;
    word = (word ^ word >> 27) * 0x94d049bb133111eb;
    store_le(std::span(mac.bytes).subspan(i * 8), word ^ word >> 31);
  }
  return mac;
}

PackfileMac packfile_of(std::uint64_t number) {
  return {.bytes = mac_of(number / locations_per_packfile + (std::uint64_t{1} << 40)).bytes};
}

LocationEntry location_of(std::uint64_t number) {
  return {.type = ResourceType::chunk,
          .version = version_1_0_0,
          .blob = mac_of(number),
          .packfile = packfile_of(number),
          .offset = number % locations_per_packfile * 500'000,
          .length = 500'000,
          .flags = 0};
}

struct BenchDirectory {
  BenchDirectory() : path((std::filesystem::temp_directory_path() / "plakar-XXXXXX").string()) {
    if (::mkdtemp(path.data()) == nullptr) std::abort();
  }
  ~BenchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }

  std::string path;
};

TableIndex::Options options_in(const std::string& directory) {
  return {.directory = directory, .repository_id = {}, .resident_bytes_max = SIZE_MAX};
}

using States = std::vector<std::pair<StateId, Bytes>>;

// The plaintext of states with so many locations.
States states_of(std::uint64_t count) {
  States states;
  for (std::uint64_t first = 0; first < count; first += locations_per_state) {
    StateWriter writer({});
    const std::uint64_t end = std::min(count, first + locations_per_state);
    for (std::uint64_t i = first; i < end; ++i) writer.add(location_of(i));
    for (std::uint64_t i = first; i < end; i += locations_per_packfile) {
      writer.add(PackfileEntry{.packfile = packfile_of(i), .state = {}, .time_ns = 0});
    }
    states.emplace_back(StateId{.bytes = mac_of(first + (std::uint64_t{1} << 50)).bytes},
                        std::move(writer).finish(0));
  }
  return states;
}

void merge_all(StateIndex& index, const States& states) {
  for (const auto& [id, plain] : states) {
    if (!index.merge({.id = id, .version = version_1_1_0, .plain = plain})) std::abort();
  }
}

// A saved table, made once for each size.
const std::string& table_directory(std::uint64_t count) {
  static std::map<std::uint64_t, BenchDirectory> tables;
  const auto found = tables.find(count);
  if (found != tables.end()) return found->second.path;
  const std::string& path = tables[count].path;
  const auto index = TableIndex::open(system_files(), system_random(), options_in(path));
  merge_all(*index, states_of(count));
  if (!index->save()) std::abort();
  return path;
}

std::uint64_t next_number(std::uint64_t& state) {
  state = state * 6364136223846793005 + 1442695040888963407;
  return state >> 33;
}

// Numbers to ask for, computed before: the time is the index's alone.
std::vector<Mac> macs_to_find(std::uint64_t first, std::uint64_t count) {
  std::vector<Mac> macs(1 << 20);
  std::uint64_t state = 1;
  for (Mac& mac : macs) mac = mac_of(first + next_number(state) % count);
  return macs;
}

void find_macs(benchmark::State& state, const StateIndex& index, const std::vector<Mac>& macs) {
  for (const Mac& mac : macs) benchmark::DoNotOptimize(index.find(ResourceType::chunk, mac));
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(index.find(ResourceType::chunk, macs[i]));
    i = (i + 1) % macs.size();
  }
  state.SetItemsProcessed(state.iterations());
}

void index_find(benchmark::State& state) {
  const auto count = static_cast<std::uint64_t>(state.range(0));
  const auto index =
      TableIndex::open(system_files(), system_random(), options_in(table_directory(count)));
  find_macs(state, *index, macs_to_find(0, count));
}
BENCHMARK(index_find)->Arg(1'000'000)->Arg(10'000'000);

// With the default bound for what is resident.
void index_find_bounded(benchmark::State& state) {
  const auto count = static_cast<std::uint64_t>(state.range(0));
  TableIndex::Options options = options_in(table_directory(count));
  options.resident_bytes_max = TableIndex::Options{}.resident_bytes_max;
  const auto index = TableIndex::open(system_files(), system_random(), options);
  find_macs(state, *index, macs_to_find(0, count));
}
BENCHMARK(index_find_bounded)->Arg(1'000'000)->Arg(10'000'000);

// What every chunk of a first backup asks.
void index_find_missing(benchmark::State& state) {
  const auto count = static_cast<std::uint64_t>(state.range(0));
  const auto index =
      TableIndex::open(system_files(), system_random(), options_in(table_directory(count)));
  find_macs(state, *index, macs_to_find(std::uint64_t{1} << 60, count));
}
BENCHMARK(index_find_missing)->Arg(1'000'000)->Arg(10'000'000);

void index_find_unordered_map(benchmark::State& state) {
  const auto count = static_cast<std::uint64_t>(state.range(0));
  std::unordered_map<Mac, BlobLocation> map;
  map.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const LocationEntry entry = location_of(i);
    map.emplace(
        entry.blob,
        BlobLocation{.packfile = entry.packfile, .offset = entry.offset, .length = entry.length});
  }
  const std::vector<Mac> macs = macs_to_find(0, count);
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(map.find(macs[i])->second);
    i = (i + 1) % macs.size();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(index_find_unordered_map)->Arg(1'000'000)->Arg(10'000'000);

// Opening, and one lookup.
void index_open(benchmark::State& state) {
  const auto count = static_cast<std::uint64_t>(state.range(0));
  const std::string& directory = table_directory(count);
  for (auto _ : state) {
    const auto index = TableIndex::open(system_files(), system_random(), options_in(directory));
    benchmark::DoNotOptimize(index->find(ResourceType::chunk, mac_of(count / 2)));
  }
}
BENCHMARK(index_open)->Arg(1'000'000)->Arg(10'000'000)->Unit(benchmark::kMillisecond);

// From the plaintext of states to a table on disk.
void index_build(benchmark::State& state) {
  const auto count = static_cast<std::uint64_t>(state.range(0));
  const auto states = states_of(count);
  for (auto _ : state) {
    const BenchDirectory directory;
    const auto index =
        TableIndex::open(system_files(), system_random(), options_in(directory.path));
    merge_all(*index, states);
    if (!index->save()) std::abort();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(count));
}
BENCHMARK(index_build)
    ->Arg(1'000'000)
    ->Arg(10'000'000)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

void index_build_memory(benchmark::State& state) {
  const auto count = static_cast<std::uint64_t>(state.range(0));
  const auto states = states_of(count);
  for (auto _ : state) {
    const auto index = make_memory_index();
    merge_all(*index, states);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(count));
}
BENCHMARK(index_build_memory)->Arg(1'000'000)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace plakar::kloset
