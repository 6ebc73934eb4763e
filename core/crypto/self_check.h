// Whether the cryptography that the storage format depends on is there and right.
//
// A distribution may build libgcrypt or OpenSSL without a part of it, a machine in FIPS mode
// may refuse one, and an instruction set may be mis-detected. A store written with wrong
// ciphers cannot be read again, so every program that opens a store asks this first.
#pragma once

#include "core/base/result.h"

namespace plakar::crypto {

// Computes one published vector of each primitive, and opens a tampered message of each cipher
// that must refuse it. Errc::unsupported names the first that fails. Takes half a
// millisecond, and some more for the libraries to get ready. Any thread.
Status self_check();

}  // namespace plakar::crypto
