// Keyed BLAKE3 of one large input, of small ones one by one and of small ones together,
// beside memcpy of the same bytes.
#include <benchmark/benchmark.h>

#include <cstring>
#include <vector>

#include "core/crypto/blake3.h"
#include "core/crypto/blake3_many.h"

namespace plakar::crypto {
namespace {

constexpr std::size_t many_bytes = 1 << 20;

KeyView32 key() { return as_bytes("whats the Elvish word for friend").first<32>(); }

Bytes filled(std::size_t size) { return Bytes(size, std::byte{0x5a}); }

void count_bytes(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes) *
                          static_cast<std::int64_t>(state.iterations()));
}

// `many_bytes` in inputs of the size that the benchmark's argument gives.
std::vector<BytesView> cut(BytesView data, std::size_t size) {
  std::vector<BytesView> inputs;
  for (std::size_t at = 0; at + size <= data.size(); at += size) {
    inputs.push_back(data.subspan(at, size));
  }
  return inputs;
}

void blake3_memcpy(benchmark::State& state) {
  const Bytes data = filled(static_cast<std::size_t>(state.range(0)));
  Bytes copy(data.size());
  for (auto _ : state) {
    std::memcpy(copy.data(), data.data(), data.size());
    benchmark::DoNotOptimize(copy.data());
    benchmark::ClobberMemory();
  }
  count_bytes(state, data.size());
}
BENCHMARK(blake3_memcpy)->Arg(1 << 20);

void blake3_one(benchmark::State& state) {
  const Bytes data = filled(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(blake3_keyed(key(), data));
  count_bytes(state, data.size());
}
BENCHMARK(blake3_one)
    ->Arg(64)
    ->Arg(1 << 10)
    ->Arg(4 << 10)
    ->Arg(16 << 10)
    ->Arg(64 << 10)
    ->Arg(1 << 20);

void blake3_incremental_64k(benchmark::State& state) {
  const Bytes data = filled(1 << 20);
  for (auto _ : state) {
    Blake3 hasher(key());
    for (const BytesView piece : cut(data, 64 << 10)) hasher.update(piece);
    benchmark::DoNotOptimize(hasher.finish());
  }
  count_bytes(state, data.size());
}
BENCHMARK(blake3_incremental_64k);

void blake3_many(benchmark::State& state) {
  const Bytes data = filled(many_bytes);
  const auto inputs = cut(data, static_cast<std::size_t>(state.range(0)));
  Bytes out(32 * inputs.size());
  for (auto _ : state) {
    blake3_keyed_many(key(), inputs, out);
    benchmark::DoNotOptimize(out.data());
  }
  count_bytes(state, inputs.size() * inputs[0].size());
}
BENCHMARK(blake3_many)
    ->Arg(64)
    ->Arg(200)
    ->Arg(256)
    ->Arg(1000)
    ->Arg(1 << 10)
    ->Arg(2 << 10)
    ->Arg(4 << 10)
    ->Arg(5000)
    ->Arg(8 << 10)
    ->Arg(16 << 10);

// Sizes as they come: no two alike.
void blake3_many_mixed(benchmark::State& state) {
  const Bytes data = filled(many_bytes);
  std::vector<BytesView> inputs;
  std::size_t at = 0;
  for (std::size_t size = 0; at + size <= data.size(); size = (size * 5 + 777) % 8192) {
    inputs.push_back(BytesView(data).subspan(at, size));
    at += size;
  }
  Bytes out(32 * inputs.size());
  for (auto _ : state) {
    blake3_keyed_many(key(), inputs, out);
    benchmark::DoNotOptimize(out.data());
  }
  count_bytes(state, at);
}
BENCHMARK(blake3_many_mixed);

void blake3_mixed_one_by_one(benchmark::State& state) {
  const Bytes data = filled(many_bytes);
  std::size_t at = 0;
  for (auto _ : state) {
    at = 0;
    for (std::size_t size = 0; at + size <= data.size(); size = (size * 5 + 777) % 8192) {
      benchmark::DoNotOptimize(blake3_keyed(key(), BytesView(data).subspan(at, size)));
      at += size;
    }
  }
  count_bytes(state, at);
}
BENCHMARK(blake3_mixed_one_by_one);

}  // namespace
}  // namespace plakar::crypto
