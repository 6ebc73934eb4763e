#include "core/kloset/state/internal/index_core.h"

#include <algorithm>
#include <array>
#include <utility>

namespace plakar::kloset {
namespace {

// So many runs of equal rank become one of the next: a lookup asks few, and a record is copied
// once for each eightfold size.
constexpr std::size_t runs_per_merge = 8;

std::uint64_t random_number(Random& random) {
  std::array<std::byte, 8> bytes;
  random.fill(bytes);
  return load_le<std::uint64_t>(bytes);
}

BlobLocation to_location(const LocationView& view, const PackfileMac& packfile) noexcept {
  return {.packfile = packfile, .offset = view.offset(), .length = view.length()};
}

template <class Id>
Id id_at(const std::byte* record) noexcept {
  Id id;
  std::memcpy(id.bytes.data(), record, id.bytes.size());
  return id;
}

std::int64_t colour_time_at(const std::byte* record) noexcept {
  return static_cast<std::int64_t>(load_le<std::uint64_t>({record + RecordKey::size, 8}));
}

// The types of a state are bytes; nothing is known of others.
bool has_key(ResourceType type) noexcept { return static_cast<std::uint32_t>(type) < 256; }

}  // namespace

// Some or all layers, in order, without what is hidden or there already.
class IndexCore::Walk {
 public:
  explicit Walk(const IndexCore& core) noexcept : core_(&core) {}

  void add(std::unique_ptr<RecordSource> source, std::uint64_t age) {
    sources_.push_back(std::move(source));
    ages_.push_back(age);
  }

  // The next record, or null after the last. Valid until the next call.
  Result<const std::byte*> next() {
    if (!merge_) merge_.emplace(std::move(sources_));
    while (true) {
      const RecordMerge::Item item = PLK_TRY(merge_->next());
      if (item.record == nullptr) return nullptr;
      if (core_->is_hidden(item.record, ages_[item.source])) continue;
      const PackfileNumber packfile = LocationView(item.record).packfile();
      if (compare_keys(item.record, key_.bytes.data()) != 0 || packfiles_.empty()) {
        key_ = RecordKey::at(item.record);
        packfiles_.clear();
      } else if (std::find(packfiles_.begin(), packfiles_.end(), packfile) != packfiles_.end()) {
        continue;
      }
      packfiles_.push_back(packfile);
      return item.record;
    }
  }

 private:
  const IndexCore* core_;
  std::vector<std::unique_ptr<RecordSource>> sources_;
  std::vector<std::uint64_t> ages_;
  std::optional<RecordMerge> merge_;
  RecordKey key_{};                        // of the last record,
  std::vector<PackfileNumber> packfiles_;  // and those that it was found in
};

IndexCore::IndexCore(IndexCoreSettings settings, std::unique_ptr<TableFile> table)
    : settings_(std::move(settings)),
      table_(std::move(table)),
      delta_(random_number(*settings_.random)),
      spill_bytes_(settings_.delta_bytes_max) {
  if (table_ == nullptr) return;
  last_state_ = table_->header().last_state;
  packfiles_ = PackfileRegistry(table_->packfiles());
}

bool IndexCore::has_state(const StateId& id) const {
  return states_.contains(id) || (table_ != nullptr && table_->states().find(id.view()));
}

std::uint64_t IndexCore::state_count() const noexcept {
  return states_.size() + (table_ == nullptr ? 0 : table_->states().size());
}

void IndexCore::end_state(const StateId& id) {
  states_.insert(id);
  last_state_ = id;
}

void IndexCore::apply(const StateEntry& entry) {
  std::visit([this](const auto& one) { apply_one(one); }, entry);
}

PackfileNumber IndexCore::intern(const PackfileMac& packfile) {
  return packfiles_.intern(packfile, [&] {
    return find_colour(ResourceType::packfile, Mac{.bytes = packfile.bytes}).has_value();
  });
}

void IndexCore::apply_one(const LocationEntry& entry) {
  // Not looked for in the older layers: there it comes first anyway.
  delta_.add(LocationRecord::of(entry, intern(entry.packfile)));
  if (entry.type == ResourceType::snapshot) {
    snapshots_.insert(SnapshotId{.bytes = entry.blob.bytes});
  }
  if (delta_.memory_bytes() >= spill_bytes_) spill();
}

void IndexCore::apply_one(const ColouredEntry& entry) {
  if (find_colour(entry.type, entry.mac)) return;
  colours_[RecordKey::of(entry.type, entry.mac)] = entry.time_ns;
  set_coloured(entry.type, entry.mac, true);
}

void IndexCore::apply_one(const PackfileEntry& entry) {
  const PackfileNumber number = intern(entry.packfile);
  if (packfiles_.load(number).known) return;
  Packfile& packfile = packfiles_.change(number);
  packfile.known = true;
  packfile.state = entry.state;
  packfile.time_ns = entry.time_ns;
}

void IndexCore::apply_one(const DeletedLocation& entry) {
  const auto number = packfiles_.find(entry.packfile);
  if (!number) return;
  const RecordKey key = RecordKey::of(entry.type, entry.blob);
  delta_.erase(key, *number);
  if (table_ != nullptr || !runs_.empty()) tombstones_[{key, *number}] = next_age_;
}

void IndexCore::apply_one(const DeletedColour& entry) {
  if (!find_colour(entry.type, entry.mac)) return;
  colours_[RecordKey::of(entry.type, entry.mac)] = std::nullopt;
  set_coloured(entry.type, entry.mac, false);
}

void IndexCore::apply_one(const DeletedPackfile& entry) {
  if (const auto number = packfiles_.find(entry.packfile)) packfiles_.erase(*number);
}

void IndexCore::set_coloured(ResourceType type, const Mac& mac, bool coloured) {
  if (type != ResourceType::packfile) return;
  const auto number = packfiles_.find(PackfileMac{.bytes = mac.bytes});
  if (number) packfiles_.change(*number).coloured = coloured;
}

bool IndexCore::is_hidden(const std::byte* record, std::uint64_t age) const {
  const PackfileNumber packfile = LocationView(record).packfile();
  // A number that no packfile has cannot come from us; it is no reason to crash, either.
  if (packfile >= packfiles_.size() || packfiles_.is_deleted(packfile)) return true;
  if (tombstones_.empty()) [[likely]]
    return false;
  const auto found = tombstones_.find({RecordKey::at(record), packfile});
  return found != tombstones_.end() && age < found->second;
}

template <class Visit>
Lookup IndexCore::visit_locations(const RecordKey& key, Visit&& visit) const {
  bool stopped = false;
  const auto visit_layer = [&](const LocationLayer& layer, std::uint64_t age) {
    return layer.find(key, [&](const LocationView& view) {
      stopped = !is_hidden(view.record(), age) && visit(view);
      return stopped;
    });
  };
  if (table_ != nullptr) {
    const Lookup done = visit_layer(table_->locations(), 0);
    if (stopped || done == Lookup::damaged) return done;
  }
  for (const Run& run : runs_) {
    const Lookup done = visit_layer(run.layer, run.age);
    if (stopped || done == Lookup::damaged) return done;
  }
  delta_.find(key, [&](const LocationView& view) {
    return !is_hidden(view.record(), next_age_) && visit(view);
  });
  return Lookup::done;
}

Lookup IndexCore::find(ResourceType type, const Mac& blob,
                       std::optional<BlobLocation>& found) const {
  if (!has_key(type)) return Lookup::done;
  return visit_locations(RecordKey::of(type, blob), [&](const LocationView& view) {
    if (!packfiles_.counts(view.packfile())) return false;
    found = to_location(view, packfiles_.load_mac(view.packfile()));
    return true;
  });
}

template <class Counts>
Lookup IndexCore::collect(ResourceType type, const Mac& blob, Counts&& counts,
                          std::vector<BlobLocation>& found) const {
  if (!has_key(type)) return Lookup::done;
  return visit_locations(RecordKey::of(type, blob), [&](const LocationView& view) {
    if (!counts(view.packfile())) return false;
    const PackfileMac packfile = packfiles_.load_mac(view.packfile());
    const bool known = std::any_of(found.begin(), found.end(), [&](const BlobLocation& other) {
      return other.packfile == packfile;
    });
    if (!known) found.push_back(to_location(view, packfile));
    return false;
  });
}

Lookup IndexCore::find_all(ResourceType type, const Mac& blob,
                           std::vector<BlobLocation>& found) const {
  const auto counts = [this](PackfileNumber number) { return packfiles_.counts(number); };
  return collect(type, blob, counts, found);
}

Lookup IndexCore::find_coloured(ResourceType type, const Mac& blob,
                                std::vector<BlobLocation>& found) const {
  const auto is_coloured = [this](PackfileNumber number) {
    const Packfile packfile = packfiles_.load(number);
    return packfile.known && packfile.coloured;
  };
  return collect(type, blob, is_coloured, found);
}

Lookup IndexCore::find_snapshots(std::vector<SnapshotId>& found) const {
  const auto visit = [&](const SnapshotId& id) {
    const Mac mac{.bytes = id.bytes};
    if (find_colour(ResourceType::snapshot, mac)) return Lookup::done;
    std::optional<BlobLocation> location;
    if (find(ResourceType::snapshot, mac, location) == Lookup::damaged) return Lookup::damaged;
    if (location) found.push_back(id);
    return Lookup::done;
  };
  const DenseRecords<snapshot_record_size> old =
      table_ == nullptr ? DenseRecords<snapshot_record_size>() : table_->snapshots();
  for (std::uint64_t i = 0; i < old.size(); ++i) {
    if (visit(id_at<SnapshotId>(old[i])) == Lookup::damaged) return Lookup::damaged;
  }
  for (const SnapshotId& id : snapshots_) {
    if (old.find(id.view())) continue;
    if (visit(id) == Lookup::damaged) return Lookup::damaged;
  }
  return Lookup::done;
}

bool IndexCore::has_packfile(const PackfileMac& packfile) const {
  const auto number = packfiles_.find(packfile);
  return number && packfiles_.load(*number).known;
}

std::optional<std::int64_t> IndexCore::find_colour(ResourceType type, const Mac& mac) const {
  if (!has_key(type)) return std::nullopt;
  const RecordKey key = RecordKey::of(type, mac);
  if (const auto found = colours_.find(key); found != colours_.end()) return found->second;
  if (table_ == nullptr) return std::nullopt;
  const auto number = table_->colours().find(key.bytes);
  if (!number) return std::nullopt;
  return colour_time_at(table_->colours()[*number]);
}

Status IndexCore::for_each_packfile(
    const std::function<Status(const PackfileEntry&)>& visit) const {
  for (std::uint64_t i = 0; i < packfiles_.size(); ++i) {
    const Packfile packfile = packfiles_.load(static_cast<PackfileNumber>(i));
    if (packfile.deleted || !packfile.known) continue;
    PLK_TRY(
        visit({.packfile = packfile.mac, .state = packfile.state, .time_ns = packfile.time_ns}));
  }
  return {};
}

Status IndexCore::for_each_coloured(
    const std::function<Status(const ColouredEntry&)>& visit) const {
  for (const auto& [key, time] : sorted_colours()) {
    PLK_TRY(visit({.type = key.type(), .mac = key.mac(), .time_ns = time}));
  }
  return {};
}

Status IndexCore::for_each_location(
    const std::function<Status(const LocationEntry&)>& visit) const {
  Walk walk = walk_all();
  while (const std::byte* const record = PLK_TRY(walk.next())) {
    const LocationView view(record);
    PLK_TRY(visit(view.entry(packfiles_.load_mac(view.packfile()))));
  }
  return {};
}

Status IndexCore::verify() const {
  if (table_ != nullptr) PLK_TRY(table_->locations().verify());
  for (const Run& run : runs_) PLK_TRY(run.layer.verify());
  return {};
}

IndexCore::Walk IndexCore::walk_delta() const {
  Walk walk(*this);
  walk.add(delta_.stream(), next_age_);
  return walk;
}

IndexCore::Walk IndexCore::walk_runs(std::size_t first) const {
  Walk walk(*this);
  for (std::size_t i = first; i < runs_.size(); ++i) {
    walk.add(runs_[i].layer.stream(), runs_[i].age);
  }
  return walk;
}

IndexCore::Walk IndexCore::walk_all() const {
  Walk walk(*this);
  if (table_ != nullptr) walk.add(table_->locations().stream(), 0);
  for (const Run& run : runs_) walk.add(run.layer.stream(), run.age);
  walk.add(delta_.stream(), next_age_);
  return walk;
}

Result<IndexCore::Run> IndexCore::write_run(Walk walk, std::uint64_t count_max) const {
  const std::uint64_t nonce = random_number(*settings_.random);
  const std::string path = settings_.directory + "/run.tmp-" + std::to_string(nonce);
  File file = PLK_TRY(settings_.files->open(
      path, {.access = Access::read_write, .create = Create::always_new, .follow = false}));
  // Open, it lives without a name: nothing is left of it when this process is gone.
  PLK_TRY(settings_.files->remove_file(path));
  LocationWriter writer(file, nonce, 0, count_max);
  while (const std::byte* const record = PLK_TRY(walk.next())) {
    PLK_TRY(writer.append(record, LocationView(record).packfile()));
  }
  const LocationPages pages = PLK_TRY(writer.finish());
  Run run{.file = PLK_TRY(
              PageFile::map(std::move(file), writer.end_page(), nonce, settings_.resident_limit)),
          .layer = {}};
  run.layer = LocationLayer(*run.file, pages);
  return run;
}

void IndexCore::spill() {
  auto run = write_run(walk_delta(), delta_.size());
  if (!run) {
    // Answers need no disk: the delta grows, and the next attempt is made when it has doubled.
    spill_bytes_ = delta_.memory_bytes() * 2;
    return;
  }
  run->age = next_age_++;
  runs_.push_back(*std::move(run));
  delta_ = LocationDelta(random_number(*settings_.random));
  spill_bytes_ = settings_.delta_bytes_max;
  merge_runs();
}

void IndexCore::merge_runs() {
  while (runs_.size() >= runs_per_merge) {
    const std::size_t first = runs_.size() - runs_per_merge;
    if (runs_[first].merges != runs_.back().merges) return;
    std::uint64_t count = 0;
    for (std::size_t i = first; i < runs_.size(); ++i) count += runs_[i].layer.size();
    auto merged = write_run(walk_runs(first), count);
    // Then there are more of them for a while. Damage will be found by who needs the page.
    if (!merged) return;
    merged->age = runs_.back().age;
    merged->merges = runs_.back().merges + 1;
    runs_.resize(first);
    runs_.push_back(*std::move(merged));
  }
}

std::vector<StateId> IndexCore::sorted_states() const {
  std::vector<StateId> all(states_.begin(), states_.end());
  std::sort(all.begin(), all.end());
  if (table_ == nullptr) return all;
  const auto added = static_cast<std::ptrdiff_t>(all.size());
  for (std::uint64_t i = 0; i < table_->states().size(); ++i) {
    all.push_back(id_at<StateId>(table_->states()[i]));
  }
  std::inplace_merge(all.begin(), all.begin() + added, all.end());
  return all;
}

std::map<RecordKey, std::int64_t> IndexCore::sorted_colours() const {
  std::map<RecordKey, std::int64_t> all;
  if (table_ != nullptr) {
    for (std::uint64_t i = 0; i < table_->colours().size(); ++i) {
      const std::byte* const record = table_->colours()[i];
      all.emplace_hint(all.end(), RecordKey::at(record), colour_time_at(record));
    }
  }
  for (const auto& [key, time] : colours_) {
    if (time) {
      all[key] = *time;
    } else {
      all.erase(key);
    }
  }
  return all;
}

Result<std::vector<SnapshotId>> IndexCore::sorted_snapshots() const {
  std::vector<SnapshotId> all(snapshots_.begin(), snapshots_.end());
  if (table_ != nullptr) {
    for (std::uint64_t i = 0; i < table_->snapshots().size(); ++i) {
      all.push_back(id_at<SnapshotId>(table_->snapshots()[i]));
    }
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  bool damaged = false;
  std::erase_if(all, [&](const SnapshotId& id) {
    bool there = false;
    const RecordKey key = RecordKey::of(ResourceType::snapshot, Mac{.bytes = id.bytes});
    damaged |=
        visit_locations(key, [&](const LocationView&) { return there = true; }) == Lookup::damaged;
    return !there;
  });
  if (damaged) return Error(Errc::corrupt, "a page of the index is damaged");
  return all;
}

Status IndexCore::write_table(const File& file, const Uuid& repository) const {
  TableHeader header{.nonce = random_number(*settings_.random),
                     .repository = repository,
                     .last_state = last_state_};
  PageWriter head(file, header.nonce, 1);

  RecordWriter states(head, state_record_size);
  for (const StateId& id : sorted_states()) PLK_TRY(states.append(id.bytes.data()));
  header.states = PLK_TRY(states.finish());

  RecordWriter packfiles(head, StoredPackfile::size);
  std::vector<PackfileNumber> renumbered(packfiles_.size(), no_packfile);
  PackfileNumber next_number = 0;
  for (const PackfileNumber number : packfiles_.sorted()) {
    renumbered[number] = next_number++;
    PLK_TRY(packfiles.append(StoredPackfile::of(packfiles_.load(number)).bytes.data()));
  }
  header.packfiles = PLK_TRY(packfiles.finish());

  RecordWriter colours(head, colour_record_size);
  for (const auto& [key, time] : sorted_colours()) {
    std::array<std::byte, colour_record_size> record;
    std::copy(key.bytes.begin(), key.bytes.end(), record.begin());
    store_le(std::span(record).subspan(RecordKey::size), static_cast<std::uint64_t>(time));
    PLK_TRY(colours.append(record.data()));
  }
  header.colours = PLK_TRY(colours.finish());

  RecordWriter snapshots(head, snapshot_record_size);
  for (const SnapshotId& id : PLK_TRY(sorted_snapshots())) {
    PLK_TRY(snapshots.append(id.bytes.data()));
  }
  header.snapshots = PLK_TRY(snapshots.finish());
  PLK_TRY(head.flush());

  std::uint64_t count_max = delta_.size();
  if (table_ != nullptr) count_max += table_->locations().size();
  for (const Run& run : runs_) count_max += run.layer.size();
  LocationWriter locations(file, header.nonce, head.number(), count_max);
  Walk walk = walk_all();
  while (const std::byte* const record = PLK_TRY(walk.next())) {
    PLK_TRY(locations.append(record, renumbered[LocationView(record).packfile()]));
  }
  header.locations = PLK_TRY(locations.finish());
  header.page_count = locations.end_page();
  // Last, so that a file that is not complete has none.
  return file.write_at(0, encode_table_header(header));
}

}  // namespace plakar::kloset
