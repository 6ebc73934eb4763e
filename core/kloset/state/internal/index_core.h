// An aggregated state made of a table, which may be missing, and what was merged since: the
// logic of TableIndex, without its locks.
//
// Locations are in layers, oldest first: the table, then the runs, which are files without a
// name that a delta too large for memory was written to, then the delta. A layer never
// changes. What takes locations back is remembered beside them until everything is written
// again: packfiles in their registry, single locations as tombstones, which hide what is in the
// layers before them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/base/file_system.h"
#include "core/base/random.h"
#include "core/base/result.h"
#include "core/kloset/state/index.h"
#include "core/kloset/state/internal/location_delta.h"
#include "core/kloset/state/internal/location_layer.h"
#include "core/kloset/state/internal/packfile_registry.h"
#include "core/kloset/state/internal/table_file.h"

namespace plakar::kloset {

struct IndexCoreSettings {
  const FileSystem* files = nullptr;  // these two outlive the core
  Random* random = nullptr;
  std::string directory;  // for runs
  std::size_t delta_bytes_max = 0;
  std::shared_ptr<ResidentLimit> resident_limit{};
};

// Const functions may be called from any thread, the others by one while nobody calls any.
class IndexCore {
 public:
  IndexCore(IndexCoreSettings settings, std::unique_ptr<TableFile> table);

  // Applies one entry, and at the end of its state remembers that.
  void apply(const StateEntry& entry);
  void end_state(const StateId& id);

  bool has_state(const StateId& id) const;
  StateId last_state() const noexcept { return last_state_; }
  std::uint64_t state_count() const noexcept;
  std::vector<StateId> sorted_states() const;
  // How many states the table does not have.
  std::size_t new_state_count() const noexcept { return states_.size(); }

  // Lookup::damaged: a page that is needed cannot be used, and what was found is not all.
  Lookup find(ResourceType type, const Mac& blob, std::optional<BlobLocation>& found) const;
  Lookup find_all(ResourceType type, const Mac& blob, std::vector<BlobLocation>& found) const;
  Lookup find_coloured(ResourceType type, const Mac& blob, std::vector<BlobLocation>& found) const;
  Lookup find_snapshots(std::vector<SnapshotId>& found) const;

  bool has_packfile(const PackfileMac& packfile) const;
  std::optional<std::int64_t> find_colour(ResourceType type, const Mac& mac) const;
  Status for_each_packfile(const std::function<Status(const PackfileEntry&)>& visit) const;
  Status for_each_coloured(const std::function<Status(const ColouredEntry&)>& visit) const;
  Status for_each_location(const std::function<Status(const LocationEntry&)>& visit) const;

  // Reads all layers. Errc::corrupt when a page is damaged.
  Status verify() const;

  // Writes all of this as a table into an empty file, but for making it durable. Errc::corrupt when
  // a page to be copied is damaged.
  Status write_table(const File& file, const Uuid& repository) const;

  const TableFile* table() const noexcept { return table_.get(); }

 private:
  struct Run {
    std::unique_ptr<PageFile> file;
    LocationLayer layer;
    std::uint64_t age = 0;  // the table's is 0, a later run's is more
    unsigned merges = 0;    // how often its records were merged
  };
  struct Tombstone {
    RecordKey key;
    PackfileNumber packfile = no_packfile;

    friend bool operator==(const Tombstone&, const Tombstone&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const RecordKey& key) const noexcept {
      return std::hash<Mac>()(key.mac()) ^ static_cast<std::size_t>(key.type());
    }
    std::size_t operator()(const Tombstone& tombstone) const noexcept {
      return (*this)(tombstone.key) ^ tombstone.packfile;
    }
  };
  class Walk;

  void apply_one(const LocationEntry& entry);
  void apply_one(const ColouredEntry& entry);
  void apply_one(const PackfileEntry& entry);
  void apply_one(const DeletedLocation& entry);
  void apply_one(const DeletedColour& entry);
  void apply_one(const DeletedPackfile& entry);
  void set_coloured(ResourceType type, const Mac& mac, bool coloured);
  PackfileNumber intern(const PackfileMac& packfile);

  // Whether a location in a layer of this age was taken back.
  bool is_hidden(const std::byte* record, std::uint64_t age) const;
  // Calls visit(LocationView) for those that were not, until it returns true.
  template <class Visit>
  Lookup visit_locations(const RecordKey& key, Visit&& visit) const;

  // Those that are in packfiles which `counts`, each once.
  template <class Counts>
  Lookup collect(ResourceType type, const Mac& blob, Counts&& counts,
                 std::vector<BlobLocation>& found) const;

  // Moves the delta to a run. When there is no room for it, it stays.
  void spill();
  void merge_runs();
  Result<Run> write_run(Walk walk, std::uint64_t count_max) const;
  Walk walk_runs(std::size_t first) const;
  Walk walk_delta() const;
  Walk walk_all() const;

  std::map<RecordKey, std::int64_t> sorted_colours() const;
  Result<std::vector<SnapshotId>> sorted_snapshots() const;

  IndexCoreSettings settings_;
  std::unique_ptr<TableFile> table_;
  StateId last_state_;

  // What the table does not have, or has otherwise.
  std::unordered_set<StateId> states_;
  PackfileRegistry packfiles_;
  std::unordered_map<RecordKey, std::optional<std::int64_t>, KeyHash> colours_;  // nothing: gone
  std::unordered_set<SnapshotId> snapshots_;  // of which there is, or was, a location
  std::vector<Run> runs_;
  std::uint64_t next_age_ = 1;
  LocationDelta delta_;
  std::size_t spill_bytes_;
  std::unordered_map<Tombstone, std::uint64_t, KeyHash> tombstones_;  // hide what is older
};

}  // namespace plakar::kloset
