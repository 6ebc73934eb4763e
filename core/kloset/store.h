// Where a store's items are kept: a directory, a bucket, an archive, a plug-in. To the engine
// all are the same: named immutable items of three kinds, and one CONFIG. The medium knows
// nothing of what is in them.
//
// Life cycle: a Store is made for a location without touching it. Then either create(), once,
// or load_config(); then any other function; at the end close(), which for an archive writes what
// makes it readable. All but close() may be called from any thread, listing and writing at the
// same time included.
//
// Cancelling is the medium's to notice: it was given a CancelToken when it was made, and every
// function ends with Errc::cancelled within a second of it, leaving nothing half visible. All but
// remove(), which goes on working: taking one's own lock away is part of stopping.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/id.h"
#include "core/base/result.h"

namespace plakar::kloset {

enum class ItemKind : std::uint8_t { packfile, state, lock };

std::string_view to_name(ItemKind kind) noexcept;  // "packfile"

// The name of an item of any kind. Packfile MACs, state and lock ids become one with item_name().
using ItemName = Id32<struct ItemNameTag>;

template <class Tag>
ItemName item_name(const Id32<Tag>& id) noexcept {
  return ItemName{.bytes = id.bytes};
}

struct ItemInfo {
  ItemName name;
  std::optional<std::uint64_t> size;  // where listing tells it anyway
};

struct StoreTraits {
  bool readable = true;
  bool writable = true;
  // Written once, front to back, one packfile and one state; no locks, no removals.
  bool archive = false;
  // How many calls at once are worth it: 2 on a disk, more where each waits for a network.
  std::size_t concurrency = 2;
  // Where the store's own files are on this machine: a backup leaves these out.
  std::vector<std::string> local_paths{};
};

// The largest CONFIG that is looked at; real ones have some 400 to 600 bytes.
inline constexpr std::size_t config_size_max = 32 * 1024;

// An item under way whose name is known only at its end, as that of a packfile is. Destroyed
// without commit() it leaves nothing. For one thread, and not for longer than its store.
class ItemWriter {
 public:
  virtual ~ItemWriter() = default;

  // Appends. After a failure everything fails: start again.
  virtual Status write(BytesView bytes) = 0;
  // Durable and visible under `name`, whole, when it returns success; what had the name before is
  // replaced. After a failure the item must be taken for lost, and is not visible, as far as the
  // medium still obeys. Called once, last.
  virtual Status commit(const ItemName& name) = 0;
};

enum class PutMode : std::uint8_t {
  replace,
  if_absent,  // Errc::already_exists otherwise; see Store::put
};

class Store {
 public:
  virtual ~Store() = default;

  virtual StoreTraits traits() const = 0;
  // For messages, without secrets.
  virtual std::string location() const = 0;

  // Makes an empty store with this CONFIG, which is written last: after a failure or a crash it
  // can be called again. Errc::already_exists when there is a store, or anything else that would
  // be in the way; Errc::invalid_argument for a CONFIG of no bytes, or more than config_size_max.
  virtual Status create(BytesView config) = 0;
  // Errc::not_found when there is no store. Never more than config_size_max bytes: a larger one is
  // Errc::corrupt.
  virtual Result<Bytes> load_config() = 0;

  // Every item of a kind once, in any order, complete or an error; of those that come and go
  // meanwhile, some. What does not look like an item is passed over. The first error of `visit`,
  // which may use the store, ends the listing and is returned.
  virtual Status list(ItemKind kind, const std::function<Status(const ItemInfo&)>& visit) = 0;

  // Both: Errc::not_found when there is no such item. One that another process has just removed
  // may still be readable.
  virtual Result<std::uint64_t> size(ItemKind kind, const ItemName& name) = 0;
  // Fills `out` from `offset` on. Fewer bytes mean that the item ends there; an offset behind
  // the end gives 0.
  virtual Result<std::size_t> read(ItemKind kind, const ItemName& name, std::uint64_t offset,
                                   std::span<std::byte> out) = 0;

  // A small item in one go: durable and visible, whole, when it returns. `if_absent` is exact
  // where the medium can; elsewhere it is the best that a look beforehand can do.
  virtual Status put(ItemKind kind, const ItemName& name, BytesView bytes, PutMode mode) = 0;
  // A large item in pieces. `size_hint` helps to prepare; it need not be right.
  virtual Result<std::unique_ptr<ItemWriter>> start(ItemKind kind, std::uint64_t size_hint) = 0;

  // An item that does not exist is no error.
  virtual Status remove(ItemKind kind, const ItemName& name) = 0;

  // Whether the medium can be reached and used as `traits` say, without needing a store there.
  virtual Status ping() = 0;
  // How many bytes the store takes, where that can be told.
  virtual Result<std::optional<std::uint64_t>> used_bytes() = 0;

  virtual Status close() { return {}; }
};

// The whole item. One larger than `size_max` is Errc::corrupt.
Result<Bytes> load_item(Store& store, ItemKind kind, const ItemName& name, std::uint64_t size_max);

// Fills `out` or fails; an item that ends before is Errc::corrupt.
Status read_exactly(Store& store, ItemKind kind, const ItemName& name, std::uint64_t offset,
                    std::span<std::byte> out);

}  // namespace plakar::kloset
