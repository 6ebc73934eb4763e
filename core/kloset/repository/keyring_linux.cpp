#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "core/base/hex.h"
#include "core/base/system_error.h"
#include "core/kloset/repository/key_cache.h"

namespace plakar::kloset {
namespace {

constexpr const char* key_type = "user";
constexpr std::size_t key_size = 32;
// Whoever holds it may do anything, and the same user may find and read it; nobody else anything.
// Without the second a later session of the same user would find a key it cannot read.
constexpr unsigned long key_rights = 0x3f1b0000;

long keyctl(int command, unsigned long a, unsigned long b = 0, unsigned long c = 0,
            unsigned long d = 0) {
  return ::syscall(SYS_keyctl, command, a, b, c, d);
}

unsigned long address(const void* memory) { return reinterpret_cast<unsigned long>(memory); }

constexpr auto user_keyring = static_cast<unsigned long>(KEY_SPEC_USER_KEYRING);

class Keyring final : public KeyCache {
 public:
  explicit Keyring(std::chrono::seconds lifetime) : lifetime_(lifetime) {}

  std::optional<Secret> find(const Uuid& repository, BytesView salt) override {
    const long key = search(repository, salt);
    if (key < 0) return std::nullopt;
    Secret secret(key_size);
    const long size = keyctl(KEYCTL_READ, static_cast<unsigned long>(key),
                             address(secret.writable().data()), key_size);
    if (size != static_cast<long>(key_size)) return std::nullopt;
    return secret;
  }

  Status keep(const Uuid& repository, BytesView salt, const Secret& key) override {
    const std::string name = name_of(repository, salt);
    const BytesView bytes = key.reveal();
    const long made = ::syscall(SYS_add_key, key_type, name.c_str(), bytes.data(), bytes.size(),
                                KEY_SPEC_USER_KEYRING);
    if (made < 0) return system_error(errno, "keep the key of the store in", "the user's keyring");
    const auto id = static_cast<unsigned long>(made);
    // A key that would stay forever, or be read by others, must not stay at all.
    const bool limited =
        keyctl(KEYCTL_SETPERM, id, key_rights) == 0 &&
        keyctl(KEYCTL_SET_TIMEOUT, id, static_cast<unsigned long>(lifetime_.count())) == 0;
    if (limited) return {};
    const int number = errno;
    keyctl(KEYCTL_REVOKE, id);
    return system_error(number, "limit the key of the store in", "the user's keyring");
  }

  void forget(const Uuid& repository, BytesView salt) override {
    const long key = search(repository, salt);
    if (key >= 0) keyctl(KEYCTL_REVOKE, static_cast<unsigned long>(key));
  }

 private:
  static std::string name_of(const Uuid& repository, BytesView salt) {
    return "plakar:" + repository.text() + ":" + to_hex(salt);
  }

  static long search(const Uuid& repository, BytesView salt) {
    const std::string name = name_of(repository, salt);
    return keyctl(KEYCTL_SEARCH, user_keyring, address(key_type), address(name.c_str()), 0);
  }

  std::chrono::seconds lifetime_;
};

}  // namespace

Result<std::unique_ptr<KeyCache>> open_keyring(std::chrono::seconds lifetime) {
  if (keyctl(KEYCTL_GET_KEYRING_ID, user_keyring, 1) < 0) {
    return Error(Errc::unsupported, system_error(errno, "open", "the user's keyring").message() +
                                        "; without one, keys cannot be kept between runs");
  }
  return std::unique_ptr<KeyCache>(new Keyring(lifetime));
}

}  // namespace plakar::kloset
