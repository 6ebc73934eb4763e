#include "core/kloset/repository/key_cache.h"

#include <doctest/doctest.h>

#include <map>
#include <string>

#include "core/base/env.h"
#include "core/base/hex.h"
#include "core/kloset/repository/repository.h"
#include "core/kloset/testing/memory_store.h"

namespace plakar::kloset {
namespace {

class MemoryKeyCache final : public KeyCache {
 public:
  std::optional<Secret> find(const Uuid& repository, BytesView salt) override {
    const auto found = keys_.find(repository.text() + to_hex(salt));
    if (found == keys_.end()) return std::nullopt;
    return found->second.clone();
  }
  Status keep(const Uuid& repository, BytesView salt, const Secret& key) override {
    keys_.insert_or_assign(repository.text() + to_hex(salt), key.clone());
    return {};
  }
  void forget(const Uuid& repository, BytesView salt) override {
    keys_.erase(repository.text() + to_hex(salt));
  }
  void spoil() {
    for (auto& [name, key] : keys_) key.writable()[0] ^= std::byte{1};
  }
  std::size_t size() const { return keys_.size(); }

 private:
  std::map<std::string, Secret> keys_;
};

TEST_SUITE("key cache") {
  TEST_CASE("a key that is kept opens the store without the passphrase") {
    testing::MemoryPlace place;
    testing::MemoryStore store(place);
    const Env env = system_env();
    auto kdf = default_kdf("PBKDF2");
    REQUIRE(kdf);
    const Secret passphrase(std::string_view("correct horse"));
    REQUIRE(Repository::create(store, default_config(), &passphrase, *kdf, env));

    MemoryKeyCache cache;
    int asked = 0;
    const PassphraseSource source = [&]() -> Result<Secret> {
      ++asked;
      return passphrase.clone();
    };
    CHECK(Repository::open(store, env, source, {.key_cache = &cache}));
    CHECK(asked == 1);
    CHECK(cache.size() == 1);
    CHECK(Repository::open(store, env, source, {.key_cache = &cache}));
    CHECK(asked == 1);

    // One that does not fit is of no use to anybody.
    cache.spoil();
    CHECK(Repository::open(store, env, source, {.key_cache = &cache}));
    CHECK(asked == 2);
    CHECK(Repository::open(store, env, source, {.key_cache = &cache}));
    CHECK(asked == 2);
  }

  TEST_CASE("the kernel's keyring gives back what was kept, and forgets it") {
    const auto ring = open_keyring(std::chrono::seconds(60));
    if (!ring) {
      CHECK(ring.error().code() == Errc::unsupported);
      MESSAGE("no keyring here: " << ring.error().message());
      return;
    }
    const Uuid id = Uuid::random(system_env().random);
    const Bytes salt(16, std::byte{7});
    CHECK_FALSE((*ring)->find(id, salt));
    Secret key(32);
    system_env().random.fill(key.writable());
    REQUIRE((*ring)->keep(id, salt, key));
    const auto found = (*ring)->find(id, salt);
    REQUIRE(found);
    CHECK(to_hex(found->reveal()) == to_hex(key.reveal()));
    CHECK_FALSE((*ring)->find(id, Bytes(16, std::byte{8})));
    (*ring)->forget(id, salt);
    CHECK_FALSE((*ring)->find(id, salt));
  }
}

}  // namespace
}  // namespace plakar::kloset
