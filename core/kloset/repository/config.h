// CONFIG: the one item of a store with a fixed name. It says how everything else in the store
// is cut, hashed, compressed and encrypted, for readers and for writers.
//
// CONFIG itself is in clear. Its envelope's MAC is BLAKE3-256 in a store without encryption,
// and BLAKE3 keyed with the store key in an encrypted one, whatever hashing the store names; so
// it can be verified only after the passphrase is known.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/id.h"
#include "core/base/random.h"
#include "core/base/result.h"
#include "core/base/secret.h"
#include "core/base/unix_time.h"
#include "core/kloset/chunking/chunker.h"
#include "core/kloset/store.h"  // config_size_max

namespace plakar::kloset {

// A fresh structure is what a field that is missing from a CONFIG means: nothing. What new
// stores get is in default_config() and default_kdf().
struct PackfileParams {
  std::uint64_t size_min = 0;      // recorded, without a meaning
  std::uint64_t size_average = 0;  // likewise
  std::uint64_t size_max = 0;
};

struct HashingParams {
  std::string algorithm;
  std::uint32_t bits = 0;
};

// Only the algorithm means anything; the numbers are recorded as genuine Plakar does.
struct CompressionParams {
  std::string algorithm;
  std::int64_t level = 0;
  std::int64_t window_size = 0;
  std::int64_t chunk_size = 0;
  std::int64_t block_size = 0;
  bool enable_crc = false;
};

struct Argon2idRecord {
  std::uint32_t salt_size = 0;
  std::uint32_t time = 0;
  std::uint32_t memory_kib = 0;
  std::uint8_t threads = 0;
  std::uint32_t key_size = 0;
};

struct ScryptRecord {
  std::uint32_t salt_size = 0;
  std::int64_t n = 0;
  std::int64_t r = 0;
  std::int64_t p = 0;
  std::int64_t key_size = 0;
};

struct Pbkdf2Record {
  std::uint32_t salt_size = 0;
  std::int64_t iterations = 0;
  std::int64_t key_size = 0;
  std::string hashing;
};

// How the passphrase becomes the key; the record of the KDF that is named is there.
struct KdfParams {
  std::string kdf;
  Bytes salt;
  std::optional<Argon2idRecord> argon2id;
  std::optional<ScryptRecord> scrypt;
  std::optional<Pbkdf2Record> pbkdf2;
};

struct EncryptionParams {
  std::string subkey_algorithm;
  std::string data_algorithm;
  std::int64_t segment_size = 0;
  KdfParams kdf;
  Bytes canary;  // decrypts with the right key, and with no other
};

struct StoreConfig {
  UnixTime timestamp;
  Uuid repository_id;
  PackfileParams packfile;
  ChunkingParams chunking;
  HashingParams hashing;
  std::optional<CompressionParams> compression;
  std::optional<EncryptionParams> encryption;
};

// What a new store gets, for the caller to change: no encryption, and nothing yet of `timestamp`
// and `repository_id`.
StoreConfig default_config();

// The record of a KDF by name, with the numbers that new stores get. Errc::unsupported for a
// name that is not ARGON2ID, SCRYPT or PBKDF2.
Result<KdfParams> default_kdf(std::string_view name);

// The bytes of the item. `key` is the store key of an encrypted store, else null.
Bytes seal_config(const StoreConfig& config, const Secret* key);

// A CONFIG whose MAC has not been checked, because its key may have to be asked for first. Only
// what is needed to derive and to check the key may be used before verify_config().
struct UnverifiedConfig {
  Bytes item;
  StoreConfig config;
};

// Errc::unsupported for a version that is not exactly 1.0.0, Errc::corrupt for what is not a
// CONFIG.
Result<UnverifiedConfig> decode_config(Bytes item);

// Errc::corrupt when the MAC does not match.
Status verify_config(const UnverifiedConfig& config, const Secret* key);

}  // namespace plakar::kloset
