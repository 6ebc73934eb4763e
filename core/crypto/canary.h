// The `Canary` in the CONFIG of an encrypted store: an encrypted stream of random bytes.
// That it opens shows that a passphrase is the right one, before anything else is read; what
// it holds is compared with nothing.
#pragma once

#include "core/base/bytes.h"
#include "core/base/random.h"
#include "core/base/result.h"
#include "core/crypto/segment_stream.h"

namespace plakar::crypto {

inline constexpr std::size_t canary_plain_size = 32;
// No known program writes more than 100 bytes.
inline constexpr std::size_t canary_size_max = 4096;

Result<Bytes> make_canary(SegmentCipher& cipher, Random& random);

// Errc::permission_denied: the key is wrong, or the canary was altered; nothing can tell the
// two apart. Errc::corrupt: no key could open it.
Status check_canary(SegmentCipher& cipher, BytesView canary);

}  // namespace plakar::crypto
