// G with AVX2: two rows or two columns at a time, eight registers of the sixteen. Of the
// -m flags that this file does not have, see argon2_avx512.cpp.
#include "core/crypto/internal/argon2_compress.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2"), always_inline)) inline

namespace plakar::crypto::argon2 {

namespace {

AVX2 __m256i mix(__m256i x, __m256i y) {
  const __m256i product = _mm256_mul_epu32(x, y);
  return _mm256_add_epi64(_mm256_add_epi64(x, y), _mm256_add_epi64(product, product));
}

AVX2 __m256i rotate_32(__m256i x) { return _mm256_shuffle_epi32(x, _MM_SHUFFLE(2, 3, 0, 1)); }
AVX2 __m256i rotate_24(__m256i x) {
  return _mm256_shuffle_epi8(
      x, _mm256_setr_epi8(3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10, 3, 4, 5, 6, 7, 0, 1,
                          2, 11, 12, 13, 14, 15, 8, 9, 10));
}
AVX2 __m256i rotate_16(__m256i x) {
  return _mm256_shuffle_epi8(
      x, _mm256_setr_epi8(2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9, 2, 3, 4, 5, 6, 7, 0,
                          1, 10, 11, 12, 13, 14, 15, 8, 9));
}
AVX2 __m256i rotate_63(__m256i x) {
  return _mm256_xor_si256(_mm256_srli_epi64(x, 63), _mm256_add_epi64(x, x));
}

// The lower and the upper half of four tiles.
struct Pair {
  __m256i a0, b0, c0, d0, a1, b1, c1, d1;
};

AVX2 void quarter(Pair& p) {
  p.a0 = mix(p.a0, p.b0);
  p.a1 = mix(p.a1, p.b1);
  p.d0 = rotate_32(_mm256_xor_si256(p.d0, p.a0));
  p.d1 = rotate_32(_mm256_xor_si256(p.d1, p.a1));
  p.c0 = mix(p.c0, p.d0);
  p.c1 = mix(p.c1, p.d1);
  p.b0 = rotate_24(_mm256_xor_si256(p.b0, p.c0));
  p.b1 = rotate_24(_mm256_xor_si256(p.b1, p.c1));
  p.a0 = mix(p.a0, p.b0);
  p.a1 = mix(p.a1, p.b1);
  p.d0 = rotate_16(_mm256_xor_si256(p.d0, p.a0));
  p.d1 = rotate_16(_mm256_xor_si256(p.d1, p.a1));
  p.c0 = mix(p.c0, p.d0);
  p.c1 = mix(p.c1, p.d1);
  p.b0 = rotate_63(_mm256_xor_si256(p.b0, p.c0));
  p.b1 = rotate_63(_mm256_xor_si256(p.b1, p.c1));
}

template <int steps>
AVX2 __m256i turn(__m256i x) {
  return _mm256_permute4x64_epi64(x, (0xe4e4 >> (2 * steps)) & 0xff);
}

// Here each half is a row. For the diagonals b, which is ready last, stays where it is, and
// a, c and d turn towards it.
AVX2 void rows(Pair& p) {
  quarter(p);
  p.a0 = turn<3>(p.a0);
  p.a1 = turn<3>(p.a1);
  p.d0 = turn<2>(p.d0);
  p.d1 = turn<2>(p.d1);
  p.c0 = turn<1>(p.c0);
  p.c1 = turn<1>(p.c1);
  quarter(p);
  p.a0 = turn<1>(p.a0);
  p.a1 = turn<1>(p.a1);
  p.d0 = turn<2>(p.d0);
  p.d1 = turn<2>(p.d1);
  p.c0 = turn<3>(p.c0);
  p.c1 = turn<3>(p.c1);
}

// The upper word of `x` and the lower word of `y`, in each half of the register.
AVX2 __m256i straddle(__m256i x, __m256i y) {
  return _mm256_castpd_si256(
      _mm256_shuffle_pd(_mm256_castsi256_pd(x), _mm256_castsi256_pd(y), 0b0101));
}

// Here the lower half has the words 0 and 1 of two columns, the upper half 2 and 3, so the
// diagonals straddle the two.
AVX2 void columns(Pair& p) {
  quarter(p);
  Pair diagonal{p.a0, straddle(p.b0, p.b1), p.c1, straddle(p.d1, p.d0),
                p.a1, straddle(p.b1, p.b0), p.c0, straddle(p.d0, p.d1)};
  quarter(diagonal);
  p = {diagonal.a0, straddle(diagonal.b1, diagonal.b0),
       diagonal.c1, straddle(diagonal.d0, diagonal.d1),
       diagonal.a1, straddle(diagonal.b0, diagonal.b1),
       diagonal.c0, straddle(diagonal.d1, diagonal.d0)};
}

AVX2 const __m256i* half(const Block& block, std::size_t n) {
  return reinterpret_cast<const __m256i*>(&block.tiles[4 * n]);
}
AVX2 __m256i* half(Block& block, std::size_t n) {
  return reinterpret_cast<__m256i*>(&block.tiles[4 * n]);
}

// previous ^ reference goes through P and is xored with the result at the end: until then
// it waits in `out`, whose cache lines are needed anyway.
AVX2 __m256i load(const Block& previous, const Block& reference, Block& out, Pass pass,
                  std::size_t n) {
  const __m256i r =
      _mm256_xor_si256(_mm256_load_si256(half(previous, n)), _mm256_load_si256(half(reference, n)));
  __m256i* const at = half(out, n);
  _mm256_store_si256(at, pass == Pass::first ? r : _mm256_xor_si256(r, _mm256_load_si256(at)));
  return r;
}

AVX2 void finish(Block& out, std::size_t n, __m256i z) {
  _mm256_store_si256(half(out, n), _mm256_xor_si256(z, _mm256_load_si256(half(out, n))));
}

}  // namespace

__attribute__((target("avx2"))) void compress_avx2(const Block& previous, const Block& reference,
                                                   Block& out, Pass pass,
                                                   Lookahead& lookahead) noexcept {
  Block z;
  for (std::size_t n = 0; n < 32; n += 8) {  // The two rows of four tiles side by side.
    Pair p{
        load(previous, reference, out, pass, n),     load(previous, reference, out, pass, n + 2),
        load(previous, reference, out, pass, n + 4), load(previous, reference, out, pass, n + 6),
        load(previous, reference, out, pass, n + 1), load(previous, reference, out, pass, n + 3),
        load(previous, reference, out, pass, n + 5), load(previous, reference, out, pass, n + 7)};
    rows(p);
    _mm256_store_si256(half(z, n), p.a0);
    _mm256_store_si256(half(z, n + 1), p.a1);
    _mm256_store_si256(half(z, n + 2), p.b0);
    _mm256_store_si256(half(z, n + 3), p.b1);
    _mm256_store_si256(half(z, n + 4), p.c0);
    _mm256_store_si256(half(z, n + 5), p.c1);
    _mm256_store_si256(half(z, n + 6), p.d0);
    _mm256_store_si256(half(z, n + 7), p.d1);
  }
  for (std::size_t n = 0; n < 8; n += 2) {  // The two columns of four tiles below each other.
    const Block& from = z;
    Pair p{_mm256_load_si256(half(from, n)),      _mm256_load_si256(half(from, n + 8)),
           _mm256_load_si256(half(from, n + 16)), _mm256_load_si256(half(from, n + 24)),
           _mm256_load_si256(half(from, n + 1)),  _mm256_load_si256(half(from, n + 9)),
           _mm256_load_si256(half(from, n + 17)), _mm256_load_si256(half(from, n + 25))};
    columns(p);
    finish(out, n, p.a0);
    if (n == 0) lookahead.first_word(out.tiles[0]);
    finish(out, n + 1, p.a1);
    finish(out, n + 8, p.b0);
    finish(out, n + 9, p.b1);
    finish(out, n + 16, p.c0);
    finish(out, n + 17, p.c1);
    finish(out, n + 24, p.d0);
    finish(out, n + 25, p.d1);
  }
}

}  // namespace plakar::crypto::argon2

#undef AVX2

#endif
