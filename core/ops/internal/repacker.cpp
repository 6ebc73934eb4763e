#include "core/ops/internal/repacker.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "core/base/clock.h"
#include "core/kloset/repository/packfile_reader.h"
#include "core/ops/internal/deletions.h"
#include "core/ops/internal/read_blob.h"

namespace plakar::ops {
namespace {

using kloset::ResourceType;

constexpr std::size_t pending_locations_max = 100'000;
constexpr std::size_t verify_buffer_size = 1u << 20;

}  // namespace

Repacker::Repacker(kloset::Repository& repository, const LiveSet& live,
                   const std::unordered_set<PackfileMac>& victims, std::uint64_t live_count,
                   Guard guard)
    : repository_(&repository),
      live_(&live),
      victims_(&victims),
      guard_(std::move(guard)),
      copied_(live_count) {}

Status Repacker::add(const PackfileMac& packfile, std::uint64_t live_blobs) {
  std::vector<kloset::PackfileRecord> wanted;
  {
    const auto codec = PLK_TRY(repository_->codec());
    kloset::PackfileContents contents =
        PLK_TRY(kloset::read_packfile(repository_->store(), packfile, *codec, repository_->keys()));
    wanted = std::move(contents.records);
  }
  std::erase_if(wanted, [&](const kloset::PackfileRecord& record) {
    return record.type == ResourceType::random || !live_->contains(record.type, record.mac) ||
           !is_named(packfile, record);
  });
  if (wanted.size() != live_blobs) {
    return Error(Errc::corrupt, "its index does not say what the states say");
  }
  // Headers have no MAC of their own; what guards them is that of the packfile.
  const bool has_unnamed = std::any_of(wanted.begin(), wanted.end(), [](const auto& record) {
    return !kloset::is_named_by_mac(record.type);
  });
  if (has_unnamed) {
    Bytes buffer(verify_buffer_size);
    PLK_TRY(kloset::verify_packfile(repository_->store(), packfile, repository_->keys(), buffer));
  }
  std::sort(wanted.begin(), wanted.end(),
            [](const auto& a, const auto& b) { return a.offset < b.offset; });
  for (const kloset::PackfileRecord& record : wanted) {
    PLK_TRY(guard_());
    const bool is_copied =
        copied_.contains(record.type, record.mac) || PLK_TRY(is_elsewhere(record.type, record.mac));
    if (!is_copied) {
      const Bytes encoded = PLK_TRY(read_good_blob(
          *repository_,
          {.type = record.type,
           .mac = record.mac,
           .location = {.packfile = packfile, .offset = record.offset, .length = record.length}}));
      PLK_TRY(append(record.type, record.mac, encoded));
      copied_.insert(record.type, record.mac);
    }
    if (record.type == ResourceType::snapshot) {
      moved_.emplace_back(
          kloset::DeletedLocation{.type = record.type, .blob = record.mac, .packfile = packfile});
    }
  }
  return {};
}

bool Repacker::is_named(const PackfileMac& packfile, const kloset::PackfileRecord& record) const {
  for (const kloset::BlobLocation& location :
       repository_->index().find_all(record.type, record.mac)) {
    if (location.packfile == packfile) {
      return location.offset == record.offset && location.length == record.length;
    }
  }
  return false;
}

// After a run that was cut off, say, whose copies were published and whose originals are still
// there.
Result<bool> Repacker::is_elsewhere(ResourceType type, const Mac& mac) {
  return has_good_blob(*repository_, type, mac, [this](const PackfileMac& packfile) {
    return !victims_->contains(packfile);
  });
}

Status Repacker::append(ResourceType type, const Mac& mac, BytesView encoded) {
  const bool is_data = type == ResourceType::chunk || type == ResourceType::object;
  std::optional<kloset::PackfileWriter>& writer = is_data ? data_ : metadata_;
  const std::uint64_t size_max = repository_->config().packfile.size_max;
  if (!writer) {
    const Env& env = repository_->env();
    writer = PLK_TRY(kloset::PackfileWriter::start(repository_->store(), repository_->keys(),
                                                   env.random, env.clock.wall(), size_max));
  }
  PLK_TRY(writer->append(type, mac, encoded));
  if (writer->blob_bytes() <= size_max) return {};
  return seal(writer);
}

Status Repacker::seal(std::optional<kloset::PackfileWriter>& writer) {
  if (!writer) return {};
  const auto codec = PLK_TRY(repository_->codec());
  kloset::SealedPackfile sealed = PLK_TRY(std::move(*writer).seal(*codec));
  writer.reset();
  ++packfiles_written_;
  bytes_written_ += sealed.size;
  pending_locations_ += sealed.records.size();
  pending_.push_back(std::move(sealed));
  return pending_locations_ < pending_locations_max ? Status() : publish({});
}

Status Repacker::finish() {
  PLK_TRY(seal(data_));
  PLK_TRY(seal(metadata_));
  // All copies are in states by then, or in this one.
  return publish(moved_);
}

Status Repacker::publish(const std::vector<kloset::StateEntry>& moved) {
  if (pending_.empty() && moved.empty()) return {};
  const auto id = kloset::StateId::random(repository_->env().random);
  std::vector<kloset::StateEntry> entries = moved;
  for (const kloset::SealedPackfile& packfile : pending_) {
    for (const kloset::PackfileRecord& record : packfile.records) {
      entries.emplace_back(kloset::LocationEntry{.type = record.type,
                                                 .version = record.version,
                                                 .blob = record.mac,
                                                 .packfile = packfile.mac,
                                                 .offset = record.offset,
                                                 .length = record.length,
                                                 .flags = 0});
    }
  }
  for (const kloset::SealedPackfile& packfile : pending_) {
    entries.emplace_back(kloset::PackfileEntry{
        .packfile = packfile.mac, .state = id, .time_ns = packfile.timestamp_ns});
  }
  PLK_TRY_CONTEXT(publish_in_order(*repository_, id, entries, guard_),
                  "publish state " + id.short_hex());
  pending_.clear();
  pending_locations_ = 0;
  return {};
}

}  // namespace plakar::ops
