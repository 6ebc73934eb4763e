#include "core/crypto/minisign.h"

#include <algorithm>

#include "core/base/base64.h"
#include "core/crypto/blake2b.h"
#include "core/crypto/internal/minisign_text.h"

namespace plakar::crypto {

namespace {

namespace text = minisign_text;

constexpr std::size_t letters_size = 2;
constexpr std::size_t id_size = 8;
constexpr std::size_t public_key_size = letters_size + id_size + 32;
constexpr std::size_t signature_size = letters_size + id_size + 64;

Status check_key_id(const MinisignPublicKey& key, const MinisignSignature& signature) {
  if (key.id == signature.key_id) return {};
  return Error(Errc::permission_denied, "signed with key " + signature.key_id.text() +
                                            ", not with key " + key.id.text() +
                                            ": get the public key that belongs to it");
}

Status check_comment_signature(const MinisignPublicKey& key, const MinisignSignature& signature) {
  Bytes signed_text = to_bytes(signature.signature.bytes);
  append(signed_text, as_bytes(signature.trusted_comment));
  PLK_TRY_CONTEXT(ed25519_verify(key.key, signed_text, signature.comment_signature),
                  "the trusted comment");
  return {};
}

}  // namespace

std::string MinisignKeyId::text() const {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (std::uint64_t rest = load_le<std::uint64_t>(bytes); rest != 0 || out.empty(); rest >>= 4) {
    out.insert(out.begin(), digits[rest & 15]);
  }
  return out;
}

Result<MinisignPublicKey> MinisignPublicKey::parse(std::string_view text) {
  std::string_view value = text;
  if (text.starts_with("untrusted comment:")) {
    const auto lines = PLK_TRY(text::split(text, 2, "a public key"));
    PLK_TRY(text::comment(lines[0], text::untrusted_prefix, text::untrusted_comment_max));
    value = lines[1];
  } else {
    value = PLK_TRY(text::split(text, 1, "a public key"))[0];
  }

  std::array<std::byte, public_key_size> bytes;
  const BytesView view = bytes;
  if (!base64_decode(value, bytes) || as_text(view.first(letters_size)) != text::letters_plain) {
    return Error(Errc::invalid_argument,
                 "not a public key of minisign: expected 56 characters that start with RW");
  }
  MinisignPublicKey key;
  std::ranges::copy(view.subspan(letters_size, id_size), key.id.bytes.begin());
  std::ranges::copy(view.subspan(letters_size + id_size), key.key.bytes.begin());
  return key;
}

std::string MinisignPublicKey::line() const {
  Bytes bytes = to_bytes(text::letters_plain);
  append(bytes, id.bytes);
  append(bytes, key.bytes);
  return text::encode(bytes);
}

std::string MinisignPublicKey::file() const {
  return std::string(text::untrusted_prefix) + "minisign public key " + id.text() + "\n" + line() +
         "\n";
}

Result<MinisignSignature> MinisignSignature::parse(std::string_view text) {
  const auto lines = PLK_TRY(text::split(text, 4, "a signature"));
  MinisignSignature out;
  out.untrusted_comment =
      PLK_TRY(text::comment(lines[0], text::untrusted_prefix, text::untrusted_comment_max));
  out.trusted_comment =
      PLK_TRY(text::comment(lines[2], text::trusted_prefix, text::trusted_comment_max));

  std::array<std::byte, signature_size> bytes;
  const BytesView view = bytes;
  PLK_TRY_CONTEXT(base64_decode(lines[1], bytes), "the signature, in line 2");
  PLK_TRY_CONTEXT(base64_decode(lines[3], out.comment_signature.bytes),
                  "the comment's signature, in line 4");
  const std::string_view letters = as_text(view.first(letters_size));
  if (letters == text::letters_prehashed) {
    out.algorithm = MinisignAlgorithm::prehashed;
  } else if (letters == text::letters_plain) {
    out.algorithm = MinisignAlgorithm::legacy;
  } else {
    return Error(Errc::invalid_argument, "not a signature of minisign: of an unknown kind");
  }
  std::ranges::copy(view.subspan(letters_size, id_size), out.key_id.bytes.begin());
  std::ranges::copy(view.subspan(letters_size + id_size), out.signature.bytes.begin());
  return out;
}

std::string MinisignSignature::file() const {
  Bytes bytes = to_bytes(algorithm == MinisignAlgorithm::prehashed ? text::letters_prehashed
                                                                   : text::letters_plain);
  append(bytes, key_id.bytes);
  append(bytes, signature.bytes);
  return std::string(text::untrusted_prefix) + untrusted_comment + "\n" + text::encode(bytes) +
         "\n" + std::string(text::trusted_prefix) + trusted_comment + "\n" +
         text::encode(comment_signature.bytes) + "\n";
}

Status minisign_verify(const MinisignPublicKey& key, const MinisignSignature& signature,
                       BytesView message) {
  if (signature.algorithm == MinisignAlgorithm::prehashed) {
    return minisign_verify_hashed(key, signature, blake2b(message));
  }
  PLK_TRY(check_key_id(key, signature));
  PLK_TRY(ed25519_verify(key.key, message, signature.signature));
  return check_comment_signature(key, signature);
}

Status minisign_verify_hashed(const MinisignPublicKey& key, const MinisignSignature& signature,
                              const Digest64& message_blake2b) {
  if (signature.algorithm != MinisignAlgorithm::prehashed) {
    return Error(Errc::unsupported,
                 "a signature of the old kind cannot be checked here: sign again with minisign -H");
  }
  PLK_TRY(check_key_id(key, signature));
  PLK_TRY(ed25519_verify(key.key, message_blake2b, signature.signature));
  return check_comment_signature(key, signature);
}

}  // namespace plakar::crypto
