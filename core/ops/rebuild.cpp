#include "core/ops/rebuild.h"

#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/kloset/format/envelope.h"
#include "core/kloset/repository/lock.h"
#include "core/kloset/repository/packfile_reader.h"
#include "core/kloset/snapshot/listing.h"
#include "core/kloset/state/delta.h"

namespace plakar::ops {
namespace {

using kloset::ItemInfo;
using kloset::ItemKind;
using kloset::ResourceType;
using kloset::StateEntry;
using kloset::StateId;

// One state is held in memory as a whole, by us and by whoever reads it.
constexpr std::size_t state_locations_max = 500'000;

std::int64_t now_ns(const Env& env) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(env.clock.wall().time_since_epoch())
      .count();
}

// What the readable states say together, without the places of blobs.
class NamedItems {
 public:
  void apply(const StateEntry& entry) {
    std::visit([this](const auto& one) { apply_one(one); }, entry);
  }

  bool is_named(const PackfileMac& packfile) const { return packfiles_.contains(packfile); }
  bool is_coloured(ResourceType type, const Mac& mac) const {
    return colours_.contains({type, mac});
  }
  bool is_coloured(const PackfileMac& packfile) const {
    return is_coloured(ResourceType::packfile, Mac{.bytes = packfile.bytes});
  }
  // Whether its header is in a named packfile among these.
  bool has_header(const SnapshotId& id, const std::unordered_set<PackfileMac>& stored) const {
    const auto [begin, end] = headers_.equal_range(id);
    for (auto at = begin; at != end; ++at) {
      const PackfileMac& packfile = at->second;
      if (is_named(packfile) && !is_coloured(packfile) && stored.contains(packfile)) return true;
    }
    return false;
  }

 private:
  void apply_one(const kloset::LocationEntry& entry) {
    if (entry.type != ResourceType::snapshot) return;
    headers_.emplace(SnapshotId{.bytes = entry.blob.bytes}, entry.packfile);
  }
  void apply_one(const kloset::ColouredEntry& entry) { colours_.emplace(entry.type, entry.mac); }
  void apply_one(const kloset::PackfileEntry& entry) { packfiles_.insert(entry.packfile); }
  void apply_one(const kloset::DeletedLocation&) {}
  void apply_one(const kloset::DeletedColour& entry) { colours_.erase({entry.type, entry.mac}); }
  void apply_one(const kloset::DeletedPackfile& entry) { packfiles_.erase(entry.packfile); }

  std::unordered_set<PackfileMac> packfiles_;
  std::set<std::pair<ResourceType, Mac>> colours_;
  std::unordered_multimap<SnapshotId, PackfileMac> headers_;
};

class Rebuild {
 public:
  Rebuild(kloset::Repository& repository, const RebuildOptions& options, RebuildObserver& observer,
          const flow::CancelToken& cancel)
      : repository_(repository), options_(options), observer_(observer), cancel_(cancel) {}

  Result<RebuildReport> run() {
    const Env& env = repository_.env();
    if (options_.apply && options_.lock) {
      lock_ = PLK_TRY(kloset::RepositoryLock::acquire(repository_.store(), repository_.config(),
                                                      repository_.keys(), env,
                                                      {.id = kloset::LockId::random(env.random),
                                                       .mode = kloset::LockMode::exclusive,
                                                       .hostname = options_.hostname}));
    }
    PLK_TRY(read_states());
    PLK_TRY(find_unnamed());
    if (!options_.apply) return report_;
    PLK_TRY(publish_unnamed());
    PLK_TRY(replace_damaged());
    PLK_TRY_CONTEXT(repository_.refresh(), "read the store again");
    if (lock_) PLK_TRY(lock_->release());
    return report_;
  }

 private:
  Status guard() const {
    PLK_TRY(cancel_.check());
    return lock_ ? lock_->check() : Status();
  }

  struct State {
    kloset::StateFrame frame;
    std::vector<StateEntry> entries;
  };

  Result<State> read_state(const StateId& id, kloset::BlobCodec& codec) {
    const Bytes item = PLK_TRY(kloset::load_item(repository_.store(), ItemKind::state,
                                                 kloset::item_name(id), kloset::state_size_max));
    const auto envelope =
        PLK_TRY(kloset::open_envelope(item, ResourceType::state, repository_.mac()));
    const BytesView plain = PLK_TRY(codec.decode(envelope.body, kloset::state_size_max));
    State state;
    state.frame = PLK_TRY(
        kloset::read_state(plain, envelope.version, [&state](const StateEntry& entry) -> Status {
          // Places of blobs are most of a state, and only those of headers matter here.
          const auto* location = std::get_if<kloset::LocationEntry>(&entry);
          if (location == nullptr || location->type == ResourceType::snapshot) {
            state.entries.push_back(entry);
          }
          return {};
        }));
    return state;
  }

  Status read_states() {
    std::vector<StateId> ids;
    PLK_TRY(repository_.store().list(ItemKind::state, [&](const ItemInfo& item) -> Status {
      ids.push_back(StateId{.bytes = item.name.bytes});
      return {};
    }));
    const auto codec = PLK_TRY(repository_.codec());
    std::unordered_map<StateId, State> states;
    std::vector<kloset::StateOrderItem> frames;
    for (const StateId& id : ids) {
      PLK_TRY(cancel_.check());
      auto state = read_state(id, *codec);
      if (!state && state.error().code() == Errc::corrupt) {
        damaged_.push_back(id);
        observer_.state_damaged(id, state.error().message());
        continue;
      }
      if (!state) return std::move(state).error().context("read state " + id.short_hex());
      frames.push_back(
          {.id = id, .parent = state->frame.parent, .timestamp_ns = state->frame.timestamp_ns});
      states.emplace(id, *std::move(state));
    }
    for (const StateId& id : kloset::order_states(frames)) {
      for (const StateEntry& entry : states.at(id).entries) named_.apply(entry);
      last_state_ = id;
    }
    report_.states = ids.size();
    report_.states_damaged = damaged_.size();
    return {};
  }

  Status find_unnamed() {
    std::unordered_set<PackfileMac> stored;
    PLK_TRY(repository_.store().list(ItemKind::packfile, [&](const ItemInfo& item) -> Status {
      stored.insert(PackfileMac{.bytes = item.name.bytes});
      return {};
    }));
    report_.packfiles = stored.size();
    for (const PackfileMac& packfile : stored) {
      if (named_.is_named(packfile)) continue;
      PLK_TRY(cancel_.check());
      const auto contents = PLK_TRY(read_contents(packfile));
      if (!contents) continue;
      std::uint64_t blobs = 0;
      for (const kloset::PackfileRecord& record : contents->records) {
        if (record.type != ResourceType::random) ++blobs;
        const SnapshotId id{.bytes = record.mac.bytes};
        if (record.type != ResourceType::snapshot || named_.has_header(id, stored)) continue;
        // One of several places: genuine Plakar takes a snapshot with two for two.
        headers_.try_emplace(id, packfile);
      }
      unnamed_.push_back(packfile);
      ++report_.packfiles_unnamed;
      report_.blobs += blobs;
      observer_.packfile_unnamed(packfile, blobs);
    }
    for (const auto& [id, packfile] : headers_) {
      if (named_.is_coloured(ResourceType::snapshot, Mac{.bytes = id.bytes})) continue;
      ++report_.snapshots;
      observer_.snapshot_returns(id);
    }
    return {};
  }

  // Nothing for one that is damaged, or gone.
  Result<std::optional<kloset::PackfileContents>> read_contents(const PackfileMac& packfile) {
    const auto codec = PLK_TRY(repository_.codec());
    auto contents =
        kloset::read_packfile(repository_.store(), packfile, *codec, repository_.keys());
    if (contents) return std::optional(*std::move(contents));
    if (!kloset::is_damage(contents.error())) {
      return std::move(contents).error().context("read packfile " + packfile.short_hex());
    }
    ++report_.packfiles_unreadable;
    observer_.packfile_unreadable(packfile, contents.error().message());
    return std::optional<kloset::PackfileContents>();
  }

  // Read once more, one after the other: all their indexes together may be too much.
  Status publish_unnamed() {
    std::vector<std::pair<PackfileMac, kloset::PackfileContents>> batch;
    std::size_t locations = 0;
    for (const PackfileMac& packfile : unnamed_) {
      auto contents = PLK_TRY(read_contents(packfile));
      if (!contents) continue;
      locations += contents->records.size();
      batch.emplace_back(packfile, *std::move(contents));
      if (locations < state_locations_max) continue;
      PLK_TRY(publish(batch));
      batch.clear();
      locations = 0;
    }
    return batch.empty() ? Status() : publish(batch);
  }

  Status publish(const std::vector<std::pair<PackfileMac, kloset::PackfileContents>>& batch) {
    PLK_TRY(guard());
    const Env& env = repository_.env();
    const auto id = StateId::random(env.random);
    kloset::StateWriter writer(last_state_);
    for (const auto& [packfile, contents] : batch) {
      if (!named_.is_coloured(packfile)) continue;
      writer.add(kloset::DeletedColour{.type = ResourceType::packfile,
                                       .mac = Mac{.bytes = packfile.bytes}});
    }
    for (const auto& [packfile, contents] : batch) {
      for (const kloset::PackfileRecord& record : contents.records) {
        if (!is_wanted(packfile, record)) continue;
        writer.add(kloset::LocationEntry{.type = record.type,
                                         .version = record.version,
                                         .blob = record.mac,
                                         .packfile = packfile,
                                         .offset = record.offset,
                                         .length = record.length,
                                         .flags = 0});
      }
    }
    for (const auto& [packfile, contents] : batch) {
      writer.add(kloset::PackfileEntry{
          .packfile = packfile, .state = id, .time_ns = contents.footer.timestamp_ns});
    }
    PLK_TRY_CONTEXT(repository_.publish_state(id, std::move(writer).finish(now_ns(env))),
                    "publish state " + id.short_hex());
    last_state_ = id;
    ++report_.states_written;
    return {};
  }

  // Of a snapshot's headers only the one that was chosen.
  bool is_wanted(const PackfileMac& packfile, const kloset::PackfileRecord& record) const {
    if (record.type != ResourceType::snapshot) return true;
    const auto chosen = headers_.find(SnapshotId{.bytes = record.mac.bytes});
    return chosen != headers_.end() && chosen->second == packfile;
  }

  Status replace_damaged() {
    for (const StateId& id : damaged_) {
      PLK_TRY(guard());
      kloset::StateWriter writer(last_state_);
      const Bytes plain = std::move(writer).finish(now_ns(repository_.env()));
      const auto codec = PLK_TRY(repository_.codec());
      const BytesView encoded = PLK_TRY(codec->encode(plain));
      PLK_TRY_CONTEXT(repository_.store().put(
                          ItemKind::state, kloset::item_name(id),
                          kloset::seal_envelope(ResourceType::state, encoded, repository_.mac()),
                          kloset::PutMode::replace),
                      "replace state " + id.short_hex());
      ++report_.states_written;
    }
    return {};
  }

  kloset::Repository& repository_;
  const RebuildOptions& options_;
  RebuildObserver& observer_;
  flow::CancelToken cancel_;
  std::unique_ptr<kloset::RepositoryLock> lock_;
  NamedItems named_;
  StateId last_state_;
  std::vector<StateId> damaged_;
  std::vector<PackfileMac> unnamed_;
  std::map<SnapshotId, PackfileMac> headers_;  // in these, and nowhere that is named
  RebuildReport report_;
};

}  // namespace

Result<RebuildReport> rebuild_states(kloset::Repository& repository, const RebuildOptions& options,
                                     RebuildObserver& observer, const flow::CancelToken& cancel) {
  const kloset::StoreTraits traits = repository.store().traits();
  if (traits.archive || !traits.readable || (options.apply && !traits.writable)) {
    return Error(Errc::unsupported, "the states of this store cannot be made again");
  }
  return Rebuild(repository, options, observer, cancel).run();
}

}  // namespace plakar::ops
