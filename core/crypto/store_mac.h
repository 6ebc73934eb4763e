// The hash function that a store names, and the keyed function `MAC(data)` made of it, which
// yields the identifiers of chunks, objects, entries and packfiles and guards envelopes.
//
//   Hashing.Algorithm   hash         MAC
//   BLAKE3              BLAKE3-256   BLAKE3 in keyed mode
//   SHA256              SHA-256      HMAC-SHA-256
//
// The CONFIG envelope is the exception: BLAKE3 whatever the store names, see blake3.h.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "core/base/bytes.h"
#include "core/base/id.h"
#include "core/base/result.h"
#include "core/base/secret.h"
#include "core/crypto/blake3.h"
#include "core/crypto/digest.h"
#include "core/crypto/hmac.h"

namespace plakar::crypto {

enum class HashAlgorithm : std::uint8_t { blake3, sha256 };

// Names are exact and upper-case; any other is Errc::unsupported.
Result<HashAlgorithm> parse_hash_algorithm(std::string_view name);
std::string_view to_name(HashAlgorithm algorithm) noexcept;

// The unkeyed hash.
Digest32 hash(HashAlgorithm algorithm, BytesView data) noexcept;

// The MAC key of a store without encryption: the hash of the UUID in its CONFIG. Not secret
// at all, but treated like the key of an encrypted store.
Secret plaintext_mac_key(HashAlgorithm algorithm, std::span<const std::byte, 16> repository_id);

// A MAC of data that arrives in pieces. finish() starts anew with the same key. Not
// thread-safe; keeps its own copy of the key and wipes it.
class MacHasher {
 public:
  MacHasher(MacHasher&&) = default;
  MacHasher& operator=(MacHasher&&) = default;

  void update(BytesView data) noexcept;
  Mac finish() noexcept;

 private:
  friend class StoreMac;
  using State = std::variant<Blake3, HmacSha256>;
  explicit MacHasher(State state) noexcept : state_(std::move(state)) {}

  State state_;
};

// Holds the key of one store. Its functions may be called from any thread.
class StoreMac {
 public:
  // `key` is the derived store key, or plaintext_mac_key(). Another length than 32 bytes is
  // Errc::invalid_argument.
  static Result<StoreMac> create(HashAlgorithm algorithm, Secret key);

  HashAlgorithm algorithm() const noexcept { return algorithm_; }

  Mac compute(BytesView data) const noexcept;

  // The MAC of each input; see blake3_many.h for why. Precondition: as many outputs as
  // inputs.
  void compute_many(std::span<const BytesView> inputs, std::span<Mac> out) const noexcept;

  MacHasher hasher() const noexcept;

 private:
  StoreMac(HashAlgorithm algorithm, Secret key);
  KeyView32 key() const noexcept { return key_.reveal().first<32>(); }

  HashAlgorithm algorithm_;
  Secret key_;
  std::optional<HmacSha256> hmac_;  // Keyed once and never updated: only forked.
};

}  // namespace plakar::crypto
