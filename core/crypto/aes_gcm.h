// AES-256-GCM (NIST SP 800-38D) of one short message. Stores use it only for the subkeys of
// streams whose CONFIG says `AES256-GCM`; bulk data goes through gcm_siv.h.
#pragma once

#include <cstdint>
#include <span>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/crypto/digest.h"

namespace plakar::crypto {

inline constexpr std::size_t aes_gcm_nonce_size = 12;
inline constexpr std::size_t aes_gcm_tag_size = 16;
// Far below the standard's limit: longer messages are not what this is for.
inline constexpr std::size_t aes_gcm_text_size_max = std::size_t{1} << 30;

using AesGcmNonce = std::span<const std::byte, aes_gcm_nonce_size>;

// Preconditions: the output has the input's size, at most aes_gcm_text_size_max, and is the
// same memory or does not overlap. A nonce may never be used twice with one key. Any thread.
Status aes_gcm_seal(KeyView32 key, AesGcmNonce nonce, BytesView additional, BytesView plain,
                    std::span<std::byte> sealed, std::span<std::byte, aes_gcm_tag_size> tag);

// What does not carry the right tag is Errc::corrupt, and `plain` is all zeros then.
Status aes_gcm_open(KeyView32 key, AesGcmNonce nonce, BytesView additional, BytesView sealed,
                    std::span<const std::byte, aes_gcm_tag_size> tag, std::span<std::byte> plain);

}  // namespace plakar::crypto
