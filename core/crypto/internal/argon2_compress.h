// The compression function G of RFC 9106 (section 3.5) in each instruction set we have it
// for. All of them give the same bytes; `runs_here` says which of them this machine has.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/crypto/internal/argon2_block.h"
#include "core/crypto/internal/argon2_segment.h"

namespace plakar::crypto::argon2 {

enum class Isa : std::uint8_t { portable, avx2, avx512 };
inline constexpr std::array every_isa{Isa::portable, Isa::avx2, Isa::avx512};

std::string_view name(Isa isa) noexcept;
bool runs_here(Isa isa) noexcept;

// False for AVX-512 on the first processors that had it: they lower their clock for a while
// when it is used, for everything else that runs on them too. Precondition: runs_here(isa).
bool runs_well(Isa isa) noexcept;

// In the first pass a block is overwritten, in later ones xored with what it was.
enum class Pass : std::uint8_t { first, later };

// out = G(previous, reference), or out ^= it. `out` is neither of the others.
using Compress = void (*)(const Block& previous, const Block& reference, Block& out, Pass pass,
                          Lookahead& lookahead) noexcept;

// Precondition: runs_here(isa).
Compress compress_function(Isa isa) noexcept;

void compress_portable(const Block& previous, const Block& reference, Block& out, Pass pass,
                       Lookahead& lookahead) noexcept;
#if defined(__x86_64__)
void compress_avx2(const Block& previous, const Block& reference, Block& out, Pass pass,
                   Lookahead& lookahead) noexcept;
void compress_avx512(const Block& previous, const Block& reference, Block& out, Pass pass,
                     Lookahead& lookahead) noexcept;
#endif

}  // namespace plakar::crypto::argon2
