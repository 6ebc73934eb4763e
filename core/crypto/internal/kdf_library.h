// The key derivation functions that libraries do for us, as they are: without the limits of
// ../kdf.h, and not to be interrupted. Libgcrypt has scrypt only for r = 8, so that one comes
// from OpenSSL.
//
// All of them fill `out` or leave it untouched and return an error: Errc::unavailable for
// memory that the system refuses, Errc::unsupported for what the library lacks,
// Errc::invalid_argument for what it does not accept. Callable from any thread.
#pragma once

#include <cstdint>
#include <span>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/crypto/internal/argon2.h"
#include "core/crypto/kdf.h"

namespace plakar::crypto {

// PBKDF2 with HMAC (RFC 8018), by libgcrypt.
Status pbkdf2(const Pbkdf2Params& params, BytesView passphrase, BytesView salt,
              std::span<std::byte> out);

// RFC 7914, by OpenSSL.
Status scrypt(const ScryptParams& params, BytesView passphrase, BytesView salt,
              std::span<std::byte> out);

// RFC 9106, by libgcrypt: what argon2::derive is compared with. It refuses an empty passphrase
// and takes a time of zero for one.
Status argon2id_by_libgcrypt(const argon2::Input& input, std::span<std::byte> out);

}  // namespace plakar::crypto
