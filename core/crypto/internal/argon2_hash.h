// The two hash functions around Argon2's memory: BLAKE2b (RFC 7693), unkeyed, with any digest
// length from 1 to 64 bytes, and H' made of it, with any length (RFC 9106, section 3.3).
//
// crypto/blake2b.h is the one for everything else: the libraries behind it know a few round
// lengths, and a shorter digest is not the beginning of a longer one. This one hashes a few
// kilobytes for a key, so it is written to be read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

#include "core/base/bytes.h"

namespace plakar::crypto::argon2 {

// Not thread-safe. What it hashes comes from a passphrase, so its state is wiped.
class Hash {
 public:
  static constexpr std::size_t digest_size_max = 64;

  // Precondition: 1 <= digest_size <= digest_size_max.
  explicit Hash(std::size_t digest_size) noexcept;
  ~Hash();
  Hash(const Hash&) = delete;
  Hash& operator=(const Hash&) = delete;

  void update(BytesView bytes) noexcept;
  void update_le32(std::uint32_t value) noexcept;

  // Precondition: `digest` has the size promised, and this is the last call.
  void finish(std::span<std::byte> digest) noexcept;

 private:
  void compress(bool last) noexcept;

  std::array<std::uint64_t, 8> state_;
  std::array<std::byte, 128> buffer_{};
  std::size_t buffered_ = 0;
  std::uint64_t hashed_ = 0;  // bytes, those in the buffer not counted
  std::size_t digest_size_;
};

// H' of the inputs, one after the other.
void hash_long(std::span<std::byte> out, std::initializer_list<BytesView> inputs) noexcept;

}  // namespace plakar::crypto::argon2
