// The one place that initialises libgcrypt. Whoever calls it in this directory calls
// `ready()` first; the functions below never see an uninitialised library.
//
// Thread rule: everything here may be called from any thread.
#pragma once

#include <string_view>

#include "core/base/result.h"

namespace plakar::crypto::gcrypt {

// Initialises libgcrypt on the first call, and answers the same on every further one.
// A library older than 1.10 (no AES-GCM-SIV, no Argon2) is Errc::unsupported.
//
// Its "secure memory" stays off: the pool is a small fixed size shared by the process,
// and locking it needs a limit that containers and cron jobs rarely have. Secrets are
// wiped by `Secret` instead.
Status ready();

// `code` is a gcry_error_t, `doing` what was attempted ("open AES-256-GCM-SIV"). What the
// build or the machine cannot do is Errc::unsupported, a failed check of ciphertext
// Errc::corrupt, everything else Errc::internal: we called the library wrongly.
Error error(unsigned int code, std::string_view doing);

// The same as a Status; zero is success.
Status check(unsigned int code, std::string_view doing);

}  // namespace plakar::crypto::gcrypt
