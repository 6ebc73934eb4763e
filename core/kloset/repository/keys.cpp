#include "core/kloset/repository/keys.h"

#include <limits>
#include <utility>

#include "core/crypto/canary.h"
#include "core/crypto/segment_stream.h"

namespace plakar::kloset {
namespace {

// The numbers of a record are 64-bit and signed; what the functions take is not.
template <class Number>
Result<Number> checked(std::int64_t value, std::string_view what) {
  if (value < 0 || static_cast<std::uint64_t>(value) > std::numeric_limits<Number>::max()) {
    return Error(Errc::corrupt,
                 "a key derivation with " + std::string(what) + " " + std::to_string(value));
  }
  return static_cast<Number>(value);
}

Error missing(std::string_view kdf) {
  return Error(Errc::corrupt,
               "the store's CONFIG names " + std::string(kdf) + " and does not say how to use it");
}

Result<crypto::KdfSettings> kdf_settings(const KdfParams& params) {
  crypto::KdfSettings settings{.salt = params.salt};
  if (params.kdf == "ARGON2ID") {
    if (!params.argon2id) return missing(params.kdf);
    settings.key_size = params.argon2id->key_size;
    settings.params = crypto::Argon2idParams{.time = params.argon2id->time,
                                             .memory_kib = params.argon2id->memory_kib,
                                             .threads = params.argon2id->threads};
  } else if (params.kdf == "SCRYPT") {
    if (!params.scrypt) return missing(params.kdf);
    settings.key_size = PLK_TRY(checked<std::uint64_t>(params.scrypt->key_size, "KeyLen"));
    settings.params =
        crypto::ScryptParams{.n = PLK_TRY(checked<std::uint64_t>(params.scrypt->n, "N")),
                             .r = PLK_TRY(checked<std::uint32_t>(params.scrypt->r, "R")),
                             .p = PLK_TRY(checked<std::uint32_t>(params.scrypt->p, "P"))};
  } else if (params.kdf == "PBKDF2") {
    if (!params.pbkdf2) return missing(params.kdf);
    settings.key_size = PLK_TRY(checked<std::uint64_t>(params.pbkdf2->key_size, "KeyLen"));
    settings.params = crypto::Pbkdf2Params{
        .iterations = PLK_TRY(checked<std::uint64_t>(params.pbkdf2->iterations, "Iterations")),
        .hashing = PLK_TRY(crypto::parse_pbkdf2_hashing(params.pbkdf2->hashing))};
  } else {
    return Error(Errc::unsupported, "key derivation '" + params.kdf + "' is not known here");
  }
  return settings;
}

Result<crypto::StreamFormat> stream_format(const EncryptionParams& params) {
  return crypto::StreamFormat::parse(params.subkey_algorithm, params.data_algorithm,
                                     params.segment_size);
}

}  // namespace

Result<StoreKeys> unlock(const UnverifiedConfig& config, BytesView passphrase, Random& random,
                         const crypto::KdfInterrupt& interrupt) {
  const crypto::KdfSettings settings = PLK_TRY(kdf_settings(config.config.encryption->kdf));
  Secret key = PLK_TRY(crypto::derive_key(passphrase, settings, interrupt));
  return unlock_with_key(config, std::move(key), random);
}

Result<StoreKeys> unlock_with_key(const UnverifiedConfig& config, Secret store_key,
                                  Random& random) {
  const EncryptionParams& encryption = *config.config.encryption;
  const crypto::StreamFormat format = PLK_TRY(stream_format(encryption));
  const auto algorithm = PLK_TRY(crypto::parse_hash_algorithm(config.config.hashing.algorithm));
  crypto::SegmentCipher cipher =
      PLK_TRY(crypto::SegmentCipher::create(store_key.reveal().first<32>(), format, random));
  PLK_TRY(crypto::check_canary(cipher, encryption.canary));
  PLK_TRY(verify_config(config, &store_key));
  crypto::StoreMac mac = PLK_TRY(crypto::StoreMac::create(algorithm, store_key.clone()));
  return StoreKeys{.store_key = std::move(store_key), .mac = std::move(mac)};
}

Result<StoreKeys> open_plain(const UnverifiedConfig& config) {
  PLK_TRY(verify_config(config, nullptr));
  return plain_keys(config.config);
}

Result<StoreKeys> encrypt_config(StoreConfig& config, KdfParams kdf, BytesView passphrase,
                                 Random& random, const crypto::KdfInterrupt& interrupt) {
  constexpr std::size_t salt_size = 16;
  kdf.salt.resize(salt_size);
  random.fill(kdf.salt);
  EncryptionParams encryption{
      .subkey_algorithm = std::string(to_name(crypto::SubkeyAlgorithm::aes256_kw)),
      .data_algorithm = std::string(crypto::StreamFormat::data_algorithm),
      .segment_size = crypto::StreamFormat().segment_size(),
      .kdf = std::move(kdf),
      .canary = {}};
  const crypto::KdfSettings settings = PLK_TRY(kdf_settings(encryption.kdf));
  Secret key = PLK_TRY(crypto::derive_key(passphrase, settings, interrupt));
  const crypto::StreamFormat format = PLK_TRY(stream_format(encryption));
  crypto::SegmentCipher cipher =
      PLK_TRY(crypto::SegmentCipher::create(key.reveal().first<32>(), format, random));
  encryption.canary = PLK_TRY(crypto::make_canary(cipher, random));
  const auto algorithm = PLK_TRY(crypto::parse_hash_algorithm(config.hashing.algorithm));
  crypto::StoreMac mac = PLK_TRY(crypto::StoreMac::create(algorithm, key.clone()));
  config.encryption = std::move(encryption);
  return StoreKeys{.store_key = std::move(key), .mac = std::move(mac)};
}

Result<StoreKeys> plain_keys(const StoreConfig& config) {
  const auto algorithm = PLK_TRY(crypto::parse_hash_algorithm(config.hashing.algorithm));
  crypto::StoreMac mac = PLK_TRY(crypto::StoreMac::create(
      algorithm, crypto::plaintext_mac_key(algorithm, config.repository_id.view())));
  return StoreKeys{.store_key = std::nullopt, .mac = std::move(mac)};
}

}  // namespace plakar::kloset
