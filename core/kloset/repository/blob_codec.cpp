#include "core/kloset/repository/blob_codec.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace plakar::kloset {
namespace {

// How much is decrypted at a time to be compared.
constexpr std::size_t verified_size = 128 * 1024;

Error decodes_to_something_else() {
  return Error(Errc::internal,
               "what was encoded does not decode to what it was: the memory of this machine or a "
               "library cannot be trusted");
}

// By memcmp: the library's own loop over bytes looks at them one by one.
bool equal(BytesView a, BytesView b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

// A buffer of at least `size` bytes. Growing does not copy what was in it.
std::span<std::byte> room(Bytes& buffer, std::size_t size) {
  if (buffer.size() < size) {
    buffer.clear();
    buffer.resize(size);
  }
  return std::span(buffer).first(size);
}

Error too_large(std::size_t size, std::size_t size_max) {
  return Error(Errc::corrupt, "a unit of " + std::to_string(size) + " bytes where at most " +
                                  std::to_string(size_max) + " are possible");
}

}  // namespace

BlobCodec::BlobCodec(codec::Compression compression, std::optional<crypto::SegmentCipher> cipher)
    : compression_(compression),
      // In an encrypted store the cipher's tag tells rot already, and for nothing.
      compressor_(compression,
                  {.lz4_checksum = cipher ? codec::Lz4Checksum::off : codec::Lz4Checksum::on}),
      // Plaintexts are checked by their MACs; a second checksum would only cost.
      decompressor_(compression, codec::Lz4Checksum::off),
      cipher_(std::move(cipher)) {}

Result<BlobCodec> BlobCodec::create(const StoreConfig& config, const StoreKeys& keys,
                                    Random& random) {
  auto compression = codec::Compression::none;
  if (config.compression) {
    compression = PLK_TRY(codec::compression_from_name(config.compression->algorithm));
  }
  std::optional<crypto::SegmentCipher> cipher;
  if (config.encryption) {
    const auto format = PLK_TRY(crypto::StreamFormat::parse(config.encryption->subkey_algorithm,
                                                            config.encryption->data_algorithm,
                                                            config.encryption->segment_size));
    cipher = PLK_TRY(
        crypto::SegmentCipher::create(keys.store_key->reveal().first<32>(), format, random));
  }
  return BlobCodec(compression, std::move(cipher));
}

Result<BytesView> BlobCodec::encode(BytesView plain) {
  BytesView compressed = plain;
  if (compression_ != codec::Compression::none) {
    const auto out = room(compressed_, compressor_.bound(plain.size()));
    compressed = BytesView(out).first(compressor_.compress(plain, out));
    PLK_TRY(verify_compressed(compressed, plain));
  }
  if (!cipher_) return compressed;
  const auto out = room(scratch_, cipher_->format().encrypted_size(compressed.size()));
  PLK_TRY(cipher_->encrypt(compressed, out));
  PLK_TRY(verify_encrypted(out, compressed));
  return BytesView(out);
}

Status BlobCodec::verify_compressed(BytesView compressed, BytesView plain) {
  const auto out = room(scratch_, plain.size());
  const auto size = decompressor_.decompress(compressed, out);
  if (!size || !equal(BytesView(out).first(*size), plain)) return decodes_to_something_else();
  return {};
}

// Piece by piece: what is decrypted is compared while it is in the cache, and takes no memory to
// speak of.
Status BlobCodec::verify_encrypted(BytesView encrypted, BytesView compressed) {
  const crypto::StreamFormat& format = cipher_->format();
  const std::size_t prefix = format.prefix_size();
  const std::size_t plain_step = std::max<std::size_t>(verified_size, format.segment_size()) /
                                 format.segment_size() * format.segment_size();
  if (!cipher_->start_decrypting(encrypted.first(prefix))) return decodes_to_something_else();
  encrypted = encrypted.subspan(prefix);
  while (!compressed.empty()) {
    const std::size_t size = std::min(compressed.size(), plain_step);
    const auto segments = static_cast<std::size_t>(format.segments_size(size));
    const auto out = room(piece_, size);
    if (!cipher_->decrypt_segments(encrypted.first(segments), out) ||
        !equal(out, compressed.first(size))) {
      return decodes_to_something_else();
    }
    encrypted = encrypted.subspan(segments);
    compressed = compressed.subspan(size);
  }
  return {};
}

Result<BytesView> BlobCodec::decrypt(BytesView encoded, Bytes& into) {
  const std::uint64_t size = PLK_TRY(cipher_->format().plain_size(encoded.size()));
  const auto out = room(into, size);
  PLK_TRY(cipher_->decrypt(encoded, out));
  return BytesView(out);
}

Result<BytesView> BlobCodec::decode(BytesView encoded, std::size_t plain_size_max,
                                    UnitGuard guard) {
  BytesView compressed = encoded;
  if (cipher_) compressed = PLK_TRY(decrypt(encoded, compressed_));
  if (compression_ == codec::Compression::none) {
    if (compressed.size() > plain_size_max) return too_large(compressed.size(), plain_size_max);
    return compressed;
  }
  codec::Decompressor* decompressor = &decompressor_;
  if (guard == UnitGuard::none) {
    if (!checking_decompressor_) checking_decompressor_.emplace(compression_);
    decompressor = &*checking_decompressor_;
  }
  // Most units expand little; starting small and growing keeps a lying one cheap.
  std::size_t size = std::min(plain_size_max, std::max<std::size_t>(4 * compressed.size(), 4096));
  for (;;) {
    const auto out = room(scratch_, size);
    const auto got = decompressor->decompress(compressed, out);
    if (got) return BytesView(out).first(*got);
    if (size == plain_size_max) return got.error();
    size = plain_size_max - size < size ? plain_size_max : 2 * size;
  }
}

Result<std::size_t> BlobCodec::decode_into(BytesView encoded, std::span<std::byte> out) {
  if (compression_ != codec::Compression::none) {
    const BytesView compressed = cipher_ ? PLK_TRY(decrypt(encoded, compressed_)) : encoded;
    return decompressor_.decompress(compressed, out);
  }
  const std::uint64_t size =
      cipher_ ? PLK_TRY(cipher_->format().plain_size(encoded.size())) : encoded.size();
  if (size > out.size()) return too_large(size, out.size());
  if (cipher_) {
    PLK_TRY(cipher_->decrypt(encoded, out.first(size)));
  } else {
    std::copy(encoded.begin(), encoded.end(), out.begin());
  }
  return static_cast<std::size_t>(size);
}

}  // namespace plakar::kloset
