#include "core/crypto/minisign_key.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <string>

#include "core/base/base64.h"
#include "core/crypto/blake2b.h"
#include "core/crypto/internal/kdf_library.h"
#include "core/crypto/internal/minisign_text.h"

namespace plakar::crypto {

namespace {

namespace text = minisign_text;

constexpr std::string_view kdf_scrypt = "Sc";
constexpr std::string_view kdf_none{"\0", 2};
constexpr std::string_view checksum_blake2b = "B2";
constexpr std::string_view file_comment = "minisign encrypted secret key";  // Of both kinds.
constexpr std::string_view sign_comment = "signature from minisign secret key";

// Offsets in the value.
constexpr std::size_t kdf_at = 2;
constexpr std::size_t checksum_kind_at = 4;
constexpr std::size_t salt_at = 6;
constexpr std::size_t salt_size = 32;
constexpr std::size_t opslimit_at = salt_at + salt_size;
constexpr std::size_t memlimit_at = opslimit_at + 8;
constexpr std::size_t key_at = memlimit_at + 8;

// And in its last part.
constexpr std::size_t seed_at = 8;
constexpr std::size_t public_at = seed_at + 32;
constexpr std::size_t checksum_at = public_at + 32;
constexpr std::size_t key_size = checksum_at + 32;

constexpr std::size_t value_size = key_at + key_size;

BytesView as_view(const Secret& secret) { return secret.reveal(); }

Error not_a_key() {
  return Error(Errc::invalid_argument,
               "not a secret key of minisign, or of a kind that is not known here");
}

// The value of a key file, its fixed fields checked.
Result<Secret> decode(std::string_view file) {
  const auto lines = PLK_TRY(text::split(file, 2, "a secret key"));
  PLK_TRY(text::comment(lines[0], text::untrusted_prefix, text::untrusted_comment_max));
  Secret value(value_size);
  if (!base64_decode(lines[1], value.writable())) return not_a_key();
  const std::string_view fields = value.reveal_text();
  const std::string_view kdf = fields.substr(kdf_at, 2);
  if (!fields.starts_with(text::letters_plain) || (kdf != kdf_scrypt && kdf != kdf_none) ||
      fields.substr(checksum_kind_at, 2) != checksum_blake2b) {
    return not_a_key();
  }
  return value;
}

bool encrypted(const Secret& value) { return value.reveal_text().substr(kdf_at, 2) == kdf_scrypt; }

MinisignCost cost_of(const Secret& value) {
  return {.opslimit = load_le<std::uint64_t>(as_view(value).subspan(opslimit_at)),
          .memlimit = load_le<std::uint64_t>(as_view(value).subspan(memlimit_at))};
}

constexpr std::uint32_t scrypt_r = 8;  // Fixed in libsodium.
// What little memory and many operations would ask for; none of libsodium's presets does.
constexpr std::uint64_t scrypt_p_max = 16;

// How libsodium turns its two limits into parameters: N is the largest power of two that is
// allowed by operations or by memory, whichever is scarcer. None if there is no room for any.
std::optional<ScryptParams> parameters_of(const MinisignCost& cost) {
  const std::uint64_t operations = std::max<std::uint64_t>(cost.opslimit, 32768);
  const bool memory_is_plenty = operations < cost.memlimit / 32;
  const std::uint64_t n_max =
      memory_is_plenty ? operations / (scrypt_r * 4) : cost.memlimit / (scrypt_r * 128);
  std::uint64_t n = 2;
  while (n <= n_max / 2) n *= 2;
  const std::uint64_t p = memory_is_plenty ? 1 : operations / 4 / n / scrypt_r;
  if (p == 0 || p > scrypt_p_max) return std::nullopt;
  return ScryptParams{.n = n, .r = scrypt_r, .p = static_cast<std::uint32_t>(p)};
}

// XORs `part` with what scrypt makes of the passphrase: encrypts, and decrypts.
Status apply_passphrase(std::span<std::byte> part, const Secret& passphrase, BytesView salt,
                        const MinisignCost& cost) {
  if (cost.opslimit > MinisignCost::opslimit_max || cost.memlimit > MinisignCost::memlimit_max) {
    return Error(Errc::unsupported,
                 "the secret key asks for more time or memory than minisign itself does");
  }
  const auto parameters = parameters_of(cost);
  if (!parameters) {
    return Error(Errc::unsupported, "the secret key names limits that scrypt cannot work with");
  }
  Secret stream(part.size());
  PLK_TRY(scrypt(*parameters, passphrase.reveal(), salt, stream.writable()));
  std::ranges::transform(part, stream.reveal(), part.begin(), std::bit_xor<>());
  return {};
}

// Over the letters of the key's kind and everything in the part before the checksum.
Result<Digest32> checksum_of(BytesView part) {
  Secret checked(text::letters_plain.size() + checksum_at);
  const auto out = checked.writable();
  std::ranges::copy(as_bytes(text::letters_plain), out.begin());
  std::ranges::copy(part.first(checksum_at), out.begin() + 2);
  return blake2b_256(checked.reveal());
}

Result<Secret> to_file(const Secret& value) {
  const std::string head = std::string(text::untrusted_prefix).append(file_comment).append("\n");
  Secret file(head.size() + base64_size(value_size) + 1);
  const auto out = file.writable();
  std::ranges::copy(as_bytes(head), out.begin());
  const auto line = out.subspan(head.size(), base64_size(value_size));
  base64_encode(value.reveal(), {reinterpret_cast<char*>(line.data()), line.size()});
  out.back() = std::byte{'\n'};
  return file;
}

// A value with its fixed fields, and zeros elsewhere.
Secret empty_value(std::string_view kdf) {
  Secret value(value_size);
  const auto out = value.writable();
  std::ranges::copy(as_bytes(text::letters_plain), out.begin());
  std::ranges::copy(as_bytes(kdf), out.begin() + kdf_at);
  std::ranges::copy(as_bytes(checksum_blake2b), out.begin() + checksum_kind_at);
  return value;
}

}  // namespace

Result<MinisignKey> MinisignKey::generate(Random& random) {
  MinisignKeyId id;
  random.fill(id.bytes);
  return MinisignKey(id, PLK_TRY(Ed25519Key::generate(random)));
}

Result<bool> MinisignKey::is_encrypted(std::string_view text) {
  return encrypted(PLK_TRY(decode(text)));
}

Result<MinisignKey> MinisignKey::parse(std::string_view text, const Secret& passphrase) {
  Secret value = PLK_TRY(decode(text));
  const auto part = value.writable().subspan(key_at, key_size);
  const BytesView checksum = part.subspan(checksum_at);
  if (encrypted(value)) {
    if (passphrase.empty()) {
      return Error(Errc::permission_denied,
                   "the secret key is encrypted: its passphrase is needed");
    }
    PLK_TRY(apply_passphrase(part, passphrase, as_view(value).subspan(salt_at, salt_size),
                             cost_of(value)));
    if (!equal_constant_time(PLK_TRY(checksum_of(part)), checksum)) {
      return Error(Errc::permission_denied, "the passphrase does not open the secret key");
    }
  } else if (!std::ranges::all_of(checksum, [](std::byte b) { return b == std::byte{0}; }) &&
             !equal_constant_time(PLK_TRY(checksum_of(part)), checksum)) {
    return Error(Errc::invalid_argument, "the secret key is damaged: restore it from a copy");
  }

  MinisignKeyId id;
  std::ranges::copy(part.first(seed_at), id.bytes.begin());
  Ed25519Key key = PLK_TRY(Ed25519Key::from_seed(part.subspan<seed_at, 32>()));
  // The checksum of an unencrypted key is usually absent; its public half is not.
  if (!std::ranges::equal(key.public_key().view(), part.subspan(public_at, 32))) {
    return Error(Errc::invalid_argument, "the secret key is damaged: restore it from a copy");
  }
  return MinisignKey(id, std::move(key));
}

Result<Secret> MinisignKey::key_part() const {
  Secret part(key_size);
  const auto out = part.writable();
  std::ranges::copy(id_.bytes, out.begin());
  std::ranges::copy(key_.seed(), out.begin() + seed_at);
  std::ranges::copy(key_.public_key().view(), out.begin() + public_at);
  std::ranges::copy(PLK_TRY(checksum_of(out)), out.begin() + checksum_at);
  return part;
}

Result<Secret> MinisignKey::file() const {
  Secret value = empty_value(kdf_none);
  const Secret part = PLK_TRY(key_part());
  // Without the checksum, like the program.
  std::ranges::copy(part.reveal().first(checksum_at), value.writable().begin() + key_at);
  return to_file(value);
}

Result<Secret> MinisignKey::encrypted_file(const Secret& passphrase, Random& random,
                                           const MinisignCost& cost) const {
  if (passphrase.empty()) {
    return Error(Errc::invalid_argument, "an empty passphrase does not protect a secret key");
  }
  Secret value = empty_value(kdf_scrypt);
  const auto out = value.writable();
  random.fill(out.subspan(salt_at, salt_size));
  store_le(out.subspan(opslimit_at), cost.opslimit);
  store_le(out.subspan(memlimit_at), cost.memlimit);
  Secret part = PLK_TRY(key_part());
  Status done =
      apply_passphrase(part.writable(), passphrase, out.subspan(salt_at, salt_size), cost);
  if (!done) {
    const bool bounds = done.error().code() == Errc::unsupported;
    return bounds ? Error(Errc::invalid_argument, done.error().message()) : done.error();
  }
  std::ranges::copy(part.reveal(), out.begin() + key_at);
  return to_file(value);
}

Result<MinisignSignature> MinisignKey::sign_hashed(const Digest64& message_blake2b,
                                                   std::string_view trusted_comment,
                                                   std::string_view untrusted_comment) const {
  if (untrusted_comment.empty()) untrusted_comment = sign_comment;
  PLK_TRY(text::check_comment(trusted_comment, text::trusted_comment_max));
  PLK_TRY(text::check_comment(untrusted_comment, text::untrusted_comment_max));
  MinisignSignature out;
  out.key_id = id_;
  out.trusted_comment = trusted_comment;
  out.untrusted_comment = untrusted_comment;
  out.signature = PLK_TRY(key_.sign(message_blake2b));
  Bytes signed_text = to_bytes(BytesView(out.signature.bytes));
  append(signed_text, as_bytes(trusted_comment));
  out.comment_signature = PLK_TRY(key_.sign(signed_text));
  return out;
}

Result<MinisignSignature> MinisignKey::sign(BytesView message, std::string_view trusted_comment,
                                            std::string_view untrusted_comment) const {
  return sign_hashed(blake2b(message), trusted_comment, untrusted_comment);
}

}  // namespace plakar::crypto
