// BLAKE2b (RFC 7693), unkeyed: 64 bytes of output for what minisign signs, 32 bytes for the
// check inside its secret-key files. Stores use neither: see blake3.h.
#pragma once

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/crypto/digest.h"
#include "core/crypto/internal/evp_hash.h"

namespace plakar::crypto {

// Use: update() any number of times, then finish(), which starts anew. Not thread-safe. A
// moved-from hasher may only be assigned to or destroyed.
class Blake2b {
 public:
  Blake2b() noexcept;

  void update(BytesView data) noexcept { hash_.update(data); }
  Digest64 finish() noexcept;
  void reset() noexcept { hash_.reset(); }

 private:
  EvpHash hash_;
};

Digest64 blake2b(BytesView data) noexcept;

// Not the beginning of the longer digest: the output size is part of the function.
// Errc::unsupported where libgcrypt was built without it.
Result<Digest32> blake2b_256(BytesView data);

}  // namespace plakar::crypto
