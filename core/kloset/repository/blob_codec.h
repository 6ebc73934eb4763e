// The form in which a store keeps every unit: blob, packfile index, footer, state, lock.
//
//   encode(x) = encrypt(compress(x))        decode(y) = decompress(decrypt(y))
//
// Each step is left out where the store's CONFIG has none. What a unit decodes to is not yet
// authentic: the MAC over the plaintext, which whoever asks for the unit knows, decides.
#pragma once

#include <cstdint>
#include <optional>

#include "core/base/bytes.h"
#include "core/base/random.h"
#include "core/base/result.h"
#include "core/codec/compression.h"
#include "core/crypto/segment_stream.h"
#include "core/kloset/repository/config.h"
#include "core/kloset/repository/keys.h"

namespace plakar::kloset {

// What tells afterwards whether a plaintext is what it was: its MAC, or nothing else. Then the
// checksum of a compressed unit, where there is one, is looked at too.
enum class UnitGuard : std::uint8_t { mac, none };

// Not thread-safe; one for each thread. Works in buffers of its own, which grow to the largest
// unit seen and stay.
class BlobCodec {
 public:
  // `keys` and `random` outlive the codec.
  static Result<BlobCodec> create(const StoreConfig& config, const StoreKeys& keys, Random& random);

  // The encoded form, valid until the next call. Before it is returned it is decoded again and
  // compared with `plain`: memory that forgets, or a library that errs, is found while the
  // plaintext still exists. A difference is Errc::internal.
  Result<BytesView> encode(BytesView plain);

  // The plaintext, valid until the next call. Malformed input is Errc::corrupt, as is a plaintext
  // of more than `plain_size_max` bytes.
  Result<BytesView> decode(BytesView encoded, std::size_t plain_size_max,
                           UnitGuard guard = UnitGuard::mac);
  // The same into the caller's memory, for who knows how large it is: the size of the plaintext at
  // the front of `out`. After an error the content of `out` means nothing.
  Result<std::size_t> decode_into(BytesView encoded, std::span<std::byte> out);

 private:
  BlobCodec(codec::Compression compression, std::optional<crypto::SegmentCipher> cipher);

  Result<BytesView> decrypt(BytesView encoded, Bytes& into);
  Status verify_compressed(BytesView compressed, BytesView plain);
  Status verify_encrypted(BytesView encrypted, BytesView compressed);

  codec::Compression compression_;
  codec::Compressor compressor_;
  codec::Decompressor decompressor_;
  std::optional<codec::Decompressor> checking_decompressor_;  // made when it is needed
  std::optional<crypto::SegmentCipher> cipher_;
  Bytes compressed_;
  Bytes scratch_;  // what is decompressed, and then what is encrypted: never both at a time
  Bytes piece_;    // of what is decrypted again
};

}  // namespace plakar::kloset
