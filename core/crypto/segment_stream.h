// The encrypted form of every blob, index, footer, state and lock of an encrypted store.
//
//   stream  := wrapped subkey, segment*
//   wrapped := AES key wrap of the subkey                        40 bytes  (AES256-KW)
//            | nonce:12, AES-256-GCM of the subkey:32, tag:16    60 bytes  (AES256-GCM)
//   segment := nonce:12, AES-256-GCM-SIV of a piece, tag:16
//
// A piece has the store's segment size (`ChunkSize` in CONFIG), only the last one may be
// shorter, and none is empty: an empty plaintext is the wrapped subkey alone. The subkey is
// fresh for each stream and every nonce is random.
//
// Segments carry neither a number nor an end mark. That a stream was cut between two of
// them, or that they changed places, is seen only by the MAC over the plaintext, which
// whoever decrypts has to check.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/random.h"
#include "core/base/result.h"
#include "core/base/secret.h"
#include "core/crypto/digest.h"
#include "core/crypto/gcm_siv.h"
#include "core/crypto/key_wrap.h"

namespace plakar::crypto {

enum class SubkeyAlgorithm : std::uint8_t { aes256_kw, aes256_gcm };

std::string_view to_name(SubkeyAlgorithm algorithm) noexcept;

// How a store encrypts, and what its streams measure. A plain value.
class StreamFormat {
 public:
  static constexpr std::size_t segment_overhead = GcmSiv::nonce_size + GcmSiv::tag_size;
  static constexpr std::uint32_t segment_size_max = 64U << 20;
  // Nothing in a store comes near; sizes computed from it cannot overflow.
  static constexpr std::uint64_t plain_size_max = std::uint64_t{1} << 40;
  static constexpr std::string_view data_algorithm = "AES256-GCM-SIV";

  // What new stores use: AES256-KW and 64 KiB.
  StreamFormat() = default;

  // What a CONFIG says. An algorithm that we do not know is Errc::unsupported, as is a
  // segment size outside 1 ... segment_size_max.
  static Result<StreamFormat> parse(std::string_view subkey_name, std::string_view data_name,
                                    std::int64_t segment_size);

  SubkeyAlgorithm subkey_algorithm() const noexcept { return subkey_algorithm_; }
  std::uint32_t segment_size() const noexcept { return segment_size_; }

  // Bytes before the first segment.
  std::size_t prefix_size() const noexcept;

  // Precondition of both: plain_size <= plain_size_max.
  std::uint64_t segments_size(std::uint64_t plain_size) const noexcept;
  std::uint64_t encrypted_size(std::uint64_t plain_size) const noexcept;

  // The inverse of the two above. Errc::corrupt if no plaintext has such a stream.
  Result<std::uint64_t> plain_size_of_segments(std::uint64_t segments_size) const;
  Result<std::uint64_t> plain_size(std::uint64_t encrypted_size) const;

 private:
  SubkeyAlgorithm subkey_algorithm_ = SubkeyAlgorithm::aes256_kw;
  std::uint32_t segment_size_ = 65536;
};

// Encrypts and decrypts streams one after the other. Creating one opens ciphers; using it
// allocates nothing, but for a context of OpenSSL's where subkeys are wrapped by AES256-GCM. Not
// thread-safe: one for each thread. The store key and the last subkey are wiped at the end. A
// moved-from object may only be assigned to or destroyed.
class SegmentCipher {
 public:
  // Errc::unsupported where this build of libgcrypt lacks something. `random` makes subkeys
  // and nonces, and must outlive the object.
  static Result<SegmentCipher> create(KeyView32 store_key, const StreamFormat& format,
                                      Random& random);

  const StreamFormat& format() const noexcept { return format_; }

  // Precondition: `out` has format().encrypted_size(plain.size()) bytes. On failure its
  // content means nothing.
  Status encrypt(BytesView plain, std::span<std::byte> out);

  // Precondition: `out` has the bytes that format().plain_size() answers. What was not
  // encrypted with this key, or was changed since, is Errc::corrupt; `out` is all zeros then.
  Status decrypt(BytesView stream, std::span<std::byte> out);

  // The same in parts, for what does not fit in memory and for ranges: first the prefix, then
  // any number of whole segments at a time. Only the last part may end with a shorter piece.
  // Preconditions as above, with prefix_size() and segments_size().
  Status start_encrypting(std::span<std::byte> prefix);
  Status encrypt_segments(BytesView plain, std::span<std::byte> out);
  Status start_decrypting(BytesView prefix);
  Status decrypt_segments(BytesView segments, std::span<std::byte> out);

 private:
  SegmentCipher(const StreamFormat& format, Random& random, Secret store_key, KeyWrap key_wrap,
                GcmSiv cipher)
      : format_(format),
        random_(&random),
        store_key_(std::move(store_key)),
        key_wrap_(std::move(key_wrap)),
        cipher_(std::move(cipher)) {}

  std::span<std::byte, 32> subkey() noexcept { return scratch_.writable().first<32>(); }
  std::span<std::byte> nonces() noexcept { return scratch_.writable().subspan(32); }
  std::size_t nonces_wanted(std::uint64_t plain_size) const noexcept;

  Status wrap_subkey(std::span<std::byte> prefix);
  Status unwrap_subkey(BytesView prefix);
  Status seal_segments(BytesView plain, std::span<std::byte> out, BytesView unused_nonces);

  StreamFormat format_;
  Random* random_;
  Secret store_key_;
  KeyWrap key_wrap_;
  GcmSiv cipher_;
  // A subkey, wiped after each use, and the nonces that were asked for together with it: a
  // call to the kernel costs as much as encrypting 1 KiB, and answers up to 256 bytes
  // without interruption.
  Secret scratch_{32 + 18 * GcmSiv::nonce_size};
};

}  // namespace plakar::crypto
