// A store that is open: its configuration is read, its keys are known, its index is loaded. What
// everything above works with.
//
// Life cycle: create() makes an empty store; open() opens one, asking for the passphrase only
// when there is something to unlock. refresh() then merges the states that others have written; a
// command that changes the store takes its lock first and refreshes afterwards.
//
// All functions may be called from any thread; refresh() from one at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/base/env.h"
#include "core/base/result.h"
#include "core/base/secret.h"
#include "core/crypto/kdf.h"
#include "core/kloset/blob_source.h"
#include "core/kloset/chunking/chunker.h"
#include "core/kloset/repository/blob_codec.h"
#include "core/kloset/repository/config.h"
#include "core/kloset/repository/key_cache.h"
#include "core/kloset/repository/keys.h"
#include "core/kloset/state/index.h"
#include "core/kloset/store.h"

namespace plakar::kloset {

// Called when the store turns out to be encrypted. A wrong passphrase is Errc::permission_denied
// of open(), which may be tried again.
using PassphraseSource = std::function<Result<Secret>()>;

class Repository final : public BlobSource {
 public:
  struct Options {
    // The user's, see state/index_cache.h. What is kept there only saves time; empty: nothing is
    // kept. Archives are read once, and nothing is kept about them.
    std::string cache_directory{};
    // Makes the index for a repository; empty: one in the cache, or in memory.
    std::function<Result<std::unique_ptr<StateIndex>>(const Uuid&)> make_index{};
    crypto::KdfInterrupt interrupt{};
    // Asked before the passphrase, and told of the key that was derived from one.
    KeyCache* key_cache = nullptr;
  };

  // Makes a store without content; `config` from default_config(), with its id and time still to
  // be set here. With a passphrase it is encrypted, by `kdf`. Errc::already_exists when
  // something is in the way.
  static Status create(Store& store, StoreConfig config, const Secret* passphrase,
                       const KdfParams& kdf, Env env, const crypto::KdfInterrupt& interrupt = {});

  // The same, and opens it: the key is derived once.
  static Result<std::unique_ptr<Repository>> create_open(Store& store, StoreConfig config,
                                                         const Secret* passphrase,
                                                         const KdfParams& kdf, Env env,
                                                         const Options& options);

  // The store and what `env` refers to outlive the repository. The index is empty until
  // refresh(), or as the last one left it.
  static Result<std::unique_ptr<Repository>> open(Store& store, Env env,
                                                  const PassphraseSource& passphrase,
                                                  const Options& options);

  // Merges the states that the index does not have, in order. One that cannot be read is an
  // error: a view of the store with holes in it is not shown. An index with states that the store
  // does not have is that of another copy of it, or of a later time, and would lie about what is
  // there: it is built again. Then the index is saved for the next one who opens the store; that
  // this fails, as on a full disk, is no error.
  Status refresh();
  // Saves what was published since, for those who do not want the next one to merge it.
  void save_index();

  // The plaintext of a blob, its MAC checked where its name is one. Every location is tried.
  // Errc::not_found when no state knows the blob, Errc::corrupt when it can be read from none.
  // The message names type, MAC and packfile.
  Result<Bytes> load(ResourceType type, const Mac& mac, std::size_t plain_size_max) override;
  bool has(ResourceType type, const Mac& mac) const override { return index_->has(type, mac); }

  // Encodes and stores a state; durable when it returns. The index learns of it. Nothing is
  // published on the word of an index that lost something: its status() is the error.
  Status publish_state(const StateId& id, BytesView plain);

  // A codec for this thread's use, given back when it goes.
  class CodecLease {
   public:
    CodecLease(Repository& repository, std::unique_ptr<BlobCodec> codec) noexcept
        : repository_(&repository), codec_(std::move(codec)) {}
    CodecLease(CodecLease&&) noexcept = default;
    CodecLease& operator=(CodecLease&&) = delete;
    ~CodecLease();

    BlobCodec& operator*() const noexcept { return *codec_; }
    BlobCodec* operator->() const noexcept { return codec_.get(); }

   private:
    Repository* repository_;
    std::unique_ptr<BlobCodec> codec_;
  };
  Result<CodecLease> codec();

  const StoreConfig& config() const noexcept { return config_; }
  const StoreKeys& keys() const noexcept { return keys_; }
  const crypto::StoreMac& mac() const noexcept { return keys_.mac; }
  StateIndex& index() noexcept { return *index_; }
  Store& store() noexcept { return *store_; }
  const Env& env() const noexcept { return env_; }
  // Where more may be kept about this repository; empty: nowhere.
  const std::string& cache_directory() const noexcept { return cache_directory_; }

 private:
  Repository(Store& store, Env env, StoreConfig config, StoreKeys keys,
             std::unique_ptr<StateIndex> index, std::string cache_directory);
  static Result<std::unique_ptr<Repository>> make(Store& store, Env env, StoreConfig config,
                                                  StoreKeys keys, const Options& options);

  // Whether the store has no longer a state that is merged. Listing is not enough to tell: some
  // media list what was just written only later.
  Result<bool> has_lost_state();
  // Merges what the store has and `index` has not. Returns how many states were there already.
  Result<std::uint64_t> merge_missing(StateIndex& index);
  Result<Bytes> load_from(const BlobLocation& location, ResourceType type, const Mac& mac,
                          std::size_t plain_size_max);

  Store* store_;
  Env env_;
  StoreConfig config_;
  StoreKeys keys_;
  std::string cache_directory_;
  std::mutex codecs_mutex_;
  std::vector<std::unique_ptr<BlobCodec>> idle_codecs_;  // guarded by codecs_mutex_
  std::unique_ptr<StateIndex> index_;  // may call back, see merge_missing(): it goes first
};

// Whether a blob of this type is named by the MAC of its plaintext.
bool is_named_by_mac(ResourceType type) noexcept;

// The largest state that is read. One location takes 90 bytes.
inline constexpr std::uint64_t state_size_max = std::uint64_t{4} << 30;

}  // namespace plakar::kloset
