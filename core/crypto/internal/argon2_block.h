// One block of Argon2's memory.
//
// Its 128 words do not stand in the order of RFC 9106 but in tiles, because the compression
// function mixes first the rows and then the columns of an 8 x 8 matrix of pairs of words. A
// tile is the square where two rows meet two columns:
//
//   tile (i, j) := pair (2i, 2j)  pair (2i, 2j+1)  pair (2i+1, 2j)  pair (2i+1, 2j+1)
//   block       := tile (0, 0) .. tile (0, 3)  tile (1, 0) .. tile (3, 3)
//
// A tile is 64 bytes, one AVX-512 register or two AVX2 registers. The four tiles of a row
// of tiles are the a, b, c and d of two rows, those of a column of tiles the a, b, c and d
// of two columns, so nothing is transposed in between. Only the first two blocks of a lane,
// its last one and the address blocks are ever seen in the RFC's order, through `word()`.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace plakar::crypto::argon2 {

inline constexpr std::size_t block_size = 1024;
inline constexpr std::size_t block_words = 128;

struct alignas(64) Block {
  std::array<std::uint64_t, block_words> tiles;

  // Word `n` as the RFC counts them.
  std::uint64_t& word(std::size_t n) noexcept { return tiles[position(n)]; }
  const std::uint64_t& word(std::size_t n) const noexcept { return tiles[position(n)]; }

  static constexpr std::size_t position(std::size_t n) noexcept {
    const std::size_t row = n / 16;
    const std::size_t column = n % 16 / 2;
    return (row / 2 * 4 + column / 2) * 8 + row % 2 * 4 + column % 2 * 2 + n % 2;
  }
};
static_assert(sizeof(Block) == block_size);

}  // namespace plakar::crypto::argon2
