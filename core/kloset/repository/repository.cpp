#include "core/kloset/repository/repository.h"

#include <map>
#include <unordered_set>
#include <utility>

#include "core/base/clock.h"
#include "core/kloset/format/envelope.h"
#include "core/kloset/state/index_cache.h"

namespace plakar::kloset {
namespace {

std::string describe(ResourceType type, const Mac& mac) {
  return to_name(type) + " " + mac.short_hex();
}

// States wait in memory for their turn up to this size together; the others are read twice.
constexpr std::size_t waiting_bytes_max = 16u << 20;

struct LoadedState {
  Version version{};
  Bytes plain;
};

Result<LoadedState> load_state(Store& store, const StoreKeys& keys, BlobCodec& codec,
                               const StateId& id) {
  const Bytes item = PLK_TRY(load_item(store, ItemKind::state, item_name(id), state_size_max));
  const Envelope envelope = PLK_TRY(open_envelope(item, ResourceType::state, keys.mac));
  const BytesView plain = PLK_TRY(codec.decode(envelope.body, state_size_max));
  return LoadedState{.version = envelope.version, .plain = to_bytes(plain)};
}

// With the key that a cache has, or the one that the passphrase becomes.
Result<StoreKeys> unlock_store(const UnverifiedConfig& config, const PassphraseSource& passphrase,
                               Env env, const Repository::Options& options) {
  KeyCache* const cache = options.key_cache;
  const Uuid& id = config.config.repository_id;
  const Bytes& salt = config.config.encryption->kdf.salt;
  if (cache != nullptr) {
    if (auto key = cache->find(id, salt)) {
      auto keys = unlock_with_key(config, *std::move(key), env.random);
      if (keys) return keys;
      cache->forget(id, salt);
    }
  }
  const Secret secret = PLK_TRY(passphrase());
  auto keys = unlock(config, secret.reveal(), env.random, options.interrupt);
  // To keep it was asked for: that it cannot be is not passed over.
  if (keys && cache != nullptr) PLK_TRY(cache->keep(id, salt, *keys->store_key));
  return keys;
}

}  // namespace

bool is_named_by_mac(ResourceType type) noexcept {
  return type != ResourceType::snapshot && type != ResourceType::signature &&
         type != ResourceType::random;
}

Repository::Repository(Store& store, Env env, StoreConfig config, StoreKeys keys,
                       std::unique_ptr<StateIndex> index, std::string cache_directory)
    : store_(&store),
      env_(env),
      config_(std::move(config)),
      keys_(std::move(keys)),
      cache_directory_(std::move(cache_directory)),
      index_(std::move(index)) {
  index_->set_rebuild([this](StateIndex& empty) -> Status {
    PLK_TRY(merge_missing(empty));
    return {};
  });
}

Status Repository::create(Store& store, StoreConfig config, const Secret* passphrase,
                          const KdfParams& kdf, Env env, const crypto::KdfInterrupt& interrupt) {
  PLK_TRY(create_open(store, std::move(config), passphrase, kdf, env, {.interrupt = interrupt}));
  return {};
}

Result<std::unique_ptr<Repository>> Repository::create_open(Store& store, StoreConfig config,
                                                            const Secret* passphrase,
                                                            const KdfParams& kdf, Env env,
                                                            const Options& options) {
  config.repository_id = Uuid::random(env.random);
  config.timestamp = to_unix_time(env.clock.wall());
  StoreKeys keys = passphrase == nullptr ? PLK_TRY(plain_keys(config))
                                         : PLK_TRY(encrypt_config(config, kdf, passphrase->reveal(),
                                                                  env.random, options.interrupt));
  // What a later writer will need must work before there is a store.
  PLK_TRY(Chunker::create(config.chunking));
  PLK_TRY(BlobCodec::create(config, keys, env.random));
  PLK_TRY(store.create(seal_config(config, keys.store_key ? &*keys.store_key : nullptr)));
  return make(store, env, std::move(config), std::move(keys), options);
}

Result<std::unique_ptr<Repository>> Repository::make(Store& store, Env env, StoreConfig config,
                                                     StoreKeys keys, const Options& options) {
  const Uuid& id = config.repository_id;
  const std::string cache = store.traits().archive ? std::string() : options.cache_directory;
  std::unique_ptr<StateIndex> index =
      options.make_index ? PLK_TRY(options.make_index(id))
                         : PLK_TRY(open_cached_index(env.files, env.random, cache, id));
  std::string directory = cache_directory_of(cache, id);
  return std::unique_ptr<Repository>(new Repository(store, env, std::move(config), std::move(keys),
                                                    std::move(index), std::move(directory)));
}

Result<std::unique_ptr<Repository>> Repository::open(Store& store, Env env,
                                                     const PassphraseSource& passphrase,
                                                     const Options& options) {
  Bytes item = PLK_TRY(store.load_config());
  UnverifiedConfig unverified = PLK_TRY(decode_config(std::move(item)));
  std::optional<StoreKeys> keys;
  if (unverified.config.encryption) {
    keys = PLK_TRY(unlock_store(unverified, passphrase, env, options));
  } else {
    keys = PLK_TRY(open_plain(unverified));
  }
  return make(store, env, std::move(unverified.config), *std::move(keys), options);
}

Status Repository::refresh() {
  // Before the listing: a state that is published meanwhile is in the store first.
  const std::uint64_t merged = index_->state_count();
  bool is_sound = index_->status().has_value();
  if (is_sound) {
    const std::uint64_t listed = PLK_TRY(merge_missing(*index_));
    is_sound = listed >= merged || !PLK_TRY(has_lost_state());
  }
  if (!is_sound) PLK_TRY(index_->rebuild());
  save_index();
  return index_->status();
}

// The cache is only a cache: whatever is wrong with its disk, everything works without.
void Repository::save_index() { static_cast<void>(index_->save()); }

Result<bool> Repository::has_lost_state() {
  std::unordered_set<StateId> listed;
  PLK_TRY(store_->list(ItemKind::state, [&](const ItemInfo& item) -> Status {
    listed.insert(StateId{.bytes = item.name.bytes});
    return {};
  }));
  for (const StateId& id : index_->states()) {
    if (listed.contains(id)) continue;
    const auto size = store_->size(ItemKind::state, item_name(id));
    if (size) continue;
    if (size.error().code() == Errc::not_found) return true;
    return size.error();
  }
  return false;
}

Result<std::uint64_t> Repository::merge_missing(StateIndex& index) {
  std::uint64_t known = 0;
  std::vector<StateId> missing;
  PLK_TRY(store_->list(ItemKind::state, [&](const ItemInfo& item) -> Status {
    const StateId id{.bytes = item.name.bytes};
    if (index.has_state(id)) {
      ++known;
    } else {
      missing.push_back(id);
    }
    return {};
  }));
  if (missing.empty()) return known;

  const CodecLease lease = PLK_TRY(codec());
  const auto read = [&](const StateId& id) { return load_state(*store_, keys_, *lease, id); };
  std::map<StateId, LoadedState> waiting;
  std::size_t waiting_bytes = 0;
  std::vector<StateOrderItem> frames;
  for (const StateId& id : missing) {
    const std::string doing = "read state " + id.short_hex();
    LoadedState state = PLK_TRY_CONTEXT(read(id), doing);
    const StateFrame frame = PLK_TRY_CONTEXT(
        read_state(state.plain, state.version, [](const StateEntry&) { return Status(); }), doing);
    frames.push_back({.id = id, .parent = frame.parent, .timestamp_ns = frame.timestamp_ns});
    if (state.plain.size() <= waiting_bytes_max - waiting_bytes) {
      waiting_bytes += state.plain.size();
      waiting.emplace(id, std::move(state));
    }
  }
  for (const StateId& id : order_states(frames)) {
    const std::string doing = "merge state " + id.short_hex();
    auto node = waiting.extract(id);
    const LoadedState state =
        node.empty() ? PLK_TRY_CONTEXT(read(id), doing) : std::move(node.mapped());
    PLK_TRY_CONTEXT(index.merge({.id = id, .version = state.version, .plain = state.plain}), doing);
  }
  return known;
}

Result<Bytes> Repository::load(ResourceType type, const Mac& mac, std::size_t plain_size_max) {
  const std::vector<BlobLocation> locations = index_->find_all(type, mac);
  if (locations.empty()) {
    PLK_TRY(index_->status());
    return Error(Errc::not_found, "no state of the store knows " + describe(type, mac));
  }
  std::optional<Error> first;
  for (const BlobLocation& location : locations) {
    auto bytes = load_from(location, type, mac, plain_size_max);
    if (bytes) return bytes;
    if (bytes.error().code() == Errc::cancelled) return bytes;
    if (!first) {
      first = std::move(bytes).error().context("read " + describe(type, mac) + " in packfile " +
                                               location.packfile.short_hex());
    }
  }
  return *std::move(first);
}

Result<Bytes> Repository::load_from(const BlobLocation& location, ResourceType type, const Mac& mac,
                                    std::size_t plain_size_max) {
  // Before memory is reserved for it: an encoded blob is not much longer than its plaintext.
  const std::uint64_t length_max = std::uint64_t{plain_size_max} + plain_size_max / 8 + 65536;
  if (location.length > length_max) {
    return Error(Errc::corrupt, "a length of " + std::to_string(location.length) + " bytes");
  }
  Bytes encoded(location.length);
  PLK_TRY(read_exactly(*store_, ItemKind::packfile, item_name(location.packfile),
                       envelope_header_size + location.offset, encoded));
  if (type == ResourceType::random) return encoded;
  const CodecLease lease = PLK_TRY(codec());
  const bool has_mac = is_named_by_mac(type);
  const BytesView plain =
      PLK_TRY(lease->decode(encoded, plain_size_max, has_mac ? UnitGuard::mac : UnitGuard::none));
  if (has_mac && !equal_constant_time(keys_.mac.compute(plain).view(), mac.view())) {
    return Error(Errc::corrupt, "its content does not match its MAC");
  }
  return to_bytes(plain);
}

Status Repository::publish_state(const StateId& id, BytesView plain) {
  PLK_TRY(index_->status());
  {
    const CodecLease lease = PLK_TRY(codec());
    const BytesView encoded = PLK_TRY(lease->encode(plain));
    PLK_TRY(store_->put(ItemKind::state, item_name(id),
                        seal_envelope(ResourceType::state, encoded, keys_.mac),
                        PutMode::if_absent));
  }
  return index_->merge({.id = id, .version = version_1_1_0, .plain = plain});
}

Result<Repository::CodecLease> Repository::codec() {
  {
    const std::lock_guard guard(codecs_mutex_);
    if (!idle_codecs_.empty()) {
      auto idle = std::move(idle_codecs_.back());
      idle_codecs_.pop_back();
      return CodecLease(*this, std::move(idle));
    }
  }
  return CodecLease(
      *this, std::make_unique<BlobCodec>(PLK_TRY(BlobCodec::create(config_, keys_, env_.random))));
}

Repository::CodecLease::~CodecLease() {
  if (codec_ == nullptr) return;
  const std::lock_guard guard(repository_->codecs_mutex_);
  repository_->idle_codecs_.push_back(std::move(codec_));
}

}  // namespace plakar::kloset
