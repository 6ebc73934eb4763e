// Trees of a million paths, as a snapshot of a large file system has them: built in the two ways
// there are, walked, and searched. The yardstick of writing is hashing what was written.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <unordered_map>

#include "core/crypto/store_mac.h"
#include "core/kloset/tree/tree_builder.h"
#include "core/kloset/tree/tree_reader.h"
#include "core/kloset/tree/tree_writer.h"

namespace plakar {
namespace {

using kloset::KeyOrder;
using kloset::ResourceType;

constexpr std::size_t key_count = 1'000'000;

crypto::StoreMac bench_mac() {
  return *crypto::StoreMac::create(crypto::HashAlgorithm::blake3, Secret(std::size_t{32}));
}

class Blobs final : public kloset::BlobSink, public kloset::BlobSource {
 public:
  enum class Keep : bool { no, yes };
  explicit Blobs(Keep keep) : keep_(keep == Keep::yes) {}

  Result<Mac> put(ResourceType, BytesView plain) override {
    const Mac name = mac(plain);
    ++count;
    bytes += plain.size();
    if (keep_) blobs_.try_emplace(name, plain.begin(), plain.end());
    return name;
  }
  Mac mac(BytesView plain) const override { return mac_.compute(plain); }
  std::unique_ptr<kloset::MacStream> mac_stream() const override { return nullptr; }
  Result<Bytes> load(ResourceType, const Mac& mac, std::size_t) override { return blobs_.at(mac); }
  bool has(ResourceType, const Mac& mac) const override { return blobs_.contains(mac); }

  std::size_t count = 0;
  std::size_t bytes = 0;

 private:
  bool keep_;
  crypto::StoreMac mac_ = bench_mac();
  std::unordered_map<Mac, Bytes> blobs_;
};

struct Key {
  std::string path;
  Mac value;
};

// Descending in the order of bytes, in which genuine Plakar inserts them.
const std::vector<Key>& keys() {
  static const std::vector<Key> made = [] {
    std::vector<Key> keys;
    const crypto::StoreMac mac = bench_mac();
    for (std::size_t i = 0; i < key_count; ++i) {
      // Directories of about 20 files, at four depths.
      std::string path = "/srv/data";
      for (std::size_t depth = i % 4, rest = i / 20; depth > 0; --depth, rest /= 13) {
        path += "/directory-" + std::to_string(rest % 13);
      }
      path += "/group-" + std::to_string(i / 20) + "/some-file-" + std::to_string(i) + ".txt";
      const Mac value = mac.compute(as_bytes(path));
      keys.push_back({std::move(path), value});
    }
    std::sort(keys.begin(), keys.end(), [](const Key& a, const Key& b) { return a.path > b.path; });
    return keys;
  }();
  return made;
}

const std::vector<Key>& keys_in_path_order() {
  static const std::vector<Key> made = [] {
    std::vector<Key> sorted = keys();
    std::sort(sorted.begin(), sorted.end(), [](const Key& a, const Key& b) {
      return kloset::key_less(KeyOrder::path, b.path, a.path);
    });
    return sorted;
  }();
  return made;
}

void report(benchmark::State& state, const Blobs& blobs) {
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(key_count));
  state.SetBytesProcessed(static_cast<std::int64_t>(blobs.bytes));
  state.counters["nodes"] =
      static_cast<double>(blobs.count) / static_cast<double>(state.iterations());
}

void tree_build_as_genuine(benchmark::State& state) {
  keys();
  Blobs blobs(Blobs::Keep::no);
  for (auto _ : state) {
    kloset::TreeBuilder builder(KeyOrder::path);
    for (const Key& key : keys()) builder.insert(key.path, key.value);
    benchmark::DoNotOptimize(builder.store(blobs, ResourceType::vfs_root));
  }
  report(state, blobs);
}
BENCHMARK(tree_build_as_genuine)->Unit(benchmark::kMillisecond);

void tree_write_sorted(benchmark::State& state) {
  keys_in_path_order();
  Blobs blobs(Blobs::Keep::no);
  for (auto _ : state) {
    kloset::TreeWriter writer(blobs, ResourceType::vfs_root, KeyOrder::path);
    for (const Key& key : keys_in_path_order()) {
      benchmark::DoNotOptimize(writer.add(key.path, key.value));
    }
    benchmark::DoNotOptimize(writer.finish());
  }
  report(state, blobs);
}
BENCHMARK(tree_write_sorted)->Unit(benchmark::kMillisecond);

void tree_sort_keys(benchmark::State& state) {
  for (auto _ : state) {
    state.PauseTiming();
    std::vector<Key> sorted = keys();
    state.ResumeTiming();
    std::sort(sorted.begin(), sorted.end(), [](const Key& a, const Key& b) {
      return kloset::key_less(KeyOrder::path, b.path, a.path);
    });
    benchmark::DoNotOptimize(sorted.data());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(key_count));
}
BENCHMARK(tree_sort_keys)->Unit(benchmark::kMillisecond);

// The bytes of a tree, hashed in blobs of a node's size.
void tree_hash_only(benchmark::State& state) {
  const crypto::StoreMac mac = bench_mac();
  const Bytes node(5'000);
  constexpr std::size_t nodes = key_count / 49;
  for (auto _ : state) {
    for (std::size_t i = 0; i < nodes; ++i) benchmark::DoNotOptimize(mac.compute(node));
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(key_count));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(nodes * node.size()));
}
BENCHMARK(tree_hash_only)->Unit(benchmark::kMillisecond);

struct Stored {
  Blobs blobs{Blobs::Keep::yes};
  Mac root;

  kloset::TreeReader open() {
    return *kloset::TreeReader::open(blobs, ResourceType::vfs_root, root, KeyOrder::path);
  }
};

Stored& stored() {
  static Stored made = [] {
    Stored tree;
    kloset::TreeWriter writer(tree.blobs, ResourceType::vfs_root, KeyOrder::path);
    for (const Key& key : keys_in_path_order()) {
      benchmark::DoNotOptimize(writer.add(key.path, key.value));
    }
    tree.root = *writer.finish();
    return tree;
  }();
  return made;
}

void tree_scan(benchmark::State& state) {
  kloset::TreeReader tree = stored().open();
  for (auto _ : state) {
    std::size_t seen = 0;
    kloset::TreeCursor cursor = tree.seek("");
    while (*cursor.next()) ++seen;
    if (seen != key_count) state.SkipWithError("keys are missing");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(key_count));
}
BENCHMARK(tree_scan)->Unit(benchmark::kMillisecond);

void tree_find(benchmark::State& state) {
  kloset::TreeReader tree = stored().open();
  std::size_t at = 0;
  for (auto _ : state) {
    at = (at + 7919 * 127) % key_count;
    benchmark::DoNotOptimize(tree.find(keys()[at].path));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(tree_find)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace plakar
