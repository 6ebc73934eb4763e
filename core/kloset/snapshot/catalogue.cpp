#include "core/kloset/snapshot/catalogue.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "core/kloset/snapshot/internal/header_cache.h"

namespace plakar::kloset {
namespace {

// What tells importers apart without decoding their headers. Not a hash that anyone can compute:
// who names directories could choose two with the same one.
std::uint64_t importer_number(const Repository& repository, const Importer& importer) {
  Bytes text;
  for (const std::string* part : {&importer.type, &importer.origin, &importer.directory}) {
    append_le(text, std::uint64_t{part->size()});
    append(text, as_bytes(*part));
  }
  return load_le<std::uint64_t>(repository.mac().compute(text).view());
}

// Calls `visit` for every header that can be read, and `unreadable` for the others. Where it
// returns false what the cache has is no header, and the store is asked.
Status visit_all(Repository& repository,
                 const std::function<Result<bool>(const CachedHeader&)>& visit,
                 const std::function<Status(const SnapshotId&, const Error&)>& unreadable) {
  const auto locate = [&](const SnapshotId& id) {
    return repository.index().find(ResourceType::snapshot, Mac{.bytes = id.bytes});
  };
  std::unordered_map<SnapshotId, BlobLocation> missing;
  for (const SnapshotId& id : repository.index().snapshots()) {
    // One that was found by the listing and is not any more goes just now.
    if (const auto location = locate(id)) missing.emplace(id, *location);
  }

  HeaderCache cache(repository);
  PLK_TRY(cache.for_each([&](const CachedHeader& header) -> Result<bool> {
    const auto found = missing.find(header.id);
    if (found == missing.end() || found->second != header.location) return false;
    if (!PLK_TRY(visit(header))) return false;
    missing.erase(found);
    return true;
  }));

  // Those next to each other in a packfile one after the other.
  std::vector<std::pair<SnapshotId, BlobLocation>> rest(missing.begin(), missing.end());
  std::sort(rest.begin(), rest.end(), [](const auto& a, const auto& b) {
    return std::tie(a.second.packfile, a.second.offset) <
           std::tie(b.second.packfile, b.second.offset);
  });
  for (const auto& [id, location] : rest) {
    Bytes bytes;
    const auto load = [&]() -> Result<SnapshotHeader> {
      bytes =
          PLK_TRY(repository.load(ResourceType::snapshot, Mac{.bytes = id.bytes}, header_size_max));
      return decode_header(bytes, id);
    };
    const auto header = load();
    if (!header) {
      const Errc code = header.error().code();
      if (code != Errc::corrupt && code != Errc::not_found) return header.error();
      PLK_TRY(unreadable(id, header.error()));
      continue;
    }
    const CachedHeader found{.id = id,
                             .location = location,
                             .timestamp = header->timestamp,
                             .importer = importer_number(repository, header->source().importer),
                             .header = bytes};
    cache.add(found);
    PLK_TRY(visit(found));
  }
  cache.save();
  // What it cannot tell must not pass for what is not there.
  return repository.index().status();
}

}  // namespace

Status for_each_header(Repository& repository,
                       const std::function<Status(const SnapshotHeader&)>& visit,
                       const std::function<Status(const SnapshotId&, const Error&)>& unreadable) {
  return visit_all(
      repository,
      [&](const CachedHeader& found) -> Result<bool> {
        const auto header = decode_header(found.header, found.id);
        if (!header) return false;
        PLK_TRY(visit(*header));
        return true;
      },
      unreadable);
}

Result<std::vector<SnapshotTime>> load_snapshot_times(
    Repository& repository,
    const std::function<Status(const SnapshotId&, const Error&)>& unreadable) {
  std::vector<SnapshotTime> times;
  PLK_TRY(visit_all(
      repository,
      [&](const CachedHeader& found) -> Result<bool> {
        times.push_back({.id = found.id, .timestamp = found.timestamp});
        return true;
      },
      unreadable));
  return times;
}

Result<std::optional<SnapshotId>> find_newest_snapshot(Repository& repository,
                                                       const Importer& importer) {
  const std::uint64_t number = importer_number(repository, importer);
  std::optional<SnapshotId> newest;
  UnixTime timestamp;
  PLK_TRY(visit_all(
      repository,
      [&](const CachedHeader& found) -> Result<bool> {
        if (found.importer == number && (!newest || found.timestamp > timestamp)) {
          newest = found.id;
          timestamp = found.timestamp;
        }
        return true;
      },
      [](const SnapshotId&, const Error&) { return Status(); }));
  return newest;
}

}  // namespace plakar::kloset
