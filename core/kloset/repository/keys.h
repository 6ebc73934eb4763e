// From CONFIG and passphrase to what reads and writes a store: the MAC function, and in an
// encrypted store its key. One 32-byte key wraps the subkeys and keys the MACs; a store without
// encryption has a MAC key that anybody can compute.
#pragma once

#include <optional>
#include <string_view>

#include "core/base/random.h"
#include "core/base/result.h"
#include "core/base/secret.h"
#include "core/crypto/kdf.h"
#include "core/crypto/store_mac.h"
#include "core/kloset/repository/config.h"

namespace plakar::kloset {

struct StoreKeys {
  std::optional<Secret> store_key;  // of an encrypted store
  crypto::StoreMac mac;
};

// The keys of an encrypted store, once its canary and the MAC of its CONFIG agree.
// Errc::permission_denied for a wrong passphrase, Errc::corrupt or Errc::unsupported for a
// CONFIG that no passphrase opens. Slow on purpose: run it on a thread of its own.
// Precondition: the store is encrypted.
Result<StoreKeys> unlock(const UnverifiedConfig& config, BytesView passphrase, Random& random,
                         const crypto::KdfInterrupt& interrupt = {});

// The same with the store key itself, as a key cache holds it.
Result<StoreKeys> unlock_with_key(const UnverifiedConfig& config, Secret store_key, Random& random);

// The keys of a store without encryption, once the MAC of its CONFIG agrees.
Result<StoreKeys> open_plain(const UnverifiedConfig& config);

// Turns `config` into that of an encrypted store: fresh salt, key, canary. `kdf` is what
// default_kdf() returns, or other numbers.
Result<StoreKeys> encrypt_config(StoreConfig& config, KdfParams kdf, BytesView passphrase,
                                 Random& random, const crypto::KdfInterrupt& interrupt = {});

// The keys of a new store without encryption.
Result<StoreKeys> plain_keys(const StoreConfig& config);

}  // namespace plakar::kloset
