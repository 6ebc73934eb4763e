// HMAC-SHA-256 (RFC 2104, FIPS 198-1), over data at hand or in pieces.
#pragma once

#include <memory>

#include "core/base/bytes.h"
#include "core/crypto/digest.h"

struct evp_mac_ctx_st;

namespace plakar::crypto {

// Use: update() any number of times, then finish(), which starts anew with the same key.
// Not thread-safe. A moved-from object may only be assigned to or destroyed. The key is
// wiped at the end.
class HmacSha256 {
 public:
  // Keys of any length, also empty; those above 64 bytes are hashed first, as the standard
  // says.
  explicit HmacSha256(BytesView key) noexcept;

  // The same key, and nothing updated yet. Cheaper than another construction. `this` must
  // be fresh or finished; then it may be called from several threads at once.
  HmacSha256 fork() const noexcept;

  void update(BytesView data) noexcept;
  Digest32 finish() & noexcept;
  Digest32 finish() && noexcept;  // Its last: not made ready for another message.
  void reset() noexcept;

 private:
  struct FreeContext {
    void operator()(evp_mac_ctx_st* context) const noexcept;
  };
  using Context = std::unique_ptr<evp_mac_ctx_st, FreeContext>;

  explicit HmacSha256(Context context) noexcept;

  Context context_;
};

Digest32 hmac_sha256(BytesView key, BytesView data) noexcept;

}  // namespace plakar::crypto
