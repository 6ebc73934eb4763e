#include "core/ops/internal/sound_blobs.h"

#include <algorithm>
#include <new>
#include <string>

#include "core/kloset/chunking/chunker.h"

namespace plakar::ops {

using kloset::ResourceType;

SeenObjects::SeenObjects()
    : slots_(static_cast<std::uint64_t*>(std::calloc(slot_count, sizeof(std::uint64_t)))) {
  if (slots_ == nullptr) throw std::bad_alloc();
}

void SeenObjects::clear() noexcept { std::fill_n(slots_.get(), slot_count, 0); }

Status check_object(const kloset::Object& object) {
  for (const kloset::ChunkRef& chunk : object.chunks) {
    if (chunk.length <= kloset::chunk_size_limit) continue;
    return Error(Errc::corrupt, "a chunk of " + std::to_string(chunk.length) + " bytes");
  }
  if (object.chunks.size() == 1 && object.chunks.front().content != object.content) {
    return Error(Errc::corrupt, "its only chunk is not its content");
  }
  return {};
}

void SoundBlobs::doubt(const PackfileMac& packfile, ResourceType type, const Mac& blob) {
  const std::lock_guard guard(mutex_);
  in_doubt_ = true;
  if (blobs_.size() < blobs_in_doubt_max) {
    blobs_.insert({.packfile = packfile, .type = type, .blob = blob});
  } else {
    packfiles_.insert(packfile);
  }
}

void SoundBlobs::doubt(const PackfileMac& packfile) {
  const std::lock_guard guard(mutex_);
  in_doubt_ = true;
  packfiles_.insert(packfile);
}

Status SoundBlobs::confirm(ResourceType type, const Mac& blob, std::size_t plain_size_max) {
  if (!in_doubt_) {
    if (repository_.has(type, blob)) return {};
  } else {
    for (const kloset::BlobLocation& at : repository_.index().find_all(type, blob)) {
      if (everything_ || packfiles_.contains(at.packfile)) continue;
      if (blobs_.contains({.packfile = at.packfile, .type = type, .blob = blob})) continue;
      return {};
    }
    const std::lock_guard guard(mutex_);
    const auto known = known_damages_.find(blob);
    if (known != known_damages_.end()) return Error(known->second);
  }
  Status loaded = repository_.load(type, blob, plain_size_max).map([](const Bytes&) {});
  if (!loaded && loaded.error().code() != Errc::cancelled) {
    const std::lock_guard guard(mutex_);
    if (known_damages_.size() < known_damages_max) known_damages_.emplace(blob, loaded.error());
  }
  return loaded;
}

std::optional<PackfileMac> SoundBlobs::packfile_of(ResourceType type, const Mac& blob) const {
  const auto found = repository_.index().find(type, blob);
  return found ? std::optional(found->packfile) : std::nullopt;
}

}  // namespace plakar::ops
