// Packfiles into a store in a directory, beside the plain way to write a file that lasts. Where the
// temporary directory is on a disk, that is: in memory both say little.
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "core/base/file_system.h"
#include "core/base/files.h"
#include "core/connectors/fs/store.h"

namespace {

using namespace plakar;

constexpr std::size_t packfile_bytes = 64u << 20;
constexpr std::size_t blob_bytes = 1u << 20;

struct Place {
  Place() : path((std::filesystem::temp_directory_path() / "plakar-bench-XXXXXX").string()) {
    if (::mkdtemp(path.data()) == nullptr) std::abort();
    store = connectors::make_fs_store(system_env(), path + "/store", {});
    if (!store->create(as_bytes("config"))) std::abort();
  }
  ~Place() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }

  std::string path;
  std::unique_ptr<kloset::Store> store;
};

Place& place() {
  static Place instance;
  return instance;
}

const Bytes& blob() {
  static const Bytes bytes(blob_bytes, std::byte{0xa5});
  return bytes;
}

Status write_plainly(const std::string& directory) {
  File file = PLK_TRY(system_files().open(directory + "/tmp",
                                          {.access = Access::write, .create = Create::always_new}));
  for (std::size_t at = 0; at < packfile_bytes; at += blob_bytes) {
    PLK_TRY(file.write_at(at, blob()));
  }
  PLK_TRY(file.sync(SyncScope::data));
  PLK_TRY(file.close());
  PLK_TRY(system_files().rename(directory + "/tmp", directory + "/packfile"));
  return sync_directory(system_files(), directory);
}

Status write_packfile(kloset::Store& store, const kloset::ItemName& name) {
  auto writer = PLK_TRY(store.start(kloset::ItemKind::packfile, packfile_bytes));
  for (std::size_t at = 0; at < packfile_bytes; at += blob_bytes) PLK_TRY(writer->write(blob()));
  return writer->commit(name);
}

// Removing what was written before is not part of what is measured.
void fs_store_write_plain(benchmark::State& state) {
  for (auto _ : state) {
    if (!write_plainly(place().path)) state.SkipWithError("cannot write");
    state.PauseTiming();
    static_cast<void>(system_files().remove_file(place().path + "/packfile"));
    state.ResumeTiming();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(packfile_bytes));
}
BENCHMARK(fs_store_write_plain)->MeasureProcessCPUTime()->UseRealTime();

void fs_store_write_packfile(benchmark::State& state) {
  kloset::Store& store = *place().store;
  for (auto _ : state) {
    if (!write_packfile(store, {})) state.SkipWithError("cannot write");
    state.PauseTiming();
    static_cast<void>(store.remove(kloset::ItemKind::packfile, {}));
    state.ResumeTiming();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(packfile_bytes));
}
BENCHMARK(fs_store_write_packfile)->MeasureProcessCPUTime()->UseRealTime();

// What a restore does: ranges of a packfile that is read again and again.
void fs_store_read_ranges(benchmark::State& state) {
  kloset::Store& store = *place().store;
  kloset::ItemName name;
  name.bytes.fill(std::byte{1});
  if (!write_packfile(store, name)) state.SkipWithError("cannot write");
  Bytes out(static_cast<std::size_t>(state.range(0)));
  std::uint64_t offset = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(store.read(kloset::ItemKind::packfile, name, offset, out));
    offset = (offset + out.size()) % (packfile_bytes - out.size());
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(fs_store_read_ranges)->Arg(4096)->Arg(1 << 20);

void fs_store_read_ranges_file(benchmark::State& state) {
  kloset::Store& store = *place().store;
  kloset::ItemName name;
  name.bytes.fill(std::byte{1});
  if (!write_packfile(store, name)) state.SkipWithError("cannot write");
  const File file = system_files().open(place().path + "/store/packfiles/01/" + name.hex()).value();
  Bytes out(static_cast<std::size_t>(state.range(0)));
  std::uint64_t offset = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(file.read_at(offset, out));
    offset = (offset + out.size()) % (packfile_bytes - out.size());
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(fs_store_read_ranges_file)->Arg(4096)->Arg(1 << 20);

}  // namespace
