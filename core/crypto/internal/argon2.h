// Argon2id, version 0x13 (RFC 9106), filled by code of our own: libgcrypt's takes more than
// twice as long, and every command on an encrypted store begins with it. It uses the vector
// instructions that the machine has. Before its first use in a process it has to give the
// RFC's vector; were it to fail, libgcrypt does the work instead.
//
// Thread rule: callable from any thread at once.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/crypto/internal/argon2_fill.h"

namespace plakar::crypto::argon2 {

// The RFC's limits.
inline constexpr std::uint32_t lanes_max = 0xffffff;
inline constexpr std::uint32_t memory_kib_per_lane_min = 8;
inline constexpr std::size_t output_size_min = 4;

struct Input {
  BytesView passphrase;
  BytesView salt;
  std::uint32_t time;
  std::uint32_t memory_kib;
  std::uint32_t lanes;
  // Stores have neither of these; the RFC's vector does.
  BytesView secret = {};
  BytesView associated = {};
};

struct Options {
  Interrupt interrupt = {};
  // Lanes are shared among at most so many threads, the calling one included; 0 = as many as
  // there are processors. The result does not depend on it.
  unsigned threads_max = 0;
};

// Fills `out`. Parameters outside the RFC's limits are Errc::invalid_argument, memory that
// the system refuses is Errc::unavailable. `out` is untouched on failure.
Status derive(const Input& input, std::span<std::byte> out, const Options& options = {});

// The same with a given instruction set, for tests and measurements. Precondition:
// runs_here(isa).
Status derive_with(Isa isa, const Input& input, std::span<std::byte> out,
                   const Options& options = {});

// What derive() uses: the fastest of this machine that gives the RFC's vector. None at all
// means a broken build or a broken machine.
std::optional<Isa> chosen_isa();

}  // namespace plakar::crypto::argon2
