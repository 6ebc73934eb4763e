// Reading back: restores, checks and listings of whole snapshots.
//
// By default of a small tree made here, beside a plain copy of it. With environment variables, of
// real data:
//   PLAKAR_BENCH_TREE    a directory to be backed up first
//   PLAKAR_BENCH_STORE   where that store is made, unless it is there already, and stays
//   PLAKAR_BENCH_OUTPUT  where restores go; each gets a directory of its own, removed at the end
// Keys are derived outside of what is measured.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <random>
#include <string>

#include "core/connectors/fs/destination.h"
#include "core/connectors/fs/source.h"
#include "core/connectors/fs/store.h"
#include "core/kloset/repository/repository.h"
#include "core/kloset/snapshot/snapshot_reader.h"
#include "core/kloset/state/table_index.h"
#include "core/ops/backup.h"
#include "core/ops/check.h"
#include "core/ops/restore.h"

namespace {

using namespace plakar;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

[[noreturn]] void give_up(const Error& error) {
  std::cerr << error.message() << '\n';
  std::abort();
}

template <class T>
T must(Result<T> result) {
  if (!result) give_up(result.error());
  return *std::move(result);
}
void must(const Status& status) {
  if (!status) give_up(status.error());
}

struct Quiet final : ops::BackupObserver, ops::RestoreObserver, ops::CheckObserver {
  void stored(const kloset::Record&, std::uint64_t, bool) override {}
  void restored(std::string_view, std::uint64_t) override {}
  void failed(std::string_view path, std::string_view error) override {
    std::cerr << path << ": " << error << '\n';
  }
  void checked(const SnapshotId&, std::string_view) override {}
  void damaged(const ops::Damage& damage) override {
    std::cerr << damage.where << ": " << damage.what << '\n';
  }
};

void make_small_tree(const std::filesystem::path& root) {
  std::mt19937 random(7);
  std::string text(5000, ' ');
  for (int i = 0; i < 2000; ++i) {
    const auto directory = root / std::to_string(i % 50);
    std::filesystem::create_directories(directory);
    for (char& c : text) c = static_cast<char>('a' + random() % 20);
    std::ofstream(directory / std::to_string(i)) << text;
  }
  std::string noise(64u << 20, ' ');
  for (char& c : noise) c = static_cast<char>(random());
  std::ofstream(root / "large") << noise;
}

// A store with one snapshot, open.
class Subject {
 public:
  Subject() {
    std::string pattern = (std::filesystem::temp_directory_path() / "plakar-bench-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    scratch_ = pattern;
    tree_ = environment("PLAKAR_BENCH_TREE");
    if (tree_.empty()) {
      tree_ = scratch_ / "tree";
      make_small_tree(tree_);
    }
    const std::string output = environment("PLAKAR_BENCH_OUTPUT");
    output_ = output.empty() ? scratch_ / "out" : std::filesystem::path(output);
    std::string store_path = environment("PLAKAR_BENCH_STORE");
    if (store_path.empty()) store_path = scratch_ / "store";
    const bool is_new = !std::filesystem::exists(store_path + "/CONFIG");

    store_ = connectors::make_fs_store(system_env(), store_path, {});
    kloset::KdfParams kdf = must(kloset::default_kdf("ARGON2ID"));
    kdf.argon2id->memory_kib = 64;
    const std::string given = environment("PLAKAR_PASSPHRASE");
    const std::string passphrase = given.empty() ? "bench" : given;
    const Secret secret(passphrase);
    if (is_new) {
      must(kloset::Repository::create(*store_, kloset::default_config(), &secret, kdf,
                                      system_env()));
    }
    repository_ = must(kloset::Repository::open(
        *store_, system_env(), [&]() -> Result<Secret> { return Secret(passphrase); },
        {.make_index = [&](const Uuid& id) -> Result<std::unique_ptr<kloset::StateIndex>> {
          return std::unique_ptr<kloset::StateIndex>(
              kloset::TableIndex::open(system_files(), system_env().random,
                                       {.directory = scratch_ / "index", .repository_id = id}));
        }}));
    if (is_new) {
      const auto source = connectors::make_fs_source(
          system_env(), {.root = tree_, .origin = "bench"}, connectors::system_owner_names(), {});
      must(ops::backup(*repository_, *source, {.hostname = "bench"}, quiet_, {}));
    }
    must(repository_->refresh());
    snapshot_ = repository_->index().snapshots().front();
    const auto reader = must(kloset::SnapshotReader::open(*repository_, snapshot_));
    const kloset::Summary& summary = reader.header().source().summary;
    bytes_ = summary.directory.size + summary.below.size;
  }
  ~Subject() {
    std::error_code ignored;
    std::filesystem::remove_all(scratch_, ignored);
  }

  kloset::Repository& repository() { return *repository_; }
  const SnapshotId& snapshot() const { return snapshot_; }
  const std::filesystem::path& tree() const { return tree_; }
  std::filesystem::path output() {
    std::filesystem::create_directories(output_);
    return output_ / std::to_string(outputs_++);
  }
  std::uint64_t bytes() const { return bytes_; }
  Quiet& quiet() { return quiet_; }

 private:
  std::filesystem::path scratch_;
  std::filesystem::path tree_;
  std::filesystem::path output_;
  int outputs_ = 0;
  std::unique_ptr<kloset::Store> store_;
  std::unique_ptr<kloset::Repository> repository_;
  SnapshotId snapshot_;
  std::uint64_t bytes_ = 0;
  Quiet quiet_;
};

Subject& subject() {
  static Subject instance;
  return instance;
}

void count_bytes(benchmark::State& state) {
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(subject().bytes()));
}

void restore_all(benchmark::State& state) {
  Subject& all = subject();
  for (auto _ : state) {
    const std::string root = all.output();
    const auto destination = connectors::make_fs_destination(system_env(), {.root = root}, {});
    const auto reader = must(kloset::SnapshotReader::open(all.repository(), all.snapshot()));
    const auto report = must(ops::restore(all.repository(), all.snapshot(), *destination,
                                          {.path = reader.root()}, all.quiet(), {}));
    if (report.errors > 0) std::abort();
    state.PauseTiming();
    std::filesystem::remove_all(root);
    state.ResumeTiming();
  }
  count_bytes(state);
}
BENCHMARK(restore_all)->UseRealTime()->MeasureProcessCPUTime()->Unit(benchmark::kMillisecond);

// The yardstick of restores.
void copy_tree(benchmark::State& state) {
  Subject& all = subject();
  for (auto _ : state) {
    const std::string root = all.output();
    std::filesystem::copy(
        all.tree(), root,
        std::filesystem::copy_options::recursive | std::filesystem::copy_options::copy_symlinks);
    state.PauseTiming();
    std::filesystem::remove_all(root);
    state.ResumeTiming();
  }
  count_bytes(state);
}
BENCHMARK(copy_tree)->UseRealTime()->MeasureProcessCPUTime()->Unit(benchmark::kMillisecond);

void check_store(benchmark::State& state) {
  Subject& all = subject();
  const auto depth = state.range(0) == 0 ? ops::CheckDepth::structure : ops::CheckDepth::full;
  for (auto _ : state) {
    const auto report = must(ops::check(all.repository(), {.depth = depth}, all.quiet(), {}));
    if (!report.sound()) std::abort();
  }
  count_bytes(state);
}
BENCHMARK(check_store)
    ->ArgNames({"full"})
    ->Arg(0)
    ->Arg(1)
    ->UseRealTime()
    ->MeasureProcessCPUTime()
    ->Unit(benchmark::kMillisecond);

void list_all(benchmark::State& state) {
  Subject& all = subject();
  std::int64_t entries = 0;
  for (auto _ : state) {
    auto reader = must(kloset::SnapshotReader::open(all.repository(), all.snapshot()));
    must(reader.walk(
        "/",
        [&](const kloset::VfsEntry&, const Mac&) -> Status {
          ++entries;
          return {};
        },
        [](const std::string&, const Error& error) -> Status { return error; }));
  }
  state.SetItemsProcessed(entries);
}
BENCHMARK(list_all)->UseRealTime()->MeasureProcessCPUTime()->Unit(benchmark::kMillisecond);

}  // namespace
