// Entries of a file tree, in the layout that stores hold: about 330 bytes, 20 fields each.
#include <benchmark/benchmark.h>

#include <cstring>

#include "core/codec/msgpack_struct.h"
#include "tests/compat/msgpack/structures.h"

namespace plakar {
namespace {

compat::Entry sample_entry(std::uint64_t number) {
  compat::Entry entry;
  entry.version = 0x00010000;
  entry.parent_path = "/srv/data/projects/plakar/core/codec";
  entry.file_info.name = "file_" + std::to_string(number) + ".cpp";
  entry.file_info.size = static_cast<std::int64_t>(number * 37 % 20'000);
  entry.file_info.mode = 0644;
  entry.file_info.mod_time = {1'700'000'000 + static_cast<std::int64_t>(number), 123'456'789};
  entry.file_info.dev = 64768;
  entry.file_info.ino = 1'000'000 + number;
  entry.file_info.uid = 1000;
  entry.file_info.gid = 1000;
  entry.file_info.nlink = 1;
  entry.file_info.username = "somebody";
  entry.file_info.groupname = "somebody";
  std::memcpy(entry.object.bytes.data(), &number, sizeof number);
  entry.content_type = "text/plain; charset=utf-8";
  entry.entropy = 4.75;
  entry.chunks = 1;
  return entry;
}

struct Sample {
  std::vector<compat::Entry> entries;
  std::vector<Bytes> encoded;
  std::size_t encoded_size = 0;
};

const Sample& sample() {
  static const Sample made = [] {
    Sample sample;
    for (std::uint64_t i = 0; i < 1'000; ++i) {
      sample.entries.push_back(sample_entry(i));
      sample.encoded.push_back(codec::msgpack_encode(sample.entries.back()));
      sample.encoded_size += sample.encoded.back().size();
    }
    return sample;
  }();
  return made;
}

void report(benchmark::State& state) {
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(sample().entries.size()));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(sample().encoded_size));
}

void msgpack_decode_entries(benchmark::State& state) {
  for (auto _ : state) {
    for (const Bytes& bytes : sample().encoded) {
      auto entry = codec::msgpack_decode<compat::Entry>(bytes);
      if (!entry) return state.SkipWithError("an entry does not decode");
      benchmark::DoNotOptimize(*entry);
    }
  }
  report(state);
}
BENCHMARK(msgpack_decode_entries);

void msgpack_skip_entries(benchmark::State& state) {
  for (auto _ : state) {
    for (const Bytes& bytes : sample().encoded) {
      codec::MsgpackReader in(bytes);
      if (!in.skip()) return state.SkipWithError("an entry cannot be skipped");
    }
  }
  report(state);
}
BENCHMARK(msgpack_skip_entries);

void msgpack_encode_entries(benchmark::State& state) {
  Bytes out;
  for (auto _ : state) {
    for (const compat::Entry& entry : sample().entries) {
      out.clear();
      codec::msgpack_encode(out, entry);
      benchmark::DoNotOptimize(out.data());
    }
  }
  report(state);
}
BENCHMARK(msgpack_encode_entries);

// The yardstick: moving the same encoded bytes, without looking at them.
void msgpack_memcpy_entries(benchmark::State& state) {
  Bytes out(4'096);
  for (auto _ : state) {
    for (const Bytes& bytes : sample().encoded) {
      std::memcpy(out.data(), bytes.data(), bytes.size());
      benchmark::DoNotOptimize(out.data());
    }
  }
  report(state);
}
BENCHMARK(msgpack_memcpy_entries);

}  // namespace
}  // namespace plakar
