// What a key costs: Argon2id with a store's default parameters, in each instruction set that
// this machine has, beside libgcrypt's; the same where the memory fits a cache, which leaves
// out what memory costs; and the two functions that only older stores use.
#include <benchmark/benchmark.h>

#include <array>
#include <string>

#include "core/crypto/internal/argon2.h"
#include "core/crypto/internal/kdf_library.h"

namespace plakar::crypto {
namespace {

constexpr std::array<std::byte, 16> salt{};

argon2::Input input(std::uint32_t time, std::uint32_t memory_kib) {
  return {as_bytes("kloset test vector"), salt, time, memory_kib, 1};
}

// Bytes: each pass writes the whole memory.
void count(benchmark::State& state, const argon2::Input& done) {
  state.SetBytesProcessed(
      static_cast<std::int64_t>(std::uint64_t{done.time} * done.memory_kib * 1024) *
      static_cast<std::int64_t>(state.iterations()));
}

void ours(benchmark::State& state, argon2::Isa isa, const argon2::Input& todo) {
  if (!argon2::runs_here(isa)) return state.SkipWithError("not on this machine");
  std::array<std::byte, 32> out;
  for (auto _ : state) {
    if (!argon2::derive_with(isa, todo, out)) state.SkipWithError("derive");
    benchmark::DoNotOptimize(out);
  }
  count(state, todo);
}

// The yardstick.
void libgcrypt(benchmark::State& state, const argon2::Input& todo) {
  std::array<std::byte, 32> out;
  for (auto _ : state) {
    if (!argon2id_by_libgcrypt(todo, out)) state.SkipWithError("derive");
    benchmark::DoNotOptimize(out);
  }
  count(state, todo);
}

void argon2id_default_libgcrypt(benchmark::State& state) { libgcrypt(state, input(4, 262144)); }
void argon2id_default(benchmark::State& state, argon2::Isa isa) {
  ours(state, isa, input(4, 262144));
}
BENCHMARK(argon2id_default_libgcrypt)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(argon2id_default, portable, argon2::Isa::portable)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(argon2id_default, avx2, argon2::Isa::avx2)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(argon2id_default, avx512, argon2::Isa::avx512)->Unit(benchmark::kMillisecond);

void argon2id_1mib_libgcrypt(benchmark::State& state) { libgcrypt(state, input(64, 1024)); }
void argon2id_1mib(benchmark::State& state, argon2::Isa isa) { ours(state, isa, input(64, 1024)); }
BENCHMARK(argon2id_1mib_libgcrypt)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(argon2id_1mib, portable, argon2::Isa::portable)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(argon2id_1mib, avx2, argon2::Isa::avx2)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(argon2id_1mib, avx512, argon2::Isa::avx512)->Unit(benchmark::kMillisecond);

void scrypt_default(benchmark::State& state) {
  std::array<std::byte, 32> out;
  for (auto _ : state) {
    if (!scrypt({}, as_bytes("kloset test vector"), salt, out)) state.SkipWithError("scrypt");
  }
}
BENCHMARK(scrypt_default)->Unit(benchmark::kMillisecond);

void pbkdf2_default(benchmark::State& state) {
  std::array<std::byte, 32> out;
  for (auto _ : state) {
    if (!pbkdf2({}, as_bytes("kloset test vector"), salt, out)) state.SkipWithError("pbkdf2");
  }
}
BENCHMARK(pbkdf2_default)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace plakar::crypto
