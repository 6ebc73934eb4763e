#include "core/crypto/kdf.h"

#include <array>
#include <bit>
#include <limits>
#include <string>
#include <utility>

#include "core/base/text.h"
#include "core/crypto/internal/argon2.h"
#include "core/crypto/internal/kdf_library.h"

namespace plakar::crypto {

namespace {

using namespace kdf_limits;

constexpr std::array hashings{std::pair{Pbkdf2Hashing::sha256, std::string_view("SHA256")},
                              std::pair{Pbkdf2Hashing::sha384, std::string_view("SHA384")},
                              std::pair{Pbkdf2Hashing::sha512, std::string_view("SHA512")}};

Status at_least(std::string_view what, std::uint64_t value, std::uint64_t limit) {
  if (value >= limit) return {};
  return Error(Errc::invalid_argument, std::string(what) + " is " + std::to_string(value) +
                                           "; it must be at least " + std::to_string(limit));
}

Error too_much(std::string_view what, std::string_view value, std::uint64_t limit) {
  std::string message(what);
  message.append(" is ").append(value).append("; at most ");
  message.append(std::to_string(limit)).append(" is supported");
  return Error(Errc::unsupported, std::move(message));
}

Status at_most(std::string_view what, std::uint64_t value, std::uint64_t limit) {
  if (value <= limit) return {};
  return too_much(what, std::to_string(value), limit);
}

// For a product of values that may come close to 2^64 each.
Status product_at_most(std::string_view what, std::initializer_list<std::uint64_t> factors,
                       std::uint64_t limit) {
  std::string formula;
  std::uint64_t left = limit;
  bool fits = true;
  for (const std::uint64_t factor : factors) {  // None is zero.
    formula.append(formula.empty() ? "" : " x ").append(std::to_string(factor));
    fits = fits && factor <= left;
    left /= factor;
  }
  if (fits) return {};
  return too_much(what, formula, limit);
}

Status check(const Argon2idParams& params) {
  PLK_TRY(at_least("Argon2id Time", params.time, 1));
  PLK_TRY(at_least("Argon2id Threads", params.threads, 1));
  PLK_TRY(at_most("Argon2id Threads", params.threads, argon2id_threads_max));
  PLK_TRY(at_least("Argon2id Memory (KiB)", params.memory_kib,
                   std::uint64_t{argon2::memory_kib_per_lane_min} * params.threads));
  PLK_TRY(at_most("Argon2id Memory (KiB)", params.memory_kib, argon2id_memory_kib_max));
  return product_at_most("Argon2id Time x Memory (KiB)", {params.time, params.memory_kib},
                         argon2id_work_kib_max);
}

Status check(const ScryptParams& params) {
  PLK_TRY(at_least("scrypt N", params.n, 2));
  PLK_TRY(at_least("scrypt R", params.r, 1));
  PLK_TRY(at_least("scrypt P", params.p, 1));
  if (!std::has_single_bit(params.n)) {
    return Error(Errc::invalid_argument,
                 "scrypt N is " + std::to_string(params.n) + "; it must be a power of two");
  }
  if (params.r == 1 && params.n >= 65536) {  // RFC 7914, section 6: N < 2^(128 r / 8).
    return Error(Errc::invalid_argument,
                 "scrypt N is " + std::to_string(params.n) + "; with R = 1 it must be below 65536");
  }
  PLK_TRY(product_at_most("scrypt memory (bytes), 128 x N x R", {128, params.n, params.r},
                          scrypt_memory_max));
  return product_at_most("scrypt N x R x P", {params.n, params.r, params.p}, scrypt_work_max);
}

Status check(const Pbkdf2Params& params) {
  PLK_TRY(at_least("PBKDF2 Iterations", params.iterations, 1));
  return at_most("PBKDF2 Iterations", params.iterations, pbkdf2_iterations_max);
}

class Derive {
 public:
  Derive(BytesView passphrase, const KdfSettings& settings, const KdfInterrupt& interrupt,
         Secret& key)
      : passphrase_(passphrase), salt_(settings.salt), interrupt_(interrupt), key_(key) {}

  Status operator()(const Argon2idParams& params) const {
    return argon2::derive({passphrase_, salt_, params.time, params.memory_kib, params.threads},
                          key_.writable(), {.interrupt = interrupt_});
  }
  Status operator()(const ScryptParams& params) const {
    return scrypt(params, passphrase_, salt_, key_.writable());
  }
  Status operator()(const Pbkdf2Params& params) const {
    return pbkdf2(params, passphrase_, salt_, key_.writable());
  }

 private:
  BytesView passphrase_;
  BytesView salt_;
  const KdfInterrupt& interrupt_;
  Secret& key_;
};

}  // namespace

std::string_view kdf_name(const KdfParams& params) noexcept {
  constexpr std::array<std::string_view, 3> names{"ARGON2ID", "SCRYPT", "PBKDF2"};
  static_assert(std::variant_size_v<KdfParams> == names.size());
  return names[params.index()];
}

std::string_view hashing_name(Pbkdf2Hashing hashing) noexcept {
  for (const auto& [value, name] : hashings) {
    if (value == hashing) return name;
  }
  return "";
}

Result<Pbkdf2Hashing> parse_pbkdf2_hashing(std::string_view name) {
  for (const auto& [value, known] : hashings) {
    if (known == name) return value;
  }
  return Error(Errc::unsupported,
               "PBKDF2 Hashing is " + escape(name) + "; SHA256, SHA384 and SHA512 are supported");
}

Status check_kdf(const KdfSettings& settings) {
  if (settings.key_size != key_size) {
    return Error(Errc::unsupported, "KeyLen is " + std::to_string(settings.key_size) + "; only " +
                                        std::to_string(key_size) + " is supported");
  }
  PLK_TRY(at_least("salt size", settings.salt.size(), salt_size_min));
  PLK_TRY(at_most("salt size", settings.salt.size(), salt_size_max));
  return std::visit([](const auto& params) { return check(params); }, settings.params);
}

Result<Secret> derive_key(BytesView passphrase, const KdfSettings& settings,
                          const KdfInterrupt& interrupt) {
  PLK_TRY(check_kdf(settings));
  if (passphrase.size() > passphrase_size_max) {
    return Error(Errc::invalid_argument, "the passphrase has " + std::to_string(passphrase.size()) +
                                             " bytes; at most " +
                                             std::to_string(passphrase_size_max) + " are possible");
  }
  if (interrupt) PLK_TRY(interrupt());
  Secret key(static_cast<std::size_t>(key_size));
  PLK_TRY(std::visit(Derive(passphrase, settings, interrupt, key), settings.params));
  return key;
}

}  // namespace plakar::crypto
