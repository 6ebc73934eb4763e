// Signatures in the format of the program minisign, which can check ours and makes ones that
// we can check.
//
//   public key     untrusted comment: <text>
//                  base64( "Ed", key id:8, Ed25519 public key:32 )
//
//   signature      untrusted comment: <text>
//                  base64( letters, key id:8, Ed25519 signature:64 )
//                  trusted comment: <text>
//                  base64( Ed25519 signature of the 64 bytes above and the trusted text )
//
// The letters are "ED" for a signature of the message's BLAKE2b-512 digest, which is what we
// make, and "Ed" for one of the message itself, which old releases made.
//
// Nothing in an untrusted comment may be believed. A trusted one may, after verify().
// For the secret key see minisign_key.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/crypto/digest.h"
#include "core/crypto/ed25519.h"

namespace plakar::crypto {

// Tells keys apart; chosen at random and no proof of anything.
struct MinisignKeyId {
  std::array<std::byte, 8> bytes{};

  // As the program prints it: a little-endian number in upper-case hexadecimal, which is
  // shorter than sixteen digits if it starts with zeros.
  std::string text() const;

  friend bool operator==(const MinisignKeyId&, const MinisignKeyId&) = default;
};

struct MinisignPublicKey {
  MinisignKeyId id;
  Ed25519PublicKey key;

  // A file, or its second line alone, as people pass it on a command line. Anything else is
  // Errc::invalid_argument.
  static Result<MinisignPublicKey> parse(std::string_view text);

  std::string line() const;
  // With the comment that the program would write.
  std::string file() const;

  friend bool operator==(const MinisignPublicKey&, const MinisignPublicKey&) = default;
};

enum class MinisignAlgorithm : std::uint8_t { prehashed, legacy };

struct MinisignSignature {
  MinisignAlgorithm algorithm = MinisignAlgorithm::prehashed;
  MinisignKeyId key_id;
  Ed25519Signature signature;
  Ed25519Signature comment_signature;
  std::string trusted_comment;
  std::string untrusted_comment;

  // Reads the form only: what it says is to be believed after verify(). Errc::
  // invalid_argument for anything else than a signature file.
  static Result<MinisignSignature> parse(std::string_view text);

  std::string file() const;
};

// Succeeds if `signature`, trusted comment included, was made with the secret half of `key`
// for this message. Errc::permission_denied if it claims to be another key's, Errc::corrupt if
// message, signature or comment are not what was signed.
Status minisign_verify(const MinisignPublicKey& key, const MinisignSignature& signature,
                       BytesView message);

// The same for a message that was hashed in passing. A legacy signature needs the message
// itself: Errc::unsupported.
Status minisign_verify_hashed(const MinisignPublicKey& key, const MinisignSignature& signature,
                              const Digest64& message_blake2b);

}  // namespace plakar::crypto
