#include "core/crypto/internal/gcrypt.h"

#include <gcrypt.h>

#include <array>
#include <string>

namespace plakar::crypto::gcrypt {

namespace {

constexpr const char* version_min = "1.10.0";

Status initialise() {
  // Also initialises the library's own subsystems: it must be the first call.
  if (gcry_check_version(version_min) == nullptr) {
    return Error(Errc::unsupported, std::string("libgcrypt ") + gcry_check_version(nullptr) +
                                        " is too old: " + version_min + " or newer is needed");
  }
  // A library in this process may have finished the initialisation before us.
  if (gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P) != 0) return {};
  PLK_TRY(check(gcry_control(GCRYCTL_DISABLE_SECMEM, 0), "set up libgcrypt"));
  return check(gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0), "set up libgcrypt");
}

Errc meaning(gcry_err_code_t code) {
  if (code == GPG_ERR_CHECKSUM) return Errc::corrupt;
  constexpr std::array missing{GPG_ERR_NOT_SUPPORTED,     GPG_ERR_NOT_IMPLEMENTED,
                               GPG_ERR_CIPHER_ALGO,       GPG_ERR_INV_CIPHER_MODE,
                               GPG_ERR_UNKNOWN_ALGORITHM, GPG_ERR_UNSUPPORTED_ALGORITHM,
                               GPG_ERR_NOT_OPERATIONAL};
  for (const auto one : missing) {
    if (code == one) return Errc::unsupported;
  }
  return Errc::internal;
}

}  // namespace

Status ready() {
  static const Status once = initialise();
  return once;
}

Error error(unsigned int code, std::string_view doing) {
  std::string message(doing);
  message.append(": ").append(gcry_strerror(code));
  return Error(meaning(gcry_err_code(code)), std::move(message));
}

Status check(unsigned int code, std::string_view doing) {
  if (code != 0) [[unlikely]]
    return error(code, doing);
  return {};
}

}  // namespace plakar::crypto::gcrypt
