// AES-256-GCM-SIV (RFC 8452): authenticated encryption that survives a repeated nonce. What
// every blob of an encrypted store is sealed with, in the pieces that segment_stream.h cuts.
#pragma once

#include <cstdint>
#include <span>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/crypto/digest.h"
#include "core/crypto/internal/gcrypt_cipher.h"

namespace plakar::crypto {

// An opened cipher costs an allocation: keep it and change the key. Not thread-safe; one for
// each thread. A moved-from object may only be assigned to or destroyed.
class GcmSiv {
 public:
  static constexpr std::size_t nonce_size = 12;
  static constexpr std::size_t tag_size = 16;
  // The limit of the standard, for the text and for the additional data alike.
  static constexpr std::uint64_t text_size_max = std::uint64_t{1} << 36;

  using Nonce = std::span<const std::byte, nonce_size>;

  // Errc::unsupported where this build of libgcrypt lacks the mode.
  static Result<GcmSiv> create();

  Status set_key(KeyView32 key);

  // Precondition of both: set_key() succeeded, and the output has the input's size. They may
  // be the same memory, or not overlap at all.
  Status seal(Nonce nonce, BytesView additional, BytesView plain, std::span<std::byte> sealed,
              std::span<std::byte, tag_size> tag);

  // What does not carry the right tag is Errc::corrupt, and `plain` is all zeros then.
  Status open(Nonce nonce, BytesView additional, BytesView sealed,
              std::span<const std::byte, tag_size> tag, std::span<std::byte> plain);

 private:
  explicit GcmSiv(GcryptCipher cipher) noexcept : cipher_(std::move(cipher)) {}
  Status start(Nonce nonce, BytesView additional);

  GcryptCipher cipher_;
};

}  // namespace plakar::crypto
