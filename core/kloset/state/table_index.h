// The aggregated state as a table in a cache directory, mapped into memory and never changed, with
// what was merged since beside it. Opening costs the same for any number of locations; memory is
// bounded whatever the size of the store.
//
//   const auto index = TableIndex::open(files, random,
//                                       {.directory = cache, .repository_id = id});
//   ...                      // Merge the states that it does not have,
//   const auto saved = index->save();  // and let the next process begin there.
//
// A cache that is missing, cut off, damaged, of another version or of another repository counts as
// empty; then all states have to be merged again. Damage in a part that open() did not read is
// found when that part is used, and healed by set_rebuild() or reported by status().
//
// Processes share the directory: a table is replaced as a whole, and who has the old one goes
// on with that. Nobody may truncate or write the files in place.
//
//   table        the table
//   log          the states merged since, as long as they are few beside a large table
//   lock         locked by who writes either of them
//   table.tmp    which a crash may leave,
//   log.tmp      and this
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>

#include "core/base/file_system.h"
#include "core/base/id.h"
#include "core/base/random.h"
#include "core/base/result.h"
#include "core/kloset/state/index.h"

namespace plakar::kloset {

class IndexCore;
struct IndexCoreSettings;
class IndexLog;
class ResidentLimit;

class TableIndex final : public StateIndex {
 public:
  struct Options {
    std::string directory;  // For this repository alone; made if missing.
    Uuid repository_id;
    // Locations merged since the last save() take this much before they go to a file.
    std::size_t delta_bytes_max = std::size_t{16} << 20;
    // A log may be so long before a new table is written instead, and it is as long as an eighth
    // of the table at most, if that is more than 64 KiB. 0: no log.
    std::size_t log_bytes_max = std::size_t{1} << 20;
    // About so much of the mapped files becomes resident; the rest is read when it is asked for.
    std::size_t resident_bytes_max = std::size_t{32} << 20;
  };

  // `files` and `random` outlive the index. Where there is no usable table it is empty; where
  // the directory cannot be made or written, everything works but save().
  static std::unique_ptr<TableIndex> open(const FileSystem& files, Random& random, Options options);
  ~TableIndex() override;

  // What became of the table when this was opened: success, or why it is not used, with
  // Errc::not_found when there was none.
  const Status& opened() const noexcept { return opened_; }

  bool has_state(const StateId& id) const override;
  std::uint64_t state_count() const override;
  std::vector<StateId> states() const override;
  StateId last_state() const override;
  Status merge(const StateText& state) override;
  Status save() override;
  void set_rebuild(Rebuild rebuild) override;
  Status rebuild() override;
  Status status() const override;
  std::optional<BlobLocation> find(ResourceType type, const Mac& blob) const override;
  std::vector<BlobLocation> find_all(ResourceType type, const Mac& blob) const override;
  std::vector<BlobLocation> find_coloured(ResourceType type, const Mac& blob) const override;
  std::vector<SnapshotId> snapshots() const override;
  bool has_packfile(const PackfileMac& packfile) const override;
  std::optional<std::int64_t> find_colour(ResourceType type, const Mac& mac) const override;
  Status for_each_packfile(const std::function<Status(const PackfileEntry&)>& visit) const override;
  Status for_each_coloured(const std::function<Status(const ColouredEntry&)>& visit) const override;
  Status for_each_location(const std::function<Status(const LocationEntry&)>& visit) const override;

 private:
  // Shared with walks, which may be under way when another thread replaces it.
  using Core = std::shared_ptr<IndexCore>;

  TableIndex(const FileSystem& files, Random& random, Options options);

  std::string path(const char* name) const;
  IndexCoreSettings core_settings() const;
  Core make_core(bool with_table);
  Core core() const;
  void replace_core(Core core) const;

  // Asks the core until it answers without meeting damage, or damage cannot be healed.
  template <class Ask>
  void ask(Ask&& ask) const;
  // Replaces the core of this generation, if that is still in use; false when that fails. The
  // second with writing_ held.
  bool recover(std::uint64_t generation) const;
  bool recover_locked() const;
  Status rebuild_locked() const;

  // With writing_ held.
  Status save_locked();
  Status save_log(const IndexCore& core, const File& directory);
  Status save_table(const IndexCore& core, const File& directory);
  Status replace_file(const File& directory, const std::string& name,
                      const std::function<Status(const File&)>& write);
  // Whose table there is, if any: a log belongs beside one's own, one of somebody who knows more
  // stays, and any other is replaced.
  enum class OnDisk : std::uint8_t { ours, greater, lesser };
  OnDisk table_on_disk(const IndexCore& core) const;
  // The one on disk, if it belongs to the core's table.
  std::optional<IndexLog> load_log(const IndexCore& core) const;
  void read_log();

  const FileSystem* files_;
  Random* random_;
  Options options_;
  std::shared_ptr<ResidentLimit> resident_;
  Status opened_;

  // Held by whoever prepares a change, so that there is one at a time. Taken before mutex_.
  mutable std::mutex writing_;
  mutable Status status_;  // guarded by writing_
  Rebuild rebuild_;        // guarded by writing_
  // What the table does not have; null when that is too much. Guarded by writing_.
  mutable std::unique_ptr<IndexLog> log_;
  mutable std::uint64_t states_saved_ = 0;  // of these; guarded by writing_

  // Exclusively only for the change itself. All that a query takes.
  mutable std::shared_mutex mutex_;
  mutable Core core_;  // these two guarded by mutex_
  mutable std::uint64_t generation_ = 0;
};

}  // namespace plakar::kloset
