// SHA-256 (FIPS 180-4), over data at hand or in pieces.
#pragma once

#include "core/base/bytes.h"
#include "core/crypto/digest.h"
#include "core/crypto/internal/evp_hash.h"

namespace plakar::crypto {

// Use: update() any number of times, then finish(), which starts anew. Not thread-safe. A
// moved-from hasher may only be assigned to or destroyed.
class Sha256 {
 public:
  Sha256() noexcept;

  void update(BytesView data) noexcept { hash_.update(data); }
  Digest32 finish() noexcept;
  void reset() noexcept { hash_.reset(); }

 private:
  EvpHash hash_;
};

Digest32 sha256(BytesView data) noexcept;

}  // namespace plakar::crypto
