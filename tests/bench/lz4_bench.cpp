// Our LZ4 frames against liblz4's block functions on the same data: what framing, checksum
// and the limits on output cost. `text` resembles source code, `mixed` adds runs of zeros
// and data that cannot be compressed.
#include <benchmark/benchmark.h>
#include <lz4.h>

#include <cstring>
#include <map>
#include <random>
#include <string>
#include <utility>

#include "core/codec/lz4.h"

namespace plakar {
namespace {

enum class Data { text, mixed };

Bytes made(Data data, std::size_t size) {
  std::mt19937 random(1);
  std::vector<std::string> words;
  for (int i = 0; i < 4'000; ++i) {
    std::string word;
    for (std::size_t n = 2 + random() % 9; n > 0; --n) {
      word += static_cast<char>('a' + std::min(random() % 26, random() % 26));
    }
    words.push_back(word);
  }
  // Small ranks are common, as in any language.
  const auto word = [&] { return words[(random() % 4'000) * (random() % 1'000) / 1'000]; };

  Bytes out;
  while (out.size() < size) {
    const auto choice = data == Data::text ? 0 : random() % 100;
    if (choice < 50) {
      for (int i = 0; i < 200; ++i) append(out, as_bytes(word() + (i % 9 == 8 ? ";\n    " : " ")));
    } else if (choice < 75) {
      out.resize(out.size() + 4'096);
    } else {
      for (int i = 0; i < 4'096; ++i) out.push_back(static_cast<std::byte>(random()));
    }
  }
  out.resize(size);
  return out;
}

const Bytes& sample(const benchmark::State& state) {
  static std::map<std::pair<std::int64_t, std::int64_t>, Bytes> samples;
  Bytes& data = samples[{state.range(0), state.range(1)}];
  if (data.empty()) {
    data = made(static_cast<Data>(state.range(0)), static_cast<std::size_t>(state.range(1)));
  }
  return data;
}

void report(benchmark::State& state) {
  state.SetBytesProcessed(state.iterations() * state.range(1));
  state.SetLabel(state.range(0) == static_cast<int>(Data::text) ? "text" : "mixed");
}

int as_int(std::size_t size) { return static_cast<int>(size); }
char* chars(Bytes& bytes) { return reinterpret_cast<char*>(bytes.data()); }
const char* chars(const Bytes& bytes) { return reinterpret_cast<const char*>(bytes.data()); }

void compress(benchmark::State& state, codec::Lz4Checksum checksum) {
  const Bytes& plain = sample(state);
  codec::Lz4Compressor compressor(checksum);
  Bytes frame(codec::lz4_compress_bound(plain.size()));
  for (auto _ : state) benchmark::DoNotOptimize(compressor.compress(plain, frame));
  report(state);
}

void decompress(benchmark::State& state, codec::Lz4Checksum checksum) {
  const Bytes& plain = sample(state);
  codec::Lz4Compressor compressor(checksum);
  Bytes frame(codec::lz4_compress_bound(plain.size()));
  frame.resize(compressor.compress(plain, frame));
  Bytes out(plain.size());
  for (auto _ : state) {
    if (!codec::lz4_decompress(frame, std::span(out), checksum)) state.SkipWithError("corrupt");
  }
  report(state);
}

void lz4_compress_frame(benchmark::State& state) { compress(state, codec::Lz4Checksum::on); }
void lz4_compress_frame_unchecked(benchmark::State& state) {
  compress(state, codec::Lz4Checksum::off);
}
void lz4_decompress_frame(benchmark::State& state) { decompress(state, codec::Lz4Checksum::on); }
void lz4_decompress_frame_unchecked(benchmark::State& state) {
  decompress(state, codec::Lz4Checksum::off);
}

// The yardsticks.
void lz4_compress_library(benchmark::State& state) {
  const Bytes& plain = sample(state);
  Bytes out(static_cast<std::size_t>(LZ4_compressBound(as_int(plain.size()))));
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        LZ4_compress_fast(chars(plain), chars(out), as_int(plain.size()), as_int(out.size()), 1));
  }
  report(state);
}

void lz4_decompress_library(benchmark::State& state) {
  const Bytes& plain = sample(state);
  Bytes block(static_cast<std::size_t>(LZ4_compressBound(as_int(plain.size()))));
  const int size =
      LZ4_compress_fast(chars(plain), chars(block), as_int(plain.size()), as_int(block.size()), 1);
  Bytes out(plain.size());
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        LZ4_decompress_safe(chars(block), chars(out), size, as_int(out.size())));
  }
  report(state);
}

void sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgsProduct(
      {{static_cast<int>(Data::text), static_cast<int>(Data::mixed)}, {14'000, 1 << 20, 4 << 20}});
}

BENCHMARK(lz4_compress_library)->Apply(sizes);
BENCHMARK(lz4_compress_frame_unchecked)->Apply(sizes);
BENCHMARK(lz4_compress_frame)->Apply(sizes);
BENCHMARK(lz4_decompress_library)->Apply(sizes);
BENCHMARK(lz4_decompress_frame_unchecked)->Apply(sizes);
BENCHMARK(lz4_decompress_frame)->Apply(sizes);

}  // namespace
}  // namespace plakar
