// BLAKE3 with 32 bytes of output, unkeyed and keyed, over data that is at hand or that
// arrives in pieces. The instruction set is chosen at run time by the official C code.
// For many small inputs at once see blake3_many.h.
#pragma once

#include <array>
#include <cstddef>

#include "core/base/bytes.h"
#include "core/crypto/digest.h"

namespace plakar::crypto {

// Use: construct, update() any number of times, finish(). finish() changes nothing: more
// may follow, and it may be asked again. A hasher lives wherever its owner does, without
// an allocation; moving copies about 2 KiB and leaves the source a hasher of nothing in
// particular, to be assigned to or destroyed. Not thread-safe.
class Blake3 {
 public:
  Blake3() noexcept;  // unkeyed
  explicit Blake3(KeyView32 key) noexcept;
  Blake3(Blake3&& other) noexcept;
  Blake3& operator=(Blake3&& other) noexcept;
  ~Blake3();  // Wipes the key and the data not yet compressed.

  void update(BytesView data) noexcept;
  Digest32 finish() const noexcept;

  // Back to the state after construction, with the same key.
  void reset() noexcept;

 private:
  // Holds a blake3_hasher: its header stays out of ours. 1912 bytes in every release.
  static constexpr std::size_t state_size = 1912;
  alignas(8) std::array<std::byte, state_size> state_;
};

// The digest of data that is at hand.
Digest32 blake3(BytesView data) noexcept;
Digest32 blake3_keyed(KeyView32 key, BytesView data) noexcept;

}  // namespace plakar::crypto
