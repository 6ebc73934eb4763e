#include "core/crypto/internal/kdf_library.h"

#include <gcrypt.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <string_view>

#include "core/base/secret.h"
#include "core/crypto/internal/gcrypt.h"
#include "core/crypto/internal/openssl.h"

namespace plakar::crypto {

namespace {

// The libraries tell "empty" from "none" by the pointer.
const void* pointer(BytesView bytes) noexcept {
  return bytes.empty() ? static_cast<const void*>("") : bytes.data();
}

Status check_gcrypt(gcry_error_t code, std::string_view doing) {
  Status status = gcrypt::check(code, doing);
  if (gcry_err_code(code) == GPG_ERR_ENOMEM) {
    return Error(Errc::unavailable, status.error().message());
  }
  const bool refused =
      gcry_err_code(code) == GPG_ERR_INV_VALUE || gcry_err_code(code) == GPG_ERR_INV_DATA;
  if (refused) return Error(Errc::invalid_argument, status.error().message());
  return status;
}

int gcrypt_hash(Pbkdf2Hashing hashing) noexcept {
  switch (hashing) {
    case Pbkdf2Hashing::sha256:
      return GCRY_MD_SHA256;
    case Pbkdf2Hashing::sha384:
      return GCRY_MD_SHA384;
    case Pbkdf2Hashing::sha512:
      return GCRY_MD_SHA512;
  }
  return GCRY_MD_NONE;
}

}  // namespace

Status pbkdf2(const Pbkdf2Params& params, BytesView passphrase, BytesView salt,
              std::span<std::byte> out) {
  PLK_TRY(gcrypt::ready());
  if (params.iterations > std::numeric_limits<unsigned long>::max()) {
    return Error(Errc::unsupported, "PBKDF2: too many iterations");
  }
  Secret key(out.size());
  PLK_TRY(check_gcrypt(gcry_kdf_derive(pointer(passphrase), passphrase.size(), GCRY_KDF_PBKDF2,
                                       gcrypt_hash(params.hashing), pointer(salt), salt.size(),
                                       static_cast<unsigned long>(params.iterations), key.size(),
                                       key.writable().data()),
                       "PBKDF2"));
  std::ranges::copy(key.reveal(), out.begin());
  return {};
}

Status scrypt(const ScryptParams& params, BytesView passphrase, BytesView salt,
              std::span<std::byte> out) {
  // The library's own limit on memory is off: the limits are those of kdf.h.
  constexpr std::uint64_t any_memory = std::numeric_limits<std::uint64_t>::max();
  Secret key(out.size());
  const int done = EVP_PBE_scrypt(
      static_cast<const char*>(pointer(passphrase)), passphrase.size(),
      static_cast<const unsigned char*>(pointer(salt)), salt.size(), params.n, params.r, params.p,
      any_memory, reinterpret_cast<unsigned char*>(key.writable().data()), key.size());
  if (done != 1) {
    const bool memory = ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE;
    Error error = openssl::error("scrypt");
    if (memory) return Error(Errc::unavailable, "scrypt: not enough memory");
    return error;
  }
  std::ranges::copy(key.reveal(), out.begin());
  return {};
}

Status argon2id_by_libgcrypt(const argon2::Input& input, std::span<std::byte> out) {
  PLK_TRY(gcrypt::ready());
  const std::array<unsigned long, 4> parameters{out.size(), input.time, input.memory_kib,
                                                input.lanes};
  gcry_kdf_hd_t raw = nullptr;
  PLK_TRY(check_gcrypt(
      gcry_kdf_open(&raw, GCRY_KDF_ARGON2, GCRY_KDF_ARGON2ID, parameters.data(), parameters.size(),
                    pointer(input.passphrase), input.passphrase.size(), pointer(input.salt),
                    input.salt.size(), pointer(input.secret), input.secret.size(),
                    pointer(input.associated), input.associated.size()),
      "Argon2id of libgcrypt"));
  const std::unique_ptr<gcry_kdf_handle, openssl::Free<gcry_kdf_close>> kdf(raw);
  PLK_TRY(check_gcrypt(gcry_kdf_compute(kdf.get(), nullptr), "Argon2id of libgcrypt"));
  Secret key(out.size());
  PLK_TRY(check_gcrypt(gcry_kdf_final(kdf.get(), key.size(), key.writable().data()),
                       "Argon2id of libgcrypt"));
  std::ranges::copy(key.reveal(), out.begin());
  return {};
}

}  // namespace plakar::crypto
