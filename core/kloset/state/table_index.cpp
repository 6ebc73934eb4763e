#include "core/kloset/state/table_index.h"

#include <algorithm>
#include <utility>

#include "core/base/files.h"
#include "core/kloset/state/internal/index_core.h"
#include "core/kloset/state/internal/index_log.h"

namespace plakar::kloset {
namespace {

// A table is written again when the states since would take more than this part of it, but not for
// so few that a log of them costs nothing: a table is synced, and every command that changes a
// store would wait for that.
constexpr std::uint64_t tables_per_log = 8;
constexpr std::uint64_t log_bytes_min = 64 * 1024;

IndexLog::Owner owner_of(const IndexCore& core) {
  const TableHeader& header = core.table()->header();
  return {.table_nonce = header.nonce, .repository = header.repository};
}

// What reads the state to its end, and nothing else.
Status check_state(const StateText& state) {
  PLK_TRY(read_state(state.plain, state.version, [](const StateEntry&) { return Status(); }));
  return {};
}

Status apply(IndexCore& core, const StateText& state) {
  PLK_TRY(read_state(state.plain, state.version, [&](const StateEntry& entry) -> Status {
    core.apply(entry);
    return {};
  }));
  core.end_state(state.id);
  return {};
}

}  // namespace

TableIndex::TableIndex(const FileSystem& files, Random& random, Options options)
    : files_(&files),
      random_(&random),
      options_(std::move(options)),
      resident_(std::make_shared<ResidentLimit>(options_.resident_bytes_max)) {}

TableIndex::~TableIndex() = default;

std::unique_ptr<TableIndex> TableIndex::open(const FileSystem& files, Random& random,
                                             Options options) {
  std::unique_ptr<TableIndex> index(new TableIndex(files, random, std::move(options)));
  index->core_ = index->make_core(true);
  index->log_ = std::make_unique<IndexLog>();
  index->read_log();
  return index;
}

std::string TableIndex::path(const char* name) const { return options_.directory + "/" + name; }

TableIndex::Core TableIndex::make_core(bool with_table) {
  std::unique_ptr<TableFile> table;
  if (with_table) {
    auto opened = TableFile::open(*files_, path("table"), options_.repository_id, resident_);
    if (opened) {
      table = *std::move(opened);
    } else {
      opened_ = std::move(opened).error();
      // For the runs of a first merge. Without it these stay in memory.
      static_cast<void>(make_directories(*files_, options_.directory));
    }
  }
  return std::make_shared<IndexCore>(core_settings(), std::move(table));
}

IndexCoreSettings TableIndex::core_settings() const {
  return {.files = files_,
          .random = random_,
          .directory = options_.directory,
          .delta_bytes_max = options_.delta_bytes_max,
          .resident_limit = resident_};
}

std::optional<IndexLog> TableIndex::load_log(const IndexCore& core) const {
  const auto file = read_file(*files_, path("log"), options_.log_bytes_max + index_log_header_size);
  if (!file) return std::nullopt;
  auto log = IndexLog::decode(*file, owner_of(core));
  if (!log) return std::nullopt;
  return *std::move(log);
}

void TableIndex::read_log() {
  if (core_->table() == nullptr || options_.log_bytes_max == 0) return;
  auto log = load_log(*core_);
  // Read to the end before any of it counts.
  if (!log || !log->for_each(check_state)) return;
  static_cast<void>(log->for_each([&](const StateText& state) -> Status {
    if (core_->has_state(state.id)) return {};
    log_->append(state);
    return apply(*core_, state);
  }));
  states_saved_ = core_->new_state_count();
}

TableIndex::Core TableIndex::core() const {
  const std::shared_lock lock(mutex_);
  return core_;
}

void TableIndex::replace_core(Core core) const {
  {
    const std::unique_lock lock(mutex_);
    core_.swap(core);
    ++generation_;
  }
  // The old one goes here, which may take a while.
}

template <class Ask>
void TableIndex::ask(Ask&& ask) const {
  while (true) {
    std::uint64_t generation = 0;
    {
      const std::shared_lock lock(mutex_);
      if (ask(*core_) == Lookup::done) [[likely]]
        return;
      generation = generation_;
    }
    if (!recover(generation)) return;
  }
}

bool TableIndex::recover(std::uint64_t generation) const {
  const std::lock_guard writing(writing_);
  {
    const std::shared_lock lock(mutex_);
    if (generation_ != generation) return true;  // Somebody else was faster.
  }
  return recover_locked();
}

bool TableIndex::recover_locked() const {
  if (!status_) return false;
  Status rebuilt = rebuild_locked();
  if (rebuilt) return true;
  status_ = std::move(rebuilt).error().context("the cached index is damaged");
  return false;
}

Status TableIndex::rebuild_locked() const {
  // The next process shall not meet it, too.
  static_cast<void>(files_->remove_file(path("table")));
  static_cast<void>(files_->remove_file(path("log")));
  if (!rebuild_) return Error(Errc::corrupt, "nobody can build it again");
  // While this runs, queries that meet no damage go on, and are answered truthfully.
  TableIndex fresh(*files_, *random_, options_);
  fresh.core_ = fresh.make_core(false);
  PLK_TRY(rebuild_(fresh));
  replace_core(std::move(fresh.core_));
  log_.reset();
  states_saved_ = 0;
  return {};
}

Status TableIndex::rebuild() {
  const std::lock_guard writing(writing_);
  Status rebuilt = rebuild_locked();
  if (rebuilt) status_ = {};
  return rebuilt;
}

void TableIndex::set_rebuild(Rebuild rebuild) {
  const std::lock_guard writing(writing_);
  rebuild_ = std::move(rebuild);
}

Status TableIndex::status() const {
  const std::lock_guard writing(writing_);
  return status_;
}

bool TableIndex::has_state(const StateId& id) const {
  const std::shared_lock lock(mutex_);
  return core_->has_state(id);
}

std::uint64_t TableIndex::state_count() const {
  const std::shared_lock lock(mutex_);
  return core_->state_count();
}

std::vector<StateId> TableIndex::states() const {
  const std::shared_lock lock(mutex_);
  return core_->sorted_states();
}

StateId TableIndex::last_state() const {
  const std::shared_lock lock(mutex_);
  return core_->last_state();
}

Status TableIndex::merge(const StateText& state) {
  // Read twice: a state that breaks off in the middle changes nothing, and one of any size takes
  // no memory but what is kept of it.
  PLK_TRY(check_state(state));
  const std::lock_guard writing(writing_);
  const std::unique_lock lock(mutex_);
  if (core_->has_state(state.id)) return {};
  PLK_TRY(apply(*core_, state));
  if (log_ == nullptr) return {};
  if (IndexLog::size_bytes(state) <= options_.log_bytes_max - log_->size_bytes()) {
    log_->append(state);
  } else {
    log_.reset();
  }
  return {};
}

Status TableIndex::save() {
  const std::lock_guard writing(writing_);
  // There is no table any more that a log could belong to.
  if (!status_) return status_;
  Status saved = save_locked();
  if (!saved && saved.error().code() == Errc::corrupt && recover_locked()) saved = save_locked();
  return saved;
}

TableIndex::OnDisk TableIndex::table_on_disk(const IndexCore& core) const {
  const auto table = TableFile::open(*files_, path("table"), options_.repository_id, resident_);
  if (!table) return OnDisk::lesser;
  if (core.table() != nullptr && core.table()->header().nonce == (*table)->header().nonce) {
    return OnDisk::ours;
  }
  return (*table)->states().size() > core.state_count() ? OnDisk::greater : OnDisk::lesser;
}

Status TableIndex::save_locked() {
  // Nobody else changes it while writing_ is held.
  const Core saved = core();
  if (saved->new_state_count() == states_saved_) return {};
  PLK_TRY(make_directories(*files_, options_.directory));
  const File directory = PLK_TRY(files_->open(options_.directory, {.directory = true}));

  // One saves at a time. Somebody who is just doing that knows about as much as we do; and a file
  // system without locks risks a file of two halves, which its checksums will tell.
  const auto lock =
      files_->open({directory, "lock"}, {.access = Access::write, .create = Create::if_missing});
  if (lock) {
    const Status locked = lock->lock(LockMode::exclusive, Wait::no);
    if (!locked && locked.error().code() == Errc::conflict) return {};
  }
  const OnDisk on_disk = table_on_disk(*saved);
  if (on_disk == OnDisk::greater) return {};

  const bool log_suffices =
      on_disk == OnDisk::ours && log_ != nullptr && options_.log_bytes_max > 0 &&
      log_->size_bytes() <=
          std::max(saved->table()->header().page_count * page_size / tables_per_log, log_bytes_min);
  return log_suffices ? save_log(*saved, directory) : save_table(*saved, directory);
}

Status TableIndex::save_log(const IndexCore& core, const File& directory) {
  // Of two processes with the same table the one that knows more stays.
  const auto other = load_log(core);
  if (other && other->state_count() > log_->state_count()) return {};
  // Not synced: it has one checksum for all of it, and so few states are soon merged again.
  PLK_TRY(replace_file(directory, "log", [&](const File& file) {
    return file.write_at(0, log_->encode(owner_of(core)));
  }));
  states_saved_ = core.new_state_count();
  return {};
}

Status TableIndex::save_table(const IndexCore& core, const File& directory) {
  PLK_TRY(replace_file(directory, "table", [&](const File& file) -> Status {
    PLK_TRY(core.write_table(file, options_.repository_id));
    return file.sync(SyncScope::data);
  }));
  // It belongs to the old table.
  static_cast<void>(files_->remove_file({directory, "log"}));
  auto table = PLK_TRY(TableFile::open(*files_, path("table"), options_.repository_id, resident_));
  replace_core(std::make_shared<IndexCore>(core_settings(), std::move(table)));
  log_ = std::make_unique<IndexLog>();
  states_saved_ = 0;
  return {};
}

Status TableIndex::replace_file(const File& directory, const std::string& name,
                                const std::function<Status(const File&)>& write) {
  const std::string temporary = name + ".tmp";
  static_cast<void>(files_->remove_file({directory, temporary}));
  File file = PLK_TRY(
      files_->open({directory, temporary},
                   {.access = Access::read_write, .create = Create::always_new, .follow = false}));
  const auto write_and_rename = [&]() -> Status {
    PLK_TRY(write(file));
    PLK_TRY(file.close());
    // The directory is not synced: without the new name there is the old file, which is right, too.
    return files_->rename({directory, temporary}, {directory, name});
  };
  Status done = write_and_rename();
  // The first error counts, and what is left over is removed next time.
  if (!done) static_cast<void>(files_->remove_file({directory, temporary}));
  return done;
}

std::optional<BlobLocation> TableIndex::find(ResourceType type, const Mac& blob) const {
  std::optional<BlobLocation> found;
  ask([&](const IndexCore& core) { return core.find(type, blob, found); });
  return found;
}

std::vector<BlobLocation> TableIndex::find_all(ResourceType type, const Mac& blob) const {
  std::vector<BlobLocation> found;
  ask([&](const IndexCore& core) {
    found.clear();
    return core.find_all(type, blob, found);
  });
  return found;
}

std::vector<BlobLocation> TableIndex::find_coloured(ResourceType type, const Mac& blob) const {
  std::vector<BlobLocation> found;
  ask([&](const IndexCore& core) {
    found.clear();
    return core.find_coloured(type, blob, found);
  });
  return found;
}

std::vector<SnapshotId> TableIndex::snapshots() const {
  std::vector<SnapshotId> found;
  ask([&](const IndexCore& core) {
    found.clear();
    return core.find_snapshots(found);
  });
  return found;
}

bool TableIndex::has_packfile(const PackfileMac& packfile) const {
  const std::shared_lock lock(mutex_);
  return core_->has_packfile(packfile);
}

std::optional<std::int64_t> TableIndex::find_colour(ResourceType type, const Mac& mac) const {
  const std::shared_lock lock(mutex_);
  return core_->find_colour(type, mac);
}

Status TableIndex::for_each_packfile(
    const std::function<Status(const PackfileEntry&)>& visit) const {
  return core()->for_each_packfile(visit);
}

Status TableIndex::for_each_coloured(
    const std::function<Status(const ColouredEntry&)>& visit) const {
  return core()->for_each_coloured(visit);
}

Status TableIndex::for_each_location(
    const std::function<Status(const LocationEntry&)>& visit) const {
  while (true) {
    std::uint64_t generation = 0;
    Core core;
    {
      const std::shared_lock lock(mutex_);
      core = core_;
      generation = generation_;
    }
    // Before anything is visited, since what was visited cannot be taken back.
    const Status verified = core->verify();
    if (verified) return core->for_each_location(visit);
    if (verified.error().code() != Errc::corrupt || !recover(generation)) return verified;
  }
}

}  // namespace plakar::kloset
