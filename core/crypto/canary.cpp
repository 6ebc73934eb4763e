#include "core/crypto/canary.h"

#include <string>

namespace plakar::crypto {

Result<Bytes> make_canary(SegmentCipher& cipher, Random& random) {
  Secret plain(canary_plain_size);
  random.fill(plain.writable());
  Bytes canary(cipher.format().encrypted_size(plain.size()));
  PLK_TRY(cipher.encrypt(plain.reveal(), canary));
  return canary;
}

Status check_canary(SegmentCipher& cipher, BytesView canary) {
  if (canary.size() > canary_size_max) {
    return Error(Errc::corrupt, "the canary of the store's configuration has " +
                                    std::to_string(canary.size()) + " bytes");
  }
  const std::uint64_t size = PLK_TRY_CONTEXT(cipher.format().plain_size(canary.size()),
                                             "the canary of the store's configuration");
  Secret plain(size);
  const Status opened = cipher.decrypt(canary, plain.writable());
  if (!opened && opened.error().code() == Errc::corrupt) {
    return Error(Errc::permission_denied, "the passphrase or key does not open this store");
  }
  return opened;
}

}  // namespace plakar::crypto
