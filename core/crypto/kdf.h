// From a passphrase to the key of a store (kloset-format section 6.2). The function and its
// cost are written in the store's own configuration, which whoever holds the store can
// change, and which is not authenticated before the key exists: everything in it is checked
// against the limits below first. Argon2id is what new stores use.
//
//   settings from CONFIG ── check_kdf() ──► ask for the passphrase ── derive_key() ──► key
//
// A wrong passphrase gives a key like any other; the store's canary tells (canary.h).
//
// Thread rule: everything here may be called from any thread, and is meant to be called from
// a thread of its own: it takes a third of a second with the defaults.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <variant>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/base/secret.h"

namespace plakar::crypto {

// The defaults are those of a new store.
struct Argon2idParams {
  std::uint32_t time = 4;  // passes over the memory
  std::uint32_t memory_kib = 256 * 1024;
  std::uint32_t threads = 1;  // lanes: part of the result, not of how it is computed

  friend bool operator==(const Argon2idParams&, const Argon2idParams&) = default;
};

struct ScryptParams {
  std::uint64_t n = 32768;
  std::uint32_t r = 8;
  std::uint32_t p = 1;

  friend bool operator==(const ScryptParams&, const ScryptParams&) = default;
};

enum class Pbkdf2Hashing : std::uint8_t { sha256, sha384, sha512 };

struct Pbkdf2Params {
  std::uint64_t iterations = 100000;
  Pbkdf2Hashing hashing = Pbkdf2Hashing::sha256;

  friend bool operator==(const Pbkdf2Params&, const Pbkdf2Params&) = default;
};

using KdfParams = std::variant<Argon2idParams, ScryptParams, Pbkdf2Params>;

struct KdfSettings {
  KdfParams params = Argon2idParams{};
  Bytes salt;
  std::uint64_t key_size = 32;

  friend bool operator==(const KdfSettings&, const KdfSettings&) = default;
};

// The names in a configuration: "ARGON2ID", "SCRYPT", "PBKDF2"; "SHA256" and its like. A name
// that is none of ours is Errc::unsupported.
std::string_view kdf_name(const KdfParams& params) noexcept;
std::string_view hashing_name(Pbkdf2Hashing hashing) noexcept;
Result<Pbkdf2Hashing> parse_pbkdf2_hashing(std::string_view name);

// What a store may ask of us. Each is far above what the reference writes, and low enough
// that a hostile configuration costs memory and time that a machine can spare.
namespace kdf_limits {
inline constexpr std::uint64_t key_size = 32;  // exactly
inline constexpr std::size_t salt_size_min = 8;
inline constexpr std::size_t salt_size_max = 1024;
inline constexpr std::size_t passphrase_size_max = std::size_t{1} << 20;
// 4 GiB, and 64 times the work of the defaults: twenty seconds or so, and interruptible.
inline constexpr std::uint32_t argon2id_memory_kib_max = 4u << 20;
inline constexpr std::uint64_t argon2id_work_kib_max = std::uint64_t{64} << 20;  // time x memory
inline constexpr std::uint32_t argon2id_threads_max = 255;  // one byte in the format
// Not interruptible, so the work is bounded by several seconds.
inline constexpr std::uint64_t scrypt_memory_max = std::uint64_t{2} << 30;  // bytes, 128 n r
inline constexpr std::uint64_t scrypt_work_max = std::uint64_t{1} << 24;    // n r p
inline constexpr std::uint64_t pbkdf2_iterations_max = 10'000'000;
}  // namespace kdf_limits

// Whether derive_key() would accept them. The message names the parameter, its value and the
// limit. What cannot be (no passes, n not a power of two) is Errc::invalid_argument, what
// we will not do (above a limit, a key of another size) Errc::unsupported.
Status check_kdf(const KdfSettings& settings);

// Called now and then by the thread that called derive_key(); an error ends the work and is
// what derive_key() returns: [&] { return cancel.check(); }. Argon2id looks every millisecond
// or so. The libraries that compute scrypt and PBKDF2 cannot be interrupted, which is why
// their limits are lower; it is called once before them.
using KdfInterrupt = std::function<Status()>;

// The 32-byte key. Fails as check_kdf() does, with Errc::unavailable if the system refuses the
// memory, and with the error of `interrupt`. A passphrase above the limit is
// Errc::invalid_argument; an empty one is the caller's business.
Result<Secret> derive_key(BytesView passphrase, const KdfSettings& settings,
                          const KdfInterrupt& interrupt = {});

}  // namespace plakar::crypto
