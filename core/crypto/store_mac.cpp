#include "core/crypto/store_mac.h"

#include <string>

#include "core/base/assert.h"
#include "core/crypto/blake3_many.h"
#include "core/crypto/sha256.h"

namespace plakar::crypto {

Result<HashAlgorithm> parse_hash_algorithm(std::string_view name) {
  if (name == "BLAKE3") return HashAlgorithm::blake3;
  if (name == "SHA256") return HashAlgorithm::sha256;
  return Error(Errc::unsupported, "hashing algorithm \"" + std::string(name) +
                                      "\" is not known here: BLAKE3 and SHA256 are");
}

std::string_view to_name(HashAlgorithm algorithm) noexcept {
  switch (algorithm) {
    case HashAlgorithm::blake3:
      return "BLAKE3";
    case HashAlgorithm::sha256:
      return "SHA256";
  }
  return {};
}

Digest32 hash(HashAlgorithm algorithm, BytesView data) noexcept {
  return algorithm == HashAlgorithm::blake3 ? blake3(data) : sha256(data);
}

Secret plaintext_mac_key(HashAlgorithm algorithm, std::span<const std::byte, 16> repository_id) {
  return Secret(BytesView(hash(algorithm, repository_id)));
}

void MacHasher::update(BytesView data) noexcept {
  std::visit([&](auto& hasher) { hasher.update(data); }, state_);
}

Mac MacHasher::finish() noexcept {
  auto* const blake3 = std::get_if<Blake3>(&state_);
  if (blake3 == nullptr) return Mac{std::get<HmacSha256>(state_).finish()};
  const Mac mac{blake3->finish()};
  blake3->reset();  // Unlike the other it goes on where it was.
  return mac;
}

StoreMac::StoreMac(HashAlgorithm algorithm, Secret key)
    : algorithm_(algorithm), key_(std::move(key)) {
  if (algorithm_ == HashAlgorithm::sha256) hmac_.emplace(key_.reveal());
}

Result<StoreMac> StoreMac::create(HashAlgorithm algorithm, Secret key) {
  if (key.size() != std::tuple_size_v<Digest32>) {
    return Error(Errc::invalid_argument,
                 "a store key has 32 bytes, not " + std::to_string(key.size()));
  }
  return StoreMac(algorithm, std::move(key));
}

Mac StoreMac::compute(BytesView data) const noexcept {
  if (algorithm_ == HashAlgorithm::blake3) return Mac{blake3_keyed(key(), data)};
  HmacSha256 mac = hmac_->fork();
  mac.update(data);
  return Mac{std::move(mac).finish()};
}

void StoreMac::compute_many(std::span<const BytesView> inputs, std::span<Mac> out) const noexcept {
  PLK_ASSERT(inputs.size() == out.size());
  if (algorithm_ == HashAlgorithm::blake3) {
    static_assert(sizeof(Mac) == sizeof(Digest32));
    blake3_keyed_many(key(), inputs, std::as_writable_bytes(out));
    return;
  }
  HmacSha256 mac = hmac_->fork();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    mac.update(inputs[i]);
    out[i] = Mac{mac.finish()};
  }
}

MacHasher StoreMac::hasher() const noexcept {
  if (algorithm_ == HashAlgorithm::blake3) return MacHasher(Blake3(key()));
  return MacHasher(hmac_->fork());
}

}  // namespace plakar::crypto
