// A module in a worker against the same module in this process: what a call costs, and how much
// of the throughput of blocks and records is left.
#include <benchmark/benchmark.h>
#include <plakar/connector.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/crypto/blake3.h"
#include "core/host/worker/module.h"
#include "core/host/worker/testing/trial_host.h"

extern "C" plk_status plk_entry_v1_trial(const plk_entry_args* args, const plk_plugin** plugin,
                                         plk_error* err);

namespace plakar::host::worker {
namespace {

using namespace testing;

constexpr std::size_t block_bytes = std::size_t{1} << 20;
constexpr std::int64_t file_blocks = 64;

enum Mode { in_process, in_worker };

constexpr plk_str location = PLK_STR("trial://here");

void require(bool holds) {
  if (!holds) std::abort();
}

// The module, one way or the other, with one instance.
struct Bench {
  Bench(std::int64_t mode, std::size_t connector_index, TrialConfig config = {}) {
    const plk_entry_args entry = host.entry_args();
    const plk_plugin* plugin = nullptr;
    if (mode == in_process) {
      require(plk_entry_v1_trial(&entry, &plugin, nullptr) == PLK_OK);
    } else {
      supervisor = Supervisor::create().value();
      WorkerModuleSettings settings;
      settings.worker.program = PLAKAR_WORKER;
      settings.worker.module_path = TRIAL_MODULE;
      module = WorkerModule::create(*supervisor, system_clock(), settings, entry).value();
      plugin = &module->plugin();
    }
    connector = plugin->connectors[connector_index];
    plk_open_args args{};
    args.struct_size = sizeof args;
    args.ctx = host.ctx();
    args.call = call.handle();
    args.location = location;
    args.config = config.config();
    args.concurrency = 4;
    require(connector->open(&args, &instance, nullptr) == PLK_OK);
  }
  ~Bench() { connector->close(instance, nullptr); }

  template <class Ops>
  const Ops& ops() const {
    return *static_cast<const Ops*>(connector->ops);
  }

  TrialHost host;
  TrialCall call;
  std::unique_ptr<Supervisor> supervisor;
  std::unique_ptr<WorkerModule> module;
  const plk_connector* connector = nullptr;
  plk_instance* instance = nullptr;
};

// A file of some blocks, in the page cache.
struct File {
  File() {
    const int descriptor = ::mkstemp(path.data());
    require(descriptor >= 0);
    const std::string block(block_bytes, 'f');
    for (std::int64_t i = 0; i < file_blocks; ++i) {
      require(::write(descriptor, block.data(), block.size()) ==
              static_cast<ssize_t>(block.size()));
    }
    ::close(descriptor);
  }
  ~File() { ::unlink(path.c_str()); }

  std::string path = "/tmp/plakar-bench-XXXXXX";
};

void round_trip(benchmark::State& state) {
  const Bench bench(state.range(0), 2);
  const auto& ops = bench.ops<plk_storage_ops>();
  TrialCall call;
  for (auto _ : state) {
    std::uint32_t mode = 0;
    require(ops.mode(bench.instance, call.handle(), &mode, nullptr) == PLK_OK);
    benchmark::DoNotOptimize(mode);
  }
}

void read_blocks(benchmark::State& state, bool hashing) {
  const File file;
  Bench bench(state.range(0), 0,
              TrialConfig()
                  .set("file", file.path)
                  .set("size", static_cast<std::int64_t>(block_bytes) * file_blocks));
  const auto& ops = bench.ops<plk_importer_ops>();
  plk_scan_args args{};
  args.struct_size = sizeof args;
  args.max_batch = 16;
  plk_scan* scan = nullptr;
  require(ops.scan_open(bench.instance, bench.call.handle(), &args, &scan, nullptr) == PLK_OK);
  std::vector<std::byte> buffer(block_bytes);
  for (auto _ : state) {
    plk_reader* reader = nullptr;
    require(ops.record_open(scan, bench.call.handle(), 0, 0, &reader, nullptr) == PLK_OK);
    std::uint64_t got = 0;
    while (ops.reader->read(reader, bench.call.handle(), buffer.data(), buffer.size(), &got,
                            nullptr) == PLK_OK) {
      if (hashing) benchmark::DoNotOptimize(crypto::blake3(BytesView(buffer).first(got)));
    }
    ops.reader->close(reader, nullptr);
  }
  ops.scan_close(scan, nullptr);
  state.SetBytesProcessed(state.iterations() * file_blocks *
                          static_cast<std::int64_t>(block_bytes));
}
void worker_read(benchmark::State& state) { read_blocks(state, false); }
void worker_read_and_hash(benchmark::State& state) { read_blocks(state, true); }

void write_blocks(benchmark::State& state, bool hashing) {
  const File file;
  Bench bench(state.range(0), 1, TrialConfig().set("file", file.path));
  const auto& ops = bench.ops<plk_exporter_ops>();
  plk_export_args args{};
  args.struct_size = sizeof args;
  plk_export* exported = nullptr;
  plk_call* call = bench.call.handle();
  require(ops.export_open(bench.instance, call, &args, &exported, nullptr) == PLK_OK);
  const std::vector<std::byte> buffer(block_bytes, std::byte{1});
  plk_record record{};
  record.type = PLK_R_FILE;
  record.flags = PLK_RF_HAS_DATA;
  for (auto _ : state) {
    plk_writer* writer = nullptr;
    require(ops.put(exported, call, &record, sizeof record, &writer, nullptr) == PLK_OK);
    for (std::int64_t i = 0; i < file_blocks; ++i) {
      if (hashing) benchmark::DoNotOptimize(crypto::blake3(buffer));
      require(ops.writer->write(writer, call, buffer.data(), buffer.size(), nullptr) == PLK_OK);
    }
    std::uint64_t bytes = 0;
    require(ops.writer->commit(writer, call, &bytes, nullptr) == PLK_OK);
  }
  ops.export_close(exported, nullptr);
  state.SetBytesProcessed(state.iterations() * file_blocks *
                          static_cast<std::int64_t>(block_bytes));
}

void worker_write(benchmark::State& state) { write_blocks(state, false); }
void worker_hash_and_write(benchmark::State& state) { write_blocks(state, true); }

// A packfile's range from a store that has it in memory: nothing to overlap with.
void worker_get(benchmark::State& state) {
  Bench bench(state.range(0), 2);
  const auto& ops = bench.ops<plk_storage_ops>();
  std::vector<std::byte> buffer(block_bytes, std::byte{1});
  const plk_bytes content{reinterpret_cast<const std::uint8_t*>(buffer.data()), buffer.size()};
  plk_object object{};
  object.struct_size = sizeof object;
  object.key = {reinterpret_cast<const std::uint8_t*>("key"), 3};
  plk_call* call = bench.call.handle();
  require(ops.put(bench.instance, call, &object, &content, 1, nullptr) == PLK_OK);
  for (auto _ : state) {
    std::uint64_t got = 0;
    require(ops.get(bench.instance, call, &object, 0, buffer.data(), buffer.size(), &got,
                    nullptr) == PLK_OK);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(block_bytes));
}

void worker_scan(benchmark::State& state) {
  constexpr std::int64_t records = 100'000;
  Bench bench(state.range(0), 0, TrialConfig().set("count", records));
  const auto& ops = bench.ops<plk_importer_ops>();
  plk_scan_args args{};
  args.struct_size = sizeof args;
  args.max_batch = 1024;
  plk_call* call = bench.call.handle();
  for (auto _ : state) {
    plk_scan* scan = nullptr;
    require(ops.scan_open(bench.instance, call, &args, &scan, nullptr) == PLK_OK);
    plk_record_batch batch{};
    batch.struct_size = sizeof batch;
    std::int64_t seen = 0;
    while (ops.scan_next(scan, call, &batch, nullptr) == PLK_OK) {
      seen += static_cast<std::int64_t>(batch.count);
    }
    require(seen == records);
    ops.scan_close(scan, nullptr);
  }
  state.SetItemsProcessed(state.iterations() * records);
}

// A worker with its module, up to its first instance, and its end.
void worker_start(benchmark::State& state) {
  TrialHost host;
  const auto supervisor = Supervisor::create().value();
  for (auto _ : state) {
    WorkerModuleSettings settings;
    settings.worker.program = PLAKAR_WORKER;
    settings.worker.module_path = TRIAL_MODULE;
    const auto module =
        WorkerModule::create(*supervisor, system_clock(), settings, host.entry_args()).value();
    benchmark::DoNotOptimize(module->plugin().connector_count);
  }
}

BENCHMARK(round_trip)->Name("worker_round_trip")->Arg(in_process)->Arg(in_worker)->UseRealTime();
BENCHMARK(worker_read)->Arg(in_process)->Arg(in_worker)->UseRealTime();
BENCHMARK(worker_read_and_hash)->Arg(in_process)->Arg(in_worker)->UseRealTime();
BENCHMARK(worker_write)->Arg(in_process)->Arg(in_worker)->UseRealTime();
BENCHMARK(worker_hash_and_write)->Arg(in_process)->Arg(in_worker)->UseRealTime();
BENCHMARK(worker_get)->Arg(in_process)->Arg(in_worker)->UseRealTime();
BENCHMARK(worker_scan)->Arg(in_process)->Arg(in_worker)->UseRealTime();
BENCHMARK(worker_start)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace plakar::host::worker
