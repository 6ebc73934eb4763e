// Ten thousand snapshots in a store that is a directory: opening it, listing them, and finding the
// newest of a source. The yardsticks in the same run: what listing the states' directory takes
// anyway, and decoding as many headers that are in memory.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "core/base/env.h"
#include "core/base/random.h"
#include "core/connectors/fs/store.h"
#include "core/kloset/repository/transaction.h"
#include "core/kloset/snapshot/catalogue.h"
#include "core/kloset/state/delta.h"

namespace plakar::kloset {
namespace {

constexpr int snapshot_count = 10'000;
constexpr int source_count = 20;

template <class T>
T must(Result<T> result) {
  if (!result) std::abort();
  return std::move(result).take();
}
void must(const Status& status) {
  if (!status) std::abort();
}

SnapshotHeader header_of(int number) {
  SnapshotHeader header;
  header.identifier = SnapshotId::random(system_random());
  header.timestamp = {.seconds = 1'700'000'000 + number * 3600, .nanoseconds = 0};
  header.name = "default";
  header.tags = {"nightly", "host-" + std::to_string(number % source_count)};
  for (const char* key : {"MachineID", "Hostname", "OperatingSystem", "Architecture", "CommandLine",
                          "ProcessID", "Client", "NumCPU", "GOMAXPROCS"}) {
    header.context.push_back({.key = key, .value = "value of " + std::to_string(number)});
  }
  header.sources.emplace_back();
  header.sources[0].importer = {.type = "fs",
                                .origin = "host-" + std::to_string(number % source_count),
                                .directory = "/home/somebody/documents"};
  for (const char* name : {"content-type", "dirpack", "summary"}) {
    header.sources[0].indexes.push_back({.name = name, .type = "btree", .value = {}});
  }
  return header;
}

// An encrypted store with a state for each snapshot, made once, and a cache beside it.
class Place {
 public:
  Place() : path_((std::filesystem::temp_directory_path() / "plakar-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) std::abort();
    KdfParams kdf = *default_kdf("ARGON2ID");
    kdf.argon2id->memory_kib = 8;
    kdf.argon2id->time = 1;
    const auto store = make_store();
    const Secret passphrase("right");
    must(Repository::create(*store, default_config(), &passphrase, kdf, system_env()));
    const auto repository = open(*store, "");
    const auto transaction = Transaction::begin(*repository, {});
    for (int i = 0; i < snapshot_count; ++i) {
      const SnapshotHeader header = header_of(i);
      must(transaction->put_snapshot(header.identifier, encode_header(header)));
    }
    must(transaction->commit(StateId::random(system_random())));
    for (int i = 1; i < snapshot_count; ++i) {
      StateWriter writer(repository->index().last_state());
      writer.add(ColouredEntry{ResourceType::chunk, Mac::random(system_random()), 1});
      must(
          repository->publish_state(StateId::random(system_random()), std::move(writer).finish(i)));
    }
  }
  ~Place() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::unique_ptr<Store> make_store() {
    return connectors::make_fs_store(system_env(), path_ + "/store", {});
  }
  std::unique_ptr<Repository> open(Store& store, const std::string& cache) {
    auto repository = must(Repository::open(store, system_env(), [] { return Secret("right"); },
                                            {.cache_directory = cache}));
    must(repository->refresh());
    return repository;
  }
  std::string cache() const { return path_ + "/cache"; }
  std::string states() const { return path_ + "/store/states"; }

 private:
  std::string path_;
};

Place& place() {
  static Place place;
  return place;
}

// With an index that has every state already. The derivation of the key is made cheap.
void open_unchanged(benchmark::State& state) {
  const auto store = place().make_store();
  place().open(*store, place().cache());
  for (auto _ : state) place().open(*store, place().cache());
}
BENCHMARK(open_unchanged)->Unit(benchmark::kMillisecond);

void open_unchanged_directory_alone(benchmark::State& state) {
  for (auto _ : state) {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(place().states())) {
      count += entry.path().native().size();
    }
    benchmark::DoNotOptimize(count);
  }
}
BENCHMARK(open_unchanged_directory_alone)->Unit(benchmark::kMillisecond);

// Without a cache: every state is read.
void open_for_the_first_time(benchmark::State& state) {
  const auto store = place().make_store();
  for (auto _ : state) {
    std::filesystem::remove_all(place().cache());
    place().open(*store, place().cache());
  }
}
BENCHMARK(open_for_the_first_time)->Unit(benchmark::kMillisecond)->Iterations(1);

void list_headers(benchmark::State& state, bool cached) {
  const auto store = place().make_store();
  const auto repository = place().open(*store, cached ? place().cache() : "");
  const auto list = [&] {
    int count = 0;
    must(for_each_header(
        *repository,
        [&](const SnapshotHeader&) -> Status {
          ++count;
          return {};
        },
        [](const SnapshotId&, const Error& error) -> Status { return error; }));
    if (count != snapshot_count) std::abort();
  };
  if (cached) list();
  for (auto _ : state) list();
  state.SetItemsProcessed(state.iterations() * snapshot_count);
}
BENCHMARK_CAPTURE(list_headers, cached, true)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(list_headers, from_the_store, false)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1);

void find_newest(benchmark::State& state) {
  const auto store = place().make_store();
  const auto repository = place().open(*store, place().cache());
  const Importer importer = header_of(7).source().importer;
  for (auto _ : state) {
    if (!must(find_newest_snapshot(*repository, importer))) std::abort();
  }
}
BENCHMARK(find_newest)->Unit(benchmark::kMillisecond);

void decode_headers_in_memory(benchmark::State& state) {
  const SnapshotHeader header = header_of(7);
  const Bytes encoded = encode_header(header);
  for (auto _ : state) {
    for (int i = 0; i < snapshot_count; ++i) {
      benchmark::DoNotOptimize(decode_header(encoded, header.identifier));
    }
  }
  state.SetItemsProcessed(state.iterations() * snapshot_count);
}
BENCHMARK(decode_headers_in_memory)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace plakar::kloset
