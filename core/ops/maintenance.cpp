#include "core/ops/maintenance.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/kloset/repository/lock.h"
#include "core/kloset/repository/packfile_reader.h"
#include "core/kloset/repository/packfile_writer.h"
#include "core/kloset/snapshot/listing.h"
#include "core/ops/internal/deletions.h"
#include "core/ops/internal/live_set.h"
#include "core/ops/internal/marker.h"
#include "core/ops/internal/read_blob.h"
#include "core/ops/internal/repacker.h"
#include "core/ops/internal/stored_packfiles.h"

namespace plakar::ops {
namespace {

using kloset::ColouredEntry;
using kloset::LocationEntry;
using kloset::PackfileEntry;
using kloset::ResourceType;
using kloset::StateEntry;

std::int64_t to_nanoseconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

// Both end at what can be held: dates in a store may be anything, and a grace period forever.
std::int64_t before(std::int64_t time_ns, std::chrono::nanoseconds by) {
  std::int64_t result = 0;
  return __builtin_sub_overflow(time_ns, by.count(), &result) ? INT64_MIN : result;
}
std::int64_t after(std::int64_t time_ns, std::chrono::nanoseconds by) {
  std::int64_t result = 0;
  return __builtin_add_overflow(time_ns, by.count(), &result) ? INT64_MAX : result;
}

Mac as_mac(const PackfileMac& packfile) { return Mac{.bytes = packfile.bytes}; }

std::string name_of(const PackfileMac& packfile) { return "packfile " + packfile.short_hex(); }

// What the states say of a packfile, and what snapshots use of it. Padding is no blob.
struct Use {
  std::uint64_t blobs = 0;
  std::uint64_t live_blobs = 0;
  std::uint64_t live_bytes = 0;
};

class Maintenance {
 public:
  Maintenance(kloset::Repository& repository, const MaintenanceOptions& options,
              MaintenanceObserver& observer, const flow::CancelToken& cancel)
      : repository_(repository),
        index_(repository.index()),
        options_(options),
        observer_(observer),
        cancel_(cancel),
        packfiles_(repository.store()) {}

  Result<MaintenanceReport> run() {
    const Env& env = repository_.env();
    if (options_.lock) {
      lock_ = PLK_TRY(kloset::RepositoryLock::acquire(repository_.store(), repository_.config(),
                                                      repository_.keys(), env,
                                                      {.id = kloset::LockId::random(env.random),
                                                       .mode = kloset::LockMode::exclusive,
                                                       .hostname = options_.hostname}));
    }
    PLK_TRY(repository_.refresh());
    PLK_TRY(check_dates());
    PLK_TRY(packfiles_.list());
    PLK_TRY(mark());
    PLK_TRY(measure());
    PLK_TRY(repack());
    PLK_TRY(colour());
    PLK_TRY(sweep());
    if (lock_) PLK_TRY(lock_->release());
    return report_;
  }

 private:
  std::int64_t now() const { return to_nanoseconds(repository_.env().clock.wall()); }

  // Whether what was found out still counts. Asked before each step that others can see.
  Status guard() const {
    PLK_TRY(cancel_.check());
    if (lock_) PLK_TRY(lock_->check());
    return index_.status();
  }

  Status publish(const std::vector<StateEntry>& entries, std::string_view doing) {
    const auto id = kloset::StateId::random(repository_.env().random);
    PLK_TRY_CONTEXT(publish_in_order(repository_, id, entries, [this] { return guard(); }), doing);
    return {};
  }

  // Somebody who sets the clock ahead makes everything old enough to be removed; one whose clock
  // is behind would never remove anything, and date what he writes too early.
  Status check_dates() const {
    const std::int64_t time_now = now();
    const std::int64_t latest = after(time_now, options_.future_max);
    const auto check = [&](const std::string& what, std::int64_t time_ns) -> Status {
      if (time_ns <= latest) return {};
      const auto ahead = std::chrono::floor<std::chrono::seconds>(
          std::chrono::nanoseconds(before(time_ns, std::chrono::nanoseconds(time_now))));
      return Error(Errc::conflict,
                   what + " is dated " + format_duration(ahead) +
                       " ahead of this machine's clock. One of the clocks is wrong, and with it "
                       "the age of everything: nothing was changed. Set this machine's clock, or "
                       "allow dates so far ahead if it is right");
    };
    PLK_TRY(index_.for_each_packfile(
        [&](const PackfileEntry& entry) { return check(name_of(entry.packfile), entry.time_ns); }));
    return index_.for_each_coloured([&](const ColouredEntry& entry) {
      return check("the removal of " + kloset::to_name(entry.type) + " " + entry.mac.short_hex(),
                   entry.time_ns);
    });
  }

  // --- mark ---

  // Those that anybody can see, and those whose headers were coloured away although nobody removed
  // them.
  Result<std::vector<SnapshotId>> find_snapshots(std::uint64_t& locations) const {
    std::vector<SnapshotId> visible = index_.snapshots();
    std::set<SnapshotId> all(visible.begin(), visible.end());
    PLK_TRY(index_.for_each_location([&](const LocationEntry& entry) -> Status {
      ++locations;
      if (entry.type != ResourceType::snapshot || !index_.has_packfile(entry.packfile) ||
          index_.find_colour(ResourceType::snapshot, entry.blob)) {
        return {};
      }
      all.insert(SnapshotId{.bytes = entry.blob.bytes});
      return {};
    }));
    return std::vector<SnapshotId>(all.begin(), all.end());
  }

  Status mark() {
    std::uint64_t locations = 0;
    std::vector<SnapshotId> todo = PLK_TRY(find_snapshots(locations));
    PLK_TRY(index_.status());
    live_.emplace(locations);
    Marker marker(repository_, packfiles_, *live_, cancel_,
                  [this](const SnapshotId& snapshot, std::string_view path) {
                    observer_.noticed("snapshot " + snapshot.short_hex() + ", " + escape(path),
                                      "its entry is only in the listing of its directory");
                  });
    std::set<SnapshotId> done;
    std::optional<Error> first;
    while (!todo.empty()) {
      for (const SnapshotId& id : todo) {
        Status marked = marker.mark(id);
        done.insert(id);
        if (marked) {
          observer_.marked(id, done.size(), todo.size());
          continue;
        }
        if (marked.error().code() == Errc::cancelled) return marked;
        observer_.unreadable(id, marked.error().message());
        if (!first) {
          first = std::move(marked).error().context("snapshot " + id.short_hex() +
                                                    " cannot be read whole");
        }
      }
      // Marking takes a while, and there are those who ask no lock for leave.
      PLK_TRY(repository_.refresh());
      todo = index_.snapshots();
      std::erase_if(todo, [&](const SnapshotId& id) { return done.contains(id); });
    }
    report_.snapshots = done.size();
    PLK_TRY(uncolour(marker.needed()));
    if (first) {
      return Error(first->code(),
                   first->message() +
                       "; what it needs is not known, so nothing was coloured or removed. Check "
                       "the store, restore what can be, and remove that snapshot");
    }
    return {};
  }

  Status uncolour(const std::set<PackfileMac>& needed) {
    if (needed.empty()) return {};
    std::vector<StateEntry> entries;
    for (const PackfileMac& packfile : needed) {
      entries.push_back(
          kloset::DeletedColour{.type = ResourceType::packfile, .mac = as_mac(packfile)});
    }
    PLK_TRY(publish(entries, "take colours back"));
    for (const PackfileMac& packfile : needed) {
      observer_.noticed(name_of(packfile), "it was about to be removed, and is needed: kept");
    }
    report_.packfiles_uncoloured = needed.size();
    return {};
  }

  // --- what is in the packfiles ---

  Status measure() {
    PLK_TRY(index_.for_each_packfile([this](const PackfileEntry& entry) -> Status {
      uses_.try_emplace(entry.packfile);
      return {};
    }));
    return index_.for_each_location([this](const LocationEntry& entry) -> Status {
      if (entry.type == ResourceType::random) return {};
      const auto found = uses_.find(entry.packfile);
      if (found == uses_.end()) return {};
      Use& use = found->second;
      ++use.blobs;
      if (!live_->contains(entry.type, entry.blob)) return {};
      ++use.live_blobs;
      use.live_bytes += entry.length;
      return {};
    });
  }

  bool is_coloured(const PackfileMac& packfile) const {
    return index_.find_colour(ResourceType::packfile, as_mac(packfile)).has_value();
  }

  // --- repack ---

  Status repack() {
    if (!options_.repack) return {};
    std::vector<PackfileMac> chosen;
    std::uint64_t size = 0, live_bytes = 0, live_blobs = 0;
    for (const auto& [packfile, use] : uses_) {
      if (use.live_blobs == 0 || is_coloured(packfile)) continue;
      const auto item = PLK_TRY(packfiles_.find_size(packfile));
      if (!item || *item < use.live_bytes) continue;
      if (*item - use.live_bytes < *item / 100 * options_.repack_dead_percent) continue;
      chosen.push_back(packfile);
      size += *item;
      live_bytes += use.live_bytes;
      live_blobs += use.live_blobs;
    }
    if (size < new_size(live_bytes, live_blobs) + options_.repack_gain_min) return {};

    std::unordered_set<PackfileMac> leaving(chosen.begin(), chosen.end());
    for (const auto& [packfile, use] : uses_) {
      if (use.live_blobs == 0) leaving.insert(packfile);
    }
    Repacker repacker(repository_, *live_, leaving, live_blobs, [this] { return guard(); });
    std::vector<PackfileMac> repacked;
    for (const PackfileMac& packfile : chosen) {
      const Status added = repacker.add(packfile, uses_.at(packfile).live_blobs);
      if (added) {
        repacked.push_back(packfile);
        continue;
      }
      if (!kloset::is_damage(added.error())) {
        return Error(added.error()).context("repack " + name_of(packfile));
      }
      observer_.noticed(name_of(packfile), "it is not repacked: " + added.error().message());
    }
    PLK_TRY_CONTEXT(repacker.finish(), "repack");
    report_.packfiles_written = repacker.packfiles_written();
    report_.bytes_written = repacker.bytes_written();
    for (const PackfileMac& packfile : repacked)
      to_colour_.emplace_back(packfile, Colouring::repacked);
    return {};
  }

  // How much packfiles with so much in them may take, at most: so that repacking comes to an end,
  // and does not do the same over and over.
  std::uint64_t new_size(std::uint64_t live_bytes, std::uint64_t live_blobs) const {
    const std::uint64_t size_max =
        std::max<std::uint64_t>(repository_.config().packfile.size_max, 1);
    const std::uint64_t count = 2 + live_bytes / size_max;
    constexpr std::uint64_t ends_size = 4096;  // envelope, footer, and what encoding adds
    return live_bytes + live_blobs * (kloset::packfile_record_size + 8) +
           count * (kloset::PackfileWriter::padding_size_max + ends_size);
  }

  // --- colour ---

  Status colour() {
    for (const auto& [packfile, use] : uses_) {
      if (use.live_blobs == 0 && !is_coloured(packfile)) {
        to_colour_.emplace_back(packfile, Colouring::unused);
      }
    }
    PLK_TRY(find_leftovers());
    if (to_colour_.empty()) return {};
    const std::int64_t time_ns = now();
    std::vector<StateEntry> entries;
    for (const auto& [packfile, why] : to_colour_) {
      entries.push_back(ColouredEntry{
          .type = ResourceType::packfile, .mac = as_mac(packfile), .time_ns = time_ns});
    }
    PLK_TRY(publish(entries, "colour packfiles"));
    for (const auto& [packfile, why] : to_colour_) {
      ++report_.packfiles_coloured;
      if (why == Colouring::orphaned) ++report_.packfiles_orphaned;
      if (why == Colouring::repacked) ++report_.packfiles_repacked;
      report_.bytes_coloured += PLK_TRY(packfiles_.find_size(packfile)).value_or(0);
      observer_.coloured(packfile, why);
    }
    return {};
  }

  // Packfiles that no state names: of runs that were cut off, mostly.
  Status find_leftovers() {
    const std::int64_t cutoff = before(now(), options_.grace);
    const auto codec = PLK_TRY(repository_.codec());
    return packfiles_.for_each([&](const PackfileMac& packfile) -> Status {
      if (index_.has_packfile(packfile) || is_coloured(packfile)) return {};
      PLK_TRY(cancel_.check());
      const auto contents =
          kloset::read_packfile(repository_.store(), packfile, *codec, repository_.keys());
      if (!contents) {
        if (!kloset::is_damage(contents.error())) return contents.error();
        ++report_.leftovers;
        observer_.noticed(name_of(packfile), "no state names it, and its age cannot be read: " +
                                                 contents.error().message());
        return {};
      }
      for (const kloset::PackfileRecord& record : contents->records) {
        if (!is_lost_snapshot(record)) continue;
        ++report_.leftovers;
        observer_.noticed(name_of(packfile), "no state names it, and snapshot " +
                                                 record.mac.short_hex() +
                                                 " is in it: `repair` brings that back");
        return {};
      }
      if (contents->footer.timestamp_ns > cutoff) {
        ++report_.leftovers;
        return {};
      }
      to_colour_.emplace_back(packfile, Colouring::orphaned);
      return {};
    });
  }

  // A header is stored last: with one, nothing was cut off, but a state got lost.
  bool is_lost_snapshot(const kloset::PackfileRecord& record) const {
    return record.type == ResourceType::snapshot &&
           !index_.find_colour(ResourceType::snapshot, record.mac) &&
           !live_->contains(ResourceType::snapshot, record.mac);
  }

  // --- sweep ---

  Status sweep() {
    const std::int64_t cutoff = before(now(), options_.grace);
    std::vector<StateEntry> entries;
    std::vector<PackfileMac> old;
    PLK_TRY(index_.for_each_coloured([&](const ColouredEntry& entry) -> Status {
      if (entry.type != ResourceType::packfile) return {};
      const PackfileMac packfile{.bytes = entry.mac.bytes};
      const bool is_there = PLK_TRY(packfiles_.find_size(packfile)).has_value();
      if (is_there || index_.has_packfile(packfile)) {
        if (entry.time_ns <= cutoff) old.push_back(packfile);
      } else {
        // A mark without a meaning: states of different writers have no order.
        entries.emplace_back(
            kloset::DeletedColour{.type = ResourceType::packfile, .mac = entry.mac});
      }
      return {};
    }));
    std::vector<PackfileMac> swept;
    for (const PackfileMac& packfile : old) {
      if (!PLK_TRY(can_go(packfile))) continue;
      swept.push_back(packfile);
      entries.emplace_back(kloset::DeletedPackfile{.packfile = packfile});
      entries.emplace_back(
          kloset::DeletedColour{.type = ResourceType::packfile, .mac = as_mac(packfile)});
    }
    PLK_TRY(index_.for_each_location([&](const LocationEntry& entry) -> Status {
      if (index_.has_packfile(entry.packfile)) return {};
      if (PLK_TRY(packfiles_.find_size(entry.packfile))) return {};
      entries.emplace_back(kloset::DeletedLocation{
          .type = entry.type, .blob = entry.blob, .packfile = entry.packfile});
      return {};
    }));
    if (entries.empty()) return {};
    PLK_TRY(publish(entries, "sweep packfiles"));

    // Nobody finds them any more. What is not removed now is a leftover of the next run.
    for (const PackfileMac& packfile : swept) {
      const auto found = uses_.find(packfile);
      if (found != uses_.end()) report_.blobs_removed += found->second.blobs;
      const std::uint64_t bytes = PLK_TRY(packfiles_.find_size(packfile)).value_or(0);
      if (options_.delete_packfiles) {
        PLK_TRY(cancel_.check());
        const Status removed =
            repository_.store().remove(kloset::ItemKind::packfile, kloset::item_name(packfile));
        if (!removed) {
          ++report_.failures;
          observer_.noticed(name_of(packfile), "cannot be deleted: " + removed.error().message());
          continue;
        }
        report_.bytes_removed += bytes;
      }
      ++report_.packfiles_removed;
      observer_.removed(packfile, bytes);
    }
    return {};
  }

  // What was copied out of it a grace period ago is read once more: with this packfile would go
  // what may be the only good copy.
  Result<bool> can_go(const PackfileMac& packfile) {
    const auto use = uses_.find(packfile);
    if (use == uses_.end() || use->second.live_blobs == 0) return true;
    if (!PLK_TRY(packfiles_.find_size(packfile))) return true;
    const auto codec = PLK_TRY(repository_.codec());
    const auto contents =
        kloset::read_packfile(repository_.store(), packfile, *codec, repository_.keys());
    if (!contents && !kloset::is_damage(contents.error())) return contents.error();
    if (!contents) {
      observer_.noticed(name_of(packfile), "it stays, since what is in it cannot be told: " +
                                               contents.error().message());
      return false;
    }
    const auto anywhere = [](const PackfileMac&) { return true; };
    bool all_good = true;
    for (const kloset::PackfileRecord& record : contents->records) {
      PLK_TRY(guard());
      if (!live_->contains(record.type, record.mac)) continue;
      all_good = PLK_TRY(has_good_blob(repository_, record.type, record.mac, anywhere));
      if (!all_good) break;
    }
    if (all_good) return true;
    PLK_TRY(
        publish({kloset::DeletedColour{.type = ResourceType::packfile, .mac = as_mac(packfile)}},
                "take a colour back"));
    ++report_.packfiles_uncoloured;
    observer_.noticed(name_of(packfile),
                      "it was about to be removed, but a copy of what is in it is damaged: kept");
    return false;
  }

  kloset::Repository& repository_;
  kloset::StateIndex& index_;
  const MaintenanceOptions& options_;
  MaintenanceObserver& observer_;
  flow::CancelToken cancel_;
  std::unique_ptr<kloset::RepositoryLock> lock_;
  StoredPackfiles packfiles_;
  std::optional<LiveSet> live_;
  std::unordered_map<PackfileMac, Use> uses_;
  std::vector<std::pair<PackfileMac, Colouring>> to_colour_;
  MaintenanceReport report_;
};

}  // namespace

Result<MaintenanceReport> maintenance(kloset::Repository& repository,
                                      const MaintenanceOptions& options,
                                      MaintenanceObserver& observer,
                                      const flow::CancelToken& cancel) {
  if (options.grace.count() < 0 || options.future_max.count() < 0) {
    return Error(Errc::invalid_argument, "a negative duration");
  }
  const kloset::StoreTraits traits = repository.store().traits();
  if (traits.archive || !traits.readable || !traits.writable) {
    return Error(Errc::unsupported,
                 "this store is written or read only: no maintenance is possible");
  }
  return Maintenance(repository, options, observer, cancel).run();
}

}  // namespace plakar::ops
