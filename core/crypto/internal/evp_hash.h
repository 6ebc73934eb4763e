// A hash function of OpenSSL, as the classes Sha256 and Blake2b wrap it.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "core/base/bytes.h"

struct evp_md_ctx_st;
struct evp_md_st;

namespace plakar::crypto {

// Not thread-safe. OpenSSL wipes the state when it is freed.
class EvpHash {
 public:
  // `md` may not be null, see internal/openssl.h.
  explicit EvpHash(const evp_md_st* md) noexcept;

  void update(BytesView data) noexcept;
  // Writes the digest of `out.size()` bytes, the size of the algorithm, and starts anew.
  void finish(std::span<std::byte> out) noexcept;
  void reset() noexcept;

 private:
  struct FreeContext {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_md_ctx_st, FreeContext> context_;
};

}  // namespace plakar::crypto
