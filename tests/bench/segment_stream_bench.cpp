// What encryption costs: streams of 1 MiB in 64 KiB segments beside memcpy and the bare
// cipher, and small blobs, where opening keys and asking for randomness dominate.
#include <benchmark/benchmark.h>

#include <array>
#include <cstring>

#include "core/base/random.h"
#include "core/crypto/segment_stream.h"

namespace plakar::crypto {
namespace {

KeyView32 key() { return as_bytes("whats the Elvish word for friend").first<32>(); }

SegmentCipher opened(std::string_view subkey = "AES256-KW") {
  return SegmentCipher::create(
             key(), StreamFormat::parse(subkey, StreamFormat::data_algorithm, 65536).value(),
             system_random())
      .value();
}

void count_bytes(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes) *
                          static_cast<std::int64_t>(state.iterations()));
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}

void segments_memcpy(benchmark::State& state) {
  const Bytes plain(static_cast<std::size_t>(state.range(0)));
  Bytes copy(plain.size());
  for (auto _ : state) {
    std::memcpy(copy.data(), plain.data(), plain.size());
    benchmark::DoNotOptimize(copy.data());
    benchmark::ClobberMemory();
  }
  count_bytes(state, plain.size());
}
BENCHMARK(segments_memcpy)->Arg(1 << 20);

// The yardstick: nothing but the cipher, on one segment.
void gcm_siv_seal(benchmark::State& state) {
  GcmSiv cipher = GcmSiv::create().value();
  const Bytes plain(static_cast<std::size_t>(state.range(0)));
  Bytes sealed(plain.size());
  std::array<std::byte, 12> nonce{};
  std::array<std::byte, 16> tag{};
  if (!cipher.set_key(key())) state.SkipWithError("set_key");
  for (auto _ : state) {
    if (!cipher.seal(nonce, {}, plain, sealed, tag)) state.SkipWithError("seal");
  }
  count_bytes(state, plain.size());
}
BENCHMARK(gcm_siv_seal)->Arg(0)->Arg(1 << 10)->Arg(64 << 10);

void segments_encrypt(benchmark::State& state) {
  SegmentCipher cipher = opened();
  const Bytes plain(static_cast<std::size_t>(state.range(0)));
  Bytes stream(cipher.format().encrypted_size(plain.size()));
  for (auto _ : state) {
    if (!cipher.encrypt(plain, stream)) state.SkipWithError("encrypt");
  }
  count_bytes(state, plain.size());
}
BENCHMARK(segments_encrypt)->Arg(0)->Arg(100)->Arg(1 << 10)->Arg(64 << 10)->Arg(1 << 20);

void segments_decrypt(benchmark::State& state) {
  SegmentCipher cipher = opened();
  Bytes plain(static_cast<std::size_t>(state.range(0)));
  Bytes stream(cipher.format().encrypted_size(plain.size()));
  if (!cipher.encrypt(plain, stream)) state.SkipWithError("encrypt");
  for (auto _ : state) {
    if (!cipher.decrypt(stream, plain)) state.SkipWithError("decrypt");
  }
  count_bytes(state, plain.size());
}
BENCHMARK(segments_decrypt)->Arg(0)->Arg(100)->Arg(1 << 10)->Arg(64 << 10)->Arg(1 << 20);

void segments_encrypt_gcm_subkey(benchmark::State& state) {
  SegmentCipher cipher = opened("AES256-GCM");
  const Bytes plain(static_cast<std::size_t>(state.range(0)));
  Bytes stream(cipher.format().encrypted_size(plain.size()));
  for (auto _ : state) {
    if (!cipher.encrypt(plain, stream)) state.SkipWithError("encrypt");
  }
  count_bytes(state, plain.size());
}
BENCHMARK(segments_encrypt_gcm_subkey)->Arg(1 << 10);

// One call for the randomness of a small blob.
void segments_system_random(benchmark::State& state) {
  Bytes out(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) system_random().fill(out);
  count_bytes(state, out.size());
}
BENCHMARK(segments_system_random)->Arg(12)->Arg(32)->Arg(252);

void segments_open_cipher(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(opened());
  count_bytes(state, 0);
}
BENCHMARK(segments_open_cipher);

}  // namespace
}  // namespace plakar::crypto
