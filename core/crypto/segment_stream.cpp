#include "core/crypto/segment_stream.h"

#include <algorithm>
#include <array>
#include <string>

#include "core/base/assert.h"
#include "core/crypto/aes_gcm.h"

namespace plakar::crypto {

namespace {

constexpr std::size_t nonce_size = GcmSiv::nonce_size;
constexpr std::size_t tag_size = GcmSiv::tag_size;
constexpr std::size_t subkey_size = 32;
constexpr std::size_t kw_prefix_size = subkey_size + KeyWrap::overhead;
constexpr std::size_t gcm_prefix_size = aes_gcm_nonce_size + subkey_size + aes_gcm_tag_size;

std::uint64_t segment_count(std::uint64_t plain_size, std::uint64_t segment_size) {
  return plain_size / segment_size + (plain_size % segment_size != 0 ? 1 : 0);
}

// Says which segment failed; that it is one of many helps to find out what happened.
Error in_segment(Error error, std::uint64_t number) {
  return std::move(error).context("segment " + std::to_string(number));
}

}  // namespace

std::string_view to_name(SubkeyAlgorithm algorithm) noexcept {
  switch (algorithm) {
    case SubkeyAlgorithm::aes256_kw:
      return "AES256-KW";
    case SubkeyAlgorithm::aes256_gcm:
      return "AES256-GCM";
  }
  return {};
}

Result<StreamFormat> StreamFormat::parse(std::string_view subkey_name, std::string_view data_name,
                                         std::int64_t segment_size) {
  StreamFormat format;
  if (subkey_name == to_name(SubkeyAlgorithm::aes256_gcm)) {
    format.subkey_algorithm_ = SubkeyAlgorithm::aes256_gcm;
  } else if (subkey_name != to_name(SubkeyAlgorithm::aes256_kw)) {
    return Error(Errc::unsupported, "subkey algorithm \"" + std::string(subkey_name) +
                                        "\" is not known here: AES256-KW and AES256-GCM are");
  }
  if (data_name != data_algorithm) {
    return Error(Errc::unsupported, "data algorithm \"" + std::string(data_name) +
                                        "\" is not known here: AES256-GCM-SIV is");
  }
  if (segment_size < 1 || segment_size > std::int64_t{segment_size_max}) {
    return Error(Errc::unsupported, "encryption in pieces of " + std::to_string(segment_size) +
                                        " bytes: 1 to " + std::to_string(segment_size_max) +
                                        " are possible");
  }
  format.segment_size_ = static_cast<std::uint32_t>(segment_size);
  return format;
}

std::size_t StreamFormat::prefix_size() const noexcept {
  return subkey_algorithm_ == SubkeyAlgorithm::aes256_kw ? kw_prefix_size : gcm_prefix_size;
}

std::uint64_t StreamFormat::segments_size(std::uint64_t plain_size) const noexcept {
  PLK_ASSERT(plain_size <= plain_size_max);
  return plain_size + segment_count(plain_size, segment_size_) * segment_overhead;
}

std::uint64_t StreamFormat::encrypted_size(std::uint64_t plain_size) const noexcept {
  return prefix_size() + segments_size(plain_size);
}

Result<std::uint64_t> StreamFormat::plain_size_of_segments(std::uint64_t segments_size) const {
  const std::uint64_t full = std::uint64_t{segment_size_} + segment_overhead;
  const std::uint64_t rest = segments_size % full;
  if (rest != 0 && rest <= segment_overhead) {
    return Error(Errc::corrupt, "an encrypted stream ends with a piece of " + std::to_string(rest) +
                                    " bytes, too short to hold data");
  }
  const std::uint64_t plain = segments_size - segment_count(segments_size, full) * segment_overhead;
  if (plain > plain_size_max) {
    return Error(Errc::corrupt, "an encrypted stream claims more than 1 TiB");
  }
  return plain;
}

Result<std::uint64_t> StreamFormat::plain_size(std::uint64_t encrypted_size) const {
  if (encrypted_size < prefix_size()) {
    return Error(Errc::corrupt, "an encrypted stream of " + std::to_string(encrypted_size) +
                                    " bytes cannot hold its wrapped key");
  }
  return plain_size_of_segments(encrypted_size - prefix_size());
}

Result<SegmentCipher> SegmentCipher::create(KeyView32 store_key, const StreamFormat& format,
                                            Random& random) {
  KeyWrap key_wrap = PLK_TRY(KeyWrap::create(store_key));
  GcmSiv cipher = PLK_TRY(GcmSiv::create());
  return SegmentCipher(format, random, Secret(BytesView(store_key)), std::move(key_wrap),
                       std::move(cipher));
}

std::size_t SegmentCipher::nonces_wanted(std::uint64_t plain_size) const noexcept {
  const std::uint64_t room = (scratch_.size() - subkey_size) / nonce_size;
  return static_cast<std::size_t>(
      std::min(room, segment_count(plain_size, format_.segment_size())));
}

Status SegmentCipher::wrap_subkey(std::span<std::byte> prefix) {
  if (format_.subkey_algorithm() == SubkeyAlgorithm::aes256_kw) {
    return key_wrap_.wrap(subkey(), prefix);
  }
  const auto nonce = prefix.first<aes_gcm_nonce_size>();
  random_->fill(nonce);
  return aes_gcm_seal(store_key_.reveal().first<32>(), nonce, {}, subkey(),
                      prefix.subspan<aes_gcm_nonce_size, subkey_size>(),
                      prefix.last<aes_gcm_tag_size>());
}

Status SegmentCipher::unwrap_subkey(BytesView prefix) {
  if (format_.subkey_algorithm() == SubkeyAlgorithm::aes256_kw) {
    return key_wrap_.unwrap(prefix, subkey());
  }
  return aes_gcm_open(store_key_.reveal().first<32>(), prefix.first<aes_gcm_nonce_size>(), {},
                      prefix.subspan<aes_gcm_nonce_size, subkey_size>(),
                      prefix.last<aes_gcm_tag_size>(), subkey());
}

Status SegmentCipher::seal_segments(BytesView plain, std::span<std::byte> out,
                                    BytesView unused_nonces) {
  while (!plain.empty()) {
    if (unused_nonces.empty()) {
      const auto fresh = nonces().first(nonces_wanted(plain.size()) * nonce_size);
      random_->fill(fresh);
      unused_nonces = fresh;
    }
    const std::size_t size = std::min<std::size_t>(plain.size(), format_.segment_size());
    const auto nonce = unused_nonces.first<nonce_size>();
    std::ranges::copy(nonce, out.begin());
    PLK_TRY(cipher_.seal(nonce, {}, plain.first(size), out.subspan(nonce_size, size),
                         out.subspan(nonce_size + size).first<tag_size>()));
    unused_nonces = unused_nonces.subspan(nonce_size);
    plain = plain.subspan(size);
    out = out.subspan(size + StreamFormat::segment_overhead);
  }
  return {};
}

Status SegmentCipher::encrypt(BytesView plain, std::span<std::byte> out) {
  PLK_ASSERT(out.size() == format_.encrypted_size(plain.size()));
  const std::size_t nonces_size = nonces_wanted(plain.size()) * nonce_size;
  random_->fill(scratch_.writable().first(subkey_size + nonces_size));
  Status started = wrap_subkey(out.first(format_.prefix_size()));
  if (started) started = cipher_.set_key(subkey());
  wipe(subkey());
  if (!started) return started;
  return seal_segments(plain, out.subspan(format_.prefix_size()), nonces().first(nonces_size));
}

Status SegmentCipher::decrypt(BytesView stream, std::span<std::byte> out) {
  if (auto size = format_.plain_size(stream.size()); !size) {
    wipe(out);
    return std::move(size).error();
  }
  if (Status started = start_decrypting(stream.first(format_.prefix_size())); !started) {
    wipe(out);
    return started;
  }
  return decrypt_segments(stream.subspan(format_.prefix_size()), out);
}

Status SegmentCipher::start_encrypting(std::span<std::byte> prefix) { return encrypt({}, prefix); }

Status SegmentCipher::encrypt_segments(BytesView plain, std::span<std::byte> out) {
  PLK_ASSERT(out.size() == format_.segments_size(plain.size()));
  return seal_segments(plain, out, {});
}

Status SegmentCipher::start_decrypting(BytesView prefix) {
  PLK_ASSERT(prefix.size() == format_.prefix_size());
  Status started = unwrap_subkey(prefix);
  if (started) started = cipher_.set_key(subkey());
  wipe(subkey());
  return started;
}

Status SegmentCipher::decrypt_segments(BytesView segments, std::span<std::byte> out) {
  const auto plain_size = format_.plain_size_of_segments(segments.size());
  if (!plain_size) {
    wipe(out);
    return plain_size.error();
  }
  PLK_ASSERT(out.size() == *plain_size);
  std::span<std::byte> rest = out;
  for (std::uint64_t number = 1; !rest.empty(); ++number) {
    const std::size_t size = std::min<std::size_t>(rest.size(), format_.segment_size());
    Status opened =
        cipher_.open(segments.first<nonce_size>(), {}, segments.subspan(nonce_size, size),
                     segments.subspan(nonce_size + size).first<tag_size>(), rest.first(size));
    if (!opened) [[unlikely]] {
      wipe(out);
      return in_segment(std::move(opened).error(), number);
    }
    segments = segments.subspan(size + StreamFormat::segment_overhead);
    rest = rest.subspan(size);
  }
  return {};
}

}  // namespace plakar::crypto
