// AES key wrap (RFC 3394) under a 256-bit key, with the standard's initial value: how a
// stream's subkey is stored under the store key. Wrapping is deterministic and adds 8 bytes.
#pragma once

#include <span>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/crypto/digest.h"
#include "core/crypto/internal/gcrypt_cipher.h"

namespace plakar::crypto {

// Holds the wrapping key. Not thread-safe; one for each thread. A moved-from object may only
// be assigned to or destroyed.
class KeyWrap {
 public:
  static constexpr std::size_t overhead = 8;
  // What is wrapped is a key: two to sixteen words of 8 bytes.
  static constexpr std::size_t key_size_min = 16;
  static constexpr std::size_t key_size_max = 128;

  // Errc::unsupported where this build of libgcrypt lacks the mode.
  static Result<KeyWrap> create(KeyView32 wrapping_key);

  // Precondition: `key` has one of the sizes above, a multiple of 8, and `wrapped` has 8
  // bytes more.
  Status wrap(BytesView key, std::span<std::byte> wrapped);

  // Precondition: `key` has 8 bytes less than `wrapped` and one of the sizes above. A failed
  // integrity check is Errc::corrupt, and `key` is all zeros then.
  Status unwrap(BytesView wrapped, std::span<std::byte> key);

 private:
  explicit KeyWrap(GcryptCipher cipher) noexcept : cipher_(std::move(cipher)) {}

  GcryptCipher cipher_;
};

}  // namespace plakar::crypto
