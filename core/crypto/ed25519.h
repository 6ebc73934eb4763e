// Ed25519 signatures (RFC 8032), plain: no context, no prehashing of its own. Files are signed
// in the format of minisign.h.
#pragma once

#include <array>
#include <cstddef>
#include <memory>

#include "core/base/bytes.h"
#include "core/base/id.h"
#include "core/base/random.h"
#include "core/base/result.h"
#include "core/base/secret.h"
#include "core/crypto/digest.h"

struct evp_pkey_st;

namespace plakar::crypto {

using Ed25519PublicKey = Id32<struct Ed25519PublicKeyTag>;

struct Ed25519Signature {
  std::array<std::byte, 64> bytes{};

  friend bool operator==(const Ed25519Signature&, const Ed25519Signature&) = default;
};

// The secret half of a key pair. Signing may be done from any thread. A moved-from key may only
// be assigned to or destroyed.
class Ed25519Key {
 public:
  // Both: Errc::unsupported where OpenSSL lacks the algorithm.
  static Result<Ed25519Key> generate(Random& random);
  static Result<Ed25519Key> from_seed(KeyView32 seed);

  // The 32 bytes that the key is made of.
  KeyView32 seed() const noexcept { return seed_.reveal().first<32>(); }
  const Ed25519PublicKey& public_key() const noexcept { return public_key_; }

  // The same message always has the same signature.
  Result<Ed25519Signature> sign(BytesView message) const;

 private:
  struct FreeKey {
    void operator()(evp_pkey_st* key) const noexcept;
  };
  using Handle = std::unique_ptr<evp_pkey_st, FreeKey>;

  Ed25519Key(Secret seed, const Ed25519PublicKey& public_key, Handle handle) noexcept
      : seed_(std::move(seed)), public_key_(public_key), handle_(std::move(handle)) {}

  Secret seed_;
  Ed25519PublicKey public_key_;
  Handle handle_;
};

// Errc::corrupt if this is not the key's signature of the message. Any thread.
Status ed25519_verify(const Ed25519PublicKey& key, BytesView message,
                      const Ed25519Signature& signature);

}  // namespace plakar::crypto
