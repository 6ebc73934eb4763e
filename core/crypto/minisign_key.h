// The secret key of minisign.h, and its file:
//
//   untrusted comment: <text>
//   base64( "Ed", kdf:2, "B2", salt:32, opslimit:u64 LE, memlimit:u64 LE,
//           ( key id:8, seed:32, public key:32, checksum:32 ) )
//
// With the kdf "Sc" the part in parentheses is XORed with what scrypt makes of a passphrase,
// and the checksum, the BLAKE2b-256 of "Ed" and what stands before it, shows that it was the
// right one. With the kdf 0,0 (`minisign -W`) it is in clear and the program leaves salt, limits
// and checksum zero.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/random.h"
#include "core/base/result.h"
#include "core/base/secret.h"
#include "core/crypto/ed25519.h"
#include "core/crypto/minisign.h"

namespace plakar::crypto {

// What it costs to try a passphrase, in libsodium's terms, which the file records.
struct MinisignCost {
  std::uint64_t opslimit = 33'554'432;     // The program's own: about two seconds
  std::uint64_t memlimit = 1'073'741'824;  // and 1 GiB.

  // Files may not ask for more than the program does.
  static constexpr std::uint64_t opslimit_max = 33'554'432;
  static constexpr std::uint64_t memlimit_max = 1'073'741'824;

  friend bool operator==(const MinisignCost&, const MinisignCost&) = default;
};

// Signing may be done from any thread. A moved-from key may only be assigned to or destroyed.
class MinisignKey {
 public:
  // A new pair with a random id.
  static Result<MinisignKey> generate(Random& random);

  // Reads a key file. If it is encrypted and `passphrase` is empty, or the wrong one:
  // Errc::permission_denied. What is not a key file is Errc::invalid_argument; one that needs
  // more than MinisignCost allows is Errc::unsupported.
  static Result<MinisignKey> parse(std::string_view text, const Secret& passphrase);

  // Whether parse() will want a passphrase. Fails as parse() does.
  static Result<bool> is_encrypted(std::string_view text);

  MinisignPublicKey public_key() const { return {.id = id_, .key = key_.public_key()}; }

  // The text of the key file. Whoever stores it without a passphrase lets nobody else read it.
  Result<Secret> file() const;
  // Errc::invalid_argument for an empty passphrase or a cost out of bounds.
  Result<Secret> encrypted_file(const Secret& passphrase, Random& random,
                                const MinisignCost& cost = {}) const;

  // Signs the BLAKE2b-512 digest of a message. The comments are one line each; other text in
  // them is Errc::invalid_argument.
  Result<MinisignSignature> sign_hashed(const Digest64& message_blake2b,
                                        std::string_view trusted_comment,
                                        std::string_view untrusted_comment) const;
  Result<MinisignSignature> sign(BytesView message, std::string_view trusted_comment,
                                 std::string_view untrusted_comment) const;

 private:
  MinisignKey(const MinisignKeyId& id, Ed25519Key key) noexcept : id_(id), key_(std::move(key)) {}

  Result<Secret> key_part() const;

  MinisignKeyId id_;
  Ed25519Key key_;
};

}  // namespace plakar::crypto
