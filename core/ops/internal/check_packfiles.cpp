#include "core/ops/internal/check_packfiles.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/kloset/format/object.h"
#include "core/kloset/repository/packfile_reader.h"
#include "core/kloset/repository/packfile_scanner.h"

namespace plakar::ops {
namespace {

using kloset::PackfileRecord;
using kloset::ResourceType;

// Of one packfile so many blobs are named; the others are counted.
constexpr std::size_t blobs_named_max = 100;

// What the states, or a packfile's own index, say of its blobs: a sum that does not depend on
// their order.
struct Fingerprint {
  std::uint64_t count = 0;
  std::uint64_t sum = 0;

  void add(ResourceType type, const Mac& mac, std::uint64_t offset, std::uint32_t length) {
    // Where a snapshot was removed and came back, states forget where its first header was.
    if (type == ResourceType::snapshot) return;
    ++count;
    sum += std::hash<Mac>()(mac) * 31 + offset * 7 + length * 3 + static_cast<unsigned>(type);
  }
  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};

struct Known {
  Fingerprint blobs;
  std::uint64_t size = 0;  // at least
};
using KnownPackfiles = std::unordered_map<PackfileMac, Known>;

Result<KnownPackfiles> load_known(const kloset::StateIndex& index) {
  KnownPackfiles known;
  PLK_TRY(index.for_each_packfile([&](const kloset::PackfileEntry& entry) -> Status {
    // Nobody sees what is in it any more, and it may be gone any time.
    const bool is_deleted =
        index.find_colour(ResourceType::packfile, Mac{.bytes = entry.packfile.bytes}).has_value();
    if (!is_deleted) known.try_emplace(entry.packfile);
    return {};
  }));
  PLK_TRY(index.for_each_location([&](const kloset::LocationEntry& entry) -> Status {
    const auto found = known.find(entry.packfile);
    if (found == known.end()) return {};
    found->second.blobs.add(entry.type, entry.blob, entry.offset, entry.length);
    found->second.size = std::max(found->second.size, entry.offset + entry.length);
    return {};
  }));
  return known;
}

class PackfileCheck {
 public:
  PackfileCheck(kloset::Repository& repository, CheckDepth depth, flow::ThreadPool& pool,
                CheckLog& log, SoundBlobs& sound, const flow::CancelToken& cancel)
      : repository_(repository),
        depth_(depth),
        log_(log),
        sound_(sound),
        cancel_(cancel),
        scanner_(repository, pool) {}

  Status run() {
    // Not with PLK_TRY: g++ 12 takes what that destroys for something never allocated.
    const auto loaded = load_known(repository_.index());
    if (!loaded) return Error(loaded.error());
    const KnownPackfiles& known = *loaded;
    std::uint64_t bytes = 0;
    for (const auto& [mac, packfile] : known) bytes += packfile.size;
    if (depth_ == CheckDepth::full) log_.expect_bytes(bytes);
    const auto codec = PLK_TRY(repository_.codec());
    for (const auto& [mac, packfile] : known) {
      PLK_TRY(cancel_.check());
      log_.add_packfile();
      PLK_TRY(check_one(mac, packfile, *codec));
    }
    return {};
  }

 private:
  void damage(const PackfileMac& mac, std::string what) {
    log_.damage({.snapshot = {},
                 .where = "packfile " + mac.short_hex(),
                 .what = std::move(what),
                 .packfile = mac});
  }

  Status check_one(const PackfileMac& mac, const Known& known, kloset::BlobCodec& codec) {
    auto contents = kloset::read_packfile(repository_.store(), mac, codec, repository_.keys());
    if (!contents) {
      if (contents.error().code() == Errc::cancelled) return std::move(contents).error();
      sound_.doubt(mac);
      damage(mac, contents.error().message());
      return {};
    }
    Fingerprint found;
    for (const PackfileRecord& record : contents->records) {
      found.add(record.type, record.mac, record.offset, record.length);
    }
    if (found != known.blobs) {
      // What is read below is what the index says, and not what the states say.
      sound_.doubt(mac);
      damage(mac, "its index does not say what the states say");
    }
    return depth_ == CheckDepth::full ? scan(mac, *contents) : Status();
  }

  Status scan(const PackfileMac& mac, const kloset::PackfileContents& contents) {
    std::size_t wanted = 0;
    std::string headers;
    for (const PackfileRecord& record : contents.records) {
      wanted += record.type == ResourceType::random ? 0 : 1;
      if (record.type == ResourceType::snapshot) {
        headers += "; the header of snapshot " + record.mac.short_hex() + " is in it";
      }
    }
    std::atomic<std::size_t> seen = 0;
    std::atomic<std::size_t> bad = 0;
    const auto blob = [&](const PackfileRecord& record, const Result<BytesView>& plain) -> Status {
      ++seen;
      if (plain) {
        if (record.type == ResourceType::object) note_object(record.mac, *plain);
        return {};
      }
      sound_.doubt(mac, record.type, record.mac);
      if (++bad <= blobs_named_max) {
        damage(mac, to_name(record.type) + " " + record.mac.short_hex() + ": " +
                        plain.error().message());
      }
      return {};
    };
    const auto progress = [&](std::uint64_t bytes) { log_.add_bytes(bytes); };
    const Status scanned =
        scanner_.scan(mac, contents, {.blob = blob, .progress = progress}, cancel_);
    if (!scanned && scanned.error().code() == Errc::cancelled) return scanned;
    if (bad > blobs_named_max) {
      damage(mac, std::to_string(bad - blobs_named_max) + " more of its blobs are damaged");
    }
    if (seen < wanted) sound_.doubt(mac);  // It was not read to its end.
    // A header has no MAC but that of the packfile; other blobs have been named.
    const bool is_explained = bad > 0 && seen == wanted && headers.empty();
    if (!scanned && !is_explained) damage(mac, scanned.error().message() + headers);
    return {};
  }

  // While its bytes are here: a sound object all of whose chunks are in the store, so that it need
  // not be read again. That the chunks are sound, too, holds if nothing turns out to be in doubt.
  void note_object(const Mac& mac, BytesView plain) {
    const auto object = kloset::decode_object(plain);
    if (!object || !check_object(*object)) return;
    for (const kloset::ChunkRef& chunk : object->chunks) {
      if (!repository_.has(ResourceType::chunk, chunk.content)) return;
    }
    sound_.seen_objects().add(mac, object->size());
  }

  kloset::Repository& repository_;
  const CheckDepth depth_;
  CheckLog& log_;
  SoundBlobs& sound_;
  const flow::CancelToken& cancel_;
  kloset::PackfileScanner scanner_;
};

}  // namespace

Status check_packfiles(kloset::Repository& repository, CheckDepth depth, flow::ThreadPool& pool,
                       CheckLog& log, SoundBlobs& sound, const flow::CancelToken& cancel) {
  return PackfileCheck(repository, depth, pool, log, sound, cancel).run();
}

}  // namespace plakar::ops
