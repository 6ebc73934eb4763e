#include "core/kloset/repository/config.h"

#include <utility>

#include "core/codec/msgpack_struct.h"
#include "core/crypto/blake3.h"
#include "core/kloset/format/envelope.h"
#include "core/kloset/format/uuid_codec.h"

namespace plakar::kloset {

using codec::field;
using codec::plain_int_field;

constexpr auto msgpack_fields(const PackfileParams*) {
  return std::array{field<&PackfileParams::size_min>("MinSize"),
                    field<&PackfileParams::size_average>("AvgSize"),
                    field<&PackfileParams::size_max>("MaxSize")};
}

constexpr auto msgpack_fields(const ChunkingParams*) {
  return std::array{field<&ChunkingParams::algorithm>("Algorithm"),
                    field<&ChunkingParams::size_min>("MinSize"),
                    field<&ChunkingParams::size_normal>("NormalSize"),
                    field<&ChunkingParams::size_max>("MaxSize")};
}

constexpr auto msgpack_fields(const HashingParams*) {
  return std::array{field<&HashingParams::algorithm>("Algorithm"),
                    field<&HashingParams::bits>("Bits")};
}

constexpr auto msgpack_fields(const CompressionParams*) {
  return std::array{field<&CompressionParams::algorithm>("Algorithm"),
                    plain_int_field<&CompressionParams::level>("Level"),
                    plain_int_field<&CompressionParams::window_size>("WindowSize"),
                    plain_int_field<&CompressionParams::chunk_size>("ChunkSize"),
                    plain_int_field<&CompressionParams::block_size>("BlockSize"),
                    field<&CompressionParams::enable_crc>("EnableCRC")};
}

constexpr auto msgpack_fields(const Argon2idRecord*) {
  return std::array{
      field<&Argon2idRecord::salt_size>("SaltSize"), field<&Argon2idRecord::time>("Time"),
      field<&Argon2idRecord::memory_kib>("Memory"), field<&Argon2idRecord::threads>("Threads"),
      field<&Argon2idRecord::key_size>("KeyLen")};
}

constexpr auto msgpack_fields(const ScryptRecord*) {
  return std::array{field<&ScryptRecord::salt_size>("SaltSize"),
                    plain_int_field<&ScryptRecord::n>("N"), plain_int_field<&ScryptRecord::r>("R"),
                    plain_int_field<&ScryptRecord::p>("P"),
                    plain_int_field<&ScryptRecord::key_size>("KeyLen")};
}

constexpr auto msgpack_fields(const Pbkdf2Record*) {
  return std::array{field<&Pbkdf2Record::salt_size>("SaltSize"),
                    plain_int_field<&Pbkdf2Record::iterations>("Iterations"),
                    plain_int_field<&Pbkdf2Record::key_size>("KeyLen"),
                    field<&Pbkdf2Record::hashing>("Hashing")};
}

constexpr auto msgpack_fields(const KdfParams*) {
  return std::array{field<&KdfParams::kdf>("KDF"), field<&KdfParams::salt>("Salt"),
                    field<&KdfParams::argon2id>("argon2id").omit_empty(),
                    field<&KdfParams::scrypt>("scrypt").omit_empty(),
                    field<&KdfParams::pbkdf2>("pbkdf2").omit_empty()};
}

constexpr auto msgpack_fields(const EncryptionParams*) {
  return std::array{field<&EncryptionParams::subkey_algorithm>("SubKeyAlgorithm"),
                    field<&EncryptionParams::data_algorithm>("DataAlgorithm"),
                    plain_int_field<&EncryptionParams::segment_size>("ChunkSize"),
                    field<&EncryptionParams::kdf>("KDFParams"),
                    field<&EncryptionParams::canary>("Canary")};
}

constexpr auto msgpack_fields(const StoreConfig*) {
  return std::array{field<&StoreConfig::timestamp>("Timestamp"),
                    field<&StoreConfig::repository_id, UuidCodec>("RepositoryID"),
                    field<&StoreConfig::packfile>("Packfile"),
                    field<&StoreConfig::chunking>("Chunking"),
                    field<&StoreConfig::hashing>("Hashing"),
                    field<&StoreConfig::compression>("Compression"),
                    field<&StoreConfig::encryption>("Encryption")};
}

namespace {

Mac compute_config_mac(BytesView authenticated, const Secret* key) {
  Mac mac;
  mac.bytes = key == nullptr ? crypto::blake3(authenticated)
                             : crypto::blake3_keyed(key->reveal().first<32>(), authenticated);
  return mac;
}

}  // namespace

StoreConfig default_config() {
  StoreConfig config;
  config.packfile.size_max = 64u << 20;
  config.chunking = default_chunking();
  config.hashing = {.algorithm = "BLAKE3", .bits = 256};
  config.compression = CompressionParams{.algorithm = "LZ4",
                                         .level = 128 * 1024,
                                         .window_size = -1,
                                         .chunk_size = -1,
                                         .block_size = -1,
                                         .enable_crc = false};
  return config;
}

Result<KdfParams> default_kdf(std::string_view name) {
  KdfParams params;
  params.kdf = name;
  if (name == "ARGON2ID") {
    params.argon2id = {
        .salt_size = 16, .time = 4, .memory_kib = 256 * 1024, .threads = 1, .key_size = 32};
  } else if (name == "SCRYPT") {
    params.scrypt = {.salt_size = 16, .n = 32768, .r = 8, .p = 1, .key_size = 32};
  } else if (name == "PBKDF2") {
    params.pbkdf2 = {.salt_size = 16, .iterations = 100000, .key_size = 32, .hashing = "SHA256"};
  } else {
    return Error(Errc::unsupported, "key derivation '" + std::string(name) + "' is not known");
  }
  return params;
}

Bytes seal_config(const StoreConfig& config, const Secret* key) {
  Bytes item(envelope_header_size);
  encode_envelope_header(std::span<std::byte, envelope_header_size>(item), ResourceType::config);
  codec::msgpack_encode(item, config);
  append(item, compute_config_mac(item, key).view());
  return item;
}

Result<UnverifiedConfig> decode_config(Bytes item) {
  if (item.size() > config_size_max) {
    return Error(Errc::corrupt, "a CONFIG of " + std::to_string(item.size()) + " bytes");
  }
  const Envelope envelope = PLK_TRY(split_envelope(item, ResourceType::config));
  if (envelope.version != version_1_0_0) {
    return Error(Errc::unsupported, "incompatible repository version: v" +
                                        to_text(envelope.version) +
                                        " != " + to_text(version_1_0_0));
  }
  StoreConfig config = PLK_TRY(codec::msgpack_decode<StoreConfig>(envelope.body));
  return UnverifiedConfig{.item = std::move(item), .config = std::move(config)};
}

Status verify_config(const UnverifiedConfig& config, const Secret* key) {
  const Envelope envelope = PLK_TRY(split_envelope(config.item, ResourceType::config));
  const Mac wanted = compute_config_mac(envelope.authenticated, key);
  if (!equal_constant_time(wanted.view(), envelope.mac.view())) {
    return Error(Errc::corrupt, "the MAC of the store's CONFIG does not match its bytes");
  }
  return {};
}

}  // namespace plakar::kloset
