// G in plain C++: every machine, and the yardstick of the vectorised ones.
#include "core/crypto/internal/argon2_compress.h"

#include <bit>

namespace plakar::crypto::argon2 {

namespace {

// BLAKE2b's addition with a multiplication added, which a machine built for the purpose
// cannot do much faster than a processor.
std::uint64_t mix(std::uint64_t x, std::uint64_t y) noexcept {
  return x + y + 2 * (x & 0xffffffff) * (y & 0xffffffff);
}

[[gnu::always_inline]] inline void quarter(std::uint64_t& a, std::uint64_t& b, std::uint64_t& c,
                                           std::uint64_t& d) noexcept {
  a = mix(a, b);
  d = std::rotr(d ^ a, 32);
  c = mix(c, d);
  b = std::rotr(b ^ c, 24);
  a = mix(a, b);
  d = std::rotr(d ^ a, 16);
  c = mix(c, d);
  b = std::rotr(b ^ c, 63);
}

// P over the 16 words of a row or a column, which are four words of each of four tiles. In
// a tile they are two pairs; `pair` is how far these are apart, `tile` the same for the tiles.
template <std::size_t tile, std::size_t pair>
void permute(std::uint64_t* words) noexcept {
  std::array<std::uint64_t, 16> v;
#pragma GCC unroll 16
  for (std::size_t n = 0; n < 16; ++n) v[n] = words[n / 4 * tile + n / 2 % 2 * pair + n % 2];
  quarter(v[0], v[4], v[8], v[12]);
  quarter(v[1], v[5], v[9], v[13]);
  quarter(v[2], v[6], v[10], v[14]);
  quarter(v[3], v[7], v[11], v[15]);
  quarter(v[0], v[5], v[10], v[15]);
  quarter(v[1], v[6], v[11], v[12]);
  quarter(v[2], v[7], v[8], v[13]);
  quarter(v[3], v[4], v[9], v[14]);
#pragma GCC unroll 16
  for (std::size_t n = 0; n < 16; ++n) words[n / 4 * tile + n / 2 % 2 * pair + n % 2] = v[n];
}

}  // namespace

void compress_portable(const Block& previous, const Block& reference, Block& out, Pass pass,
                       Lookahead& lookahead) noexcept {
  Block z;
  for (std::size_t i = 0; i < block_words; ++i) {
    const std::uint64_t r = previous.tiles[i] ^ reference.tiles[i];
    z.tiles[i] = r;
    out.tiles[i] = pass == Pass::first ? r : r ^ out.tiles[i];
  }
  for (std::size_t row = 0; row < 8; ++row) permute<8, 2>(&z.tiles[row / 2 * 32 + row % 2 * 4]);
  for (std::size_t column = 0; column < 8; ++column) {
    permute<32, 4>(&z.tiles[column / 2 * 8 + column % 2 * 2]);
    if (column == 0) lookahead.first_word(out.tiles[0] ^ z.tiles[0]);
  }
  for (std::size_t i = 0; i < block_words; ++i) out.tiles[i] ^= z.tiles[i];
}

}  // namespace plakar::crypto::argon2
