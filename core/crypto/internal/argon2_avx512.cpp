// G with AVX-512: the whole block in sixteen registers, one tile each (argon2_block.h).
//
// No -m flags for this file: inline functions of the standard library would be compiled
// with them too, and the linker might choose those copies for every machine. Only the
// functions marked AVX512 use the instructions.
#include "core/crypto/internal/argon2_compress.h"

#if defined(__x86_64__)

#include <immintrin.h>

// g++ 12 warns of the undefined operand that its own intrinsics pass on purpose.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#define AVX512 __attribute__((target("avx512f"), always_inline)) inline

namespace plakar::crypto::argon2 {

namespace {

AVX512 __m512i mix(__m512i x, __m512i y) {
  const __m512i product = _mm512_mul_epu32(x, y);
  return _mm512_add_epi64(_mm512_add_epi64(x, y), _mm512_add_epi64(product, product));
}

// Four rows or four columns at once, a half of the lanes each: one such register keeps the
// multiplier waiting for its own results, two keep it busy.
struct Pair {
  __m512i &a0, &b0, &c0, &d0, &a1, &b1, &c1, &d1;
};

template <int da, int bc>
AVX512 void half_quarter(const Pair& p) {
  p.a0 = mix(p.a0, p.b0);
  p.a1 = mix(p.a1, p.b1);
  p.d0 = _mm512_ror_epi64(_mm512_xor_si512(p.d0, p.a0), da);
  p.d1 = _mm512_ror_epi64(_mm512_xor_si512(p.d1, p.a1), da);
  p.c0 = mix(p.c0, p.d0);
  p.c1 = mix(p.c1, p.d1);
  p.b0 = _mm512_ror_epi64(_mm512_xor_si512(p.b0, p.c0), bc);
  p.b1 = _mm512_ror_epi64(_mm512_xor_si512(p.b1, p.c1), bc);
}

AVX512 void quarter(const Pair& p) {
  half_quarter<32, 24>(p);
  half_quarter<16, 63>(p);
}

// The diagonals: b, which is ready last, stays where it is, and a, c and d turn towards it.
AVX512 void rows(const Pair& p) {
  quarter(p);
  p.a0 = _mm512_permutex_epi64(p.a0, _MM_SHUFFLE(2, 1, 0, 3));
  p.a1 = _mm512_permutex_epi64(p.a1, _MM_SHUFFLE(2, 1, 0, 3));
  p.d0 = _mm512_permutex_epi64(p.d0, _MM_SHUFFLE(1, 0, 3, 2));
  p.d1 = _mm512_permutex_epi64(p.d1, _MM_SHUFFLE(1, 0, 3, 2));
  p.c0 = _mm512_permutex_epi64(p.c0, _MM_SHUFFLE(0, 3, 2, 1));
  p.c1 = _mm512_permutex_epi64(p.c1, _MM_SHUFFLE(0, 3, 2, 1));
  quarter(p);
  p.a0 = _mm512_permutex_epi64(p.a0, _MM_SHUFFLE(0, 3, 2, 1));
  p.a1 = _mm512_permutex_epi64(p.a1, _MM_SHUFFLE(0, 3, 2, 1));
  p.d0 = _mm512_permutex_epi64(p.d0, _MM_SHUFFLE(1, 0, 3, 2));
  p.d1 = _mm512_permutex_epi64(p.d1, _MM_SHUFFLE(1, 0, 3, 2));
  p.c0 = _mm512_permutex_epi64(p.c0, _MM_SHUFFLE(2, 1, 0, 3));
  p.c1 = _mm512_permutex_epi64(p.c1, _MM_SHUFFLE(2, 1, 0, 3));
}

// In a tile the four words of one column are the lanes 0 1 4 5, of the other 2 3 6 7.
AVX512 void columns(const Pair& p) {
  const __m512i left = _mm512_setr_epi64(1, 4, 3, 6, 5, 0, 7, 2);
  const __m512i right = _mm512_setr_epi64(5, 0, 7, 2, 1, 4, 3, 6);
  quarter(p);
  p.a0 = _mm512_permutexvar_epi64(right, p.a0);
  p.a1 = _mm512_permutexvar_epi64(right, p.a1);
  p.d0 = _mm512_shuffle_i64x2(p.d0, p.d0, _MM_SHUFFLE(1, 0, 3, 2));
  p.d1 = _mm512_shuffle_i64x2(p.d1, p.d1, _MM_SHUFFLE(1, 0, 3, 2));
  p.c0 = _mm512_permutexvar_epi64(left, p.c0);
  p.c1 = _mm512_permutexvar_epi64(left, p.c1);
  quarter(p);
  p.a0 = _mm512_permutexvar_epi64(left, p.a0);
  p.a1 = _mm512_permutexvar_epi64(left, p.a1);
  p.d0 = _mm512_shuffle_i64x2(p.d0, p.d0, _MM_SHUFFLE(1, 0, 3, 2));
  p.d1 = _mm512_shuffle_i64x2(p.d1, p.d1, _MM_SHUFFLE(1, 0, 3, 2));
  p.c0 = _mm512_permutexvar_epi64(right, p.c0);
  p.c1 = _mm512_permutexvar_epi64(right, p.c1);
}

// previous ^ reference, which goes through P and is xored with the result at the end: it
// waits in `out`, whose cache lines are needed anyway.
AVX512 __m512i load(const Block& previous, const Block& reference, Block& out, Pass pass,
                    std::size_t tile) {
  const __m512i r = _mm512_xor_si512(_mm512_load_si512(&previous.tiles[8 * tile]),
                                     _mm512_load_si512(&reference.tiles[8 * tile]));
  __m512i* const at = reinterpret_cast<__m512i*>(&out.tiles[8 * tile]);
  _mm512_store_si512(at, pass == Pass::first ? r : _mm512_xor_si512(r, _mm512_load_si512(at)));
  return r;
}

AVX512 void finish(Block& out, std::size_t tile, __m512i z) {
  __m512i* const at = reinterpret_cast<__m512i*>(&out.tiles[8 * tile]);
  _mm512_store_si512(at, _mm512_xor_si512(z, _mm512_load_si512(at)));
}

}  // namespace

__attribute__((target("avx512f"))) void compress_avx512(const Block& previous,
                                                        const Block& reference, Block& out,
                                                        Pass pass, Lookahead& lookahead) noexcept {
  __m512i a0 = load(previous, reference, out, pass, 0);
  __m512i b0 = load(previous, reference, out, pass, 1);
  __m512i c0 = load(previous, reference, out, pass, 2);
  __m512i d0 = load(previous, reference, out, pass, 3);
  __m512i a1 = load(previous, reference, out, pass, 4);
  __m512i b1 = load(previous, reference, out, pass, 5);
  __m512i c1 = load(previous, reference, out, pass, 6);
  __m512i d1 = load(previous, reference, out, pass, 7);
  rows({a0, b0, c0, d0, a1, b1, c1, d1});
  __m512i a2 = load(previous, reference, out, pass, 8);
  __m512i b2 = load(previous, reference, out, pass, 9);
  __m512i c2 = load(previous, reference, out, pass, 10);
  __m512i d2 = load(previous, reference, out, pass, 11);
  __m512i a3 = load(previous, reference, out, pass, 12);
  __m512i b3 = load(previous, reference, out, pass, 13);
  __m512i c3 = load(previous, reference, out, pass, 14);
  __m512i d3 = load(previous, reference, out, pass, 15);
  rows({a2, b2, c2, d2, a3, b3, c3, d3});

  columns({a0, a1, a2, a3, b0, b1, b2, b3});
  finish(out, 0, a0);
  lookahead.first_word(out.tiles[0]);
  finish(out, 1, b0);
  finish(out, 4, a1);
  finish(out, 5, b1);
  finish(out, 8, a2);
  finish(out, 9, b2);
  finish(out, 12, a3);
  finish(out, 13, b3);
  columns({c0, c1, c2, c3, d0, d1, d2, d3});
  finish(out, 2, c0);
  finish(out, 3, d0);
  finish(out, 6, c1);
  finish(out, 7, d1);
  finish(out, 10, c2);
  finish(out, 11, d2);
  finish(out, 14, c3);
  finish(out, 15, d3);
}

}  // namespace plakar::crypto::argon2

#undef AVX512

#endif
