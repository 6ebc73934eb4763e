#include "core/crypto/internal/argon2_hash.h"

#include <algorithm>
#include <bit>

#include "core/base/assert.h"
#include "core/base/secret.h"

namespace plakar::crypto::argon2 {

namespace {

constexpr std::array<std::uint64_t, 8> initial{
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};

constexpr std::array<std::array<std::uint8_t, 16>, 10> order{{
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
}};
constexpr std::size_t rounds = 12;

}  // namespace

Hash::Hash(std::size_t digest_size) noexcept : state_(initial), digest_size_(digest_size) {
  PLK_ASSERT(digest_size >= 1 && digest_size <= digest_size_max);
  state_[0] ^= 0x01010000 ^ digest_size;  // Fan-out 1, depth 1, no key.
}

Hash::~Hash() {
  wipe(std::as_writable_bytes(std::span(state_)));
  wipe(buffer_);
}

void Hash::update(BytesView bytes) noexcept {
  while (!bytes.empty()) {
    // The last block is compressed differently, so a full buffer waits for a further byte.
    if (buffered_ == buffer_.size()) {
      hashed_ += buffered_;
      compress(false);
      buffered_ = 0;
    }
    const std::size_t n = std::min(bytes.size(), buffer_.size() - buffered_);
    std::copy_n(bytes.begin(), n, buffer_.begin() + static_cast<std::ptrdiff_t>(buffered_));
    buffered_ += n;
    bytes = bytes.subspan(n);
  }
}

void Hash::update_le32(std::uint32_t value) noexcept {
  std::array<std::byte, 4> bytes;
  store_le(bytes, value);
  update(bytes);
}

void Hash::finish(std::span<std::byte> digest) noexcept {
  PLK_ASSERT(digest.size() == digest_size_);
  hashed_ += buffered_;
  std::fill(buffer_.begin() + static_cast<std::ptrdiff_t>(buffered_), buffer_.end(), std::byte{});
  compress(true);
  for (std::size_t i = 0; i < digest.size(); ++i) {
    digest[i] = static_cast<std::byte>(state_[i / 8] >> (8 * (i % 8)));
  }
}

void Hash::compress(bool last) noexcept {
  std::array<std::uint64_t, 16> m;
  for (std::size_t i = 0; i < 16; ++i) {
    m[i] = load_le<std::uint64_t>(BytesView(buffer_).subspan(8 * i));
  }
  std::array<std::uint64_t, 16> v;
  std::copy(state_.begin(), state_.end(), v.begin());
  std::copy(initial.begin(), initial.end(), v.begin() + 8);
  v[12] ^= hashed_;  // The upper half of the counter stays zero: 2^64 bytes do not come.
  if (last) v[14] = ~v[14];

  const auto g = [&](std::size_t a, std::size_t b, std::size_t c, std::size_t d, std::uint64_t x,
                     std::uint64_t y) {
    v[a] += v[b] + x;
    v[d] = std::rotr(v[d] ^ v[a], 32);
    v[c] += v[d];
    v[b] = std::rotr(v[b] ^ v[c], 24);
    v[a] += v[b] + y;
    v[d] = std::rotr(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = std::rotr(v[b] ^ v[c], 63);
  };
  for (std::size_t round = 0; round < rounds; ++round) {
    const auto& s = order[round % order.size()];
    for (std::size_t i = 0; i < 4; ++i) {
      g(i, 4 + i, 8 + i, 12 + i, m[s[2 * i]], m[s[2 * i + 1]]);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      g(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[s[8 + 2 * i]], m[s[9 + 2 * i]]);
    }
  }
  for (std::size_t i = 0; i < 8; ++i) state_[i] ^= v[i] ^ v[8 + i];
  wipe(std::as_writable_bytes(std::span(m)));
  wipe(std::as_writable_bytes(std::span(v)));
}

void hash_long(std::span<std::byte> out, std::initializer_list<BytesView> inputs) noexcept {
  constexpr std::size_t whole = Hash::digest_size_max;
  Hash first(std::min(out.size(), whole));
  first.update_le32(static_cast<std::uint32_t>(out.size()));
  for (const BytesView input : inputs) first.update(input);
  if (out.size() <= whole) return first.finish(out);

  // Each digest gives its first half to the output and goes whole into the next one.
  std::array<std::byte, whole> digest;
  first.finish(digest);
  while (true) {
    std::copy_n(digest.begin(), whole / 2, out.begin());
    out = out.subspan(whole / 2);
    if (out.size() <= whole) break;
    Hash next(whole);
    next.update(digest);
    next.finish(digest);
  }
  Hash last(out.size());
  last.update(digest);
  last.finish(out);
  wipe(digest);
}

}  // namespace plakar::crypto::argon2
