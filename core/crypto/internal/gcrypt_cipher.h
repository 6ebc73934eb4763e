// An open cipher of libgcrypt: one mode, one key at a time. Not thread-safe. libgcrypt wipes
// the key schedule when the handle is closed.
#pragma once

#include <memory>
#include <string_view>

#include "core/base/result.h"
#include "core/crypto/digest.h"

struct gcry_cipher_handle;

namespace plakar::crypto {

class GcryptCipher {
 public:
  // AES-256 in `mode`, a value of gcry_cipher_modes. `what` names it in errors, and must be
  // a literal. Errc::unsupported where this build of libgcrypt lacks the mode.
  static Result<GcryptCipher> open_aes256(int mode, std::string_view what);

  // Replaces the key. A message that was under way still has to be ended with a reset.
  Status set_key(KeyView32 key);

  gcry_cipher_handle* get() const noexcept { return handle_.get(); }
  std::string_view what() const noexcept { return what_; }

 private:
  struct Close {
    void operator()(gcry_cipher_handle* handle) const noexcept;
  };
  using Handle = std::unique_ptr<gcry_cipher_handle, Close>;

  GcryptCipher(Handle handle, std::string_view what) noexcept
      : handle_(std::move(handle)), what_(what) {}

  Handle handle_;
  std::string_view what_;
};

}  // namespace plakar::crypto
