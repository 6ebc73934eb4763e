#include "core/kloset/snapshot/object_reader.h"

#include <algorithm>
#include <utility>

#include "core/kloset/chunking/chunker.h"

namespace plakar::kloset {

Result<ObjectReader> ObjectReader::open(BlobSource& blobs, const Mac& object) {
  const Bytes bytes = PLK_TRY(blobs.load(ResourceType::object, object, object_size_max));
  const std::string doing = "read object " + object.short_hex();
  const Object decoded = PLK_TRY_CONTEXT(decode_object(bytes), doing);
  std::vector<Chunk> chunks;
  chunks.reserve(decoded.chunks.size());
  std::uint64_t end = 0;
  for (const ChunkRef& chunk : decoded.chunks) {
    if (chunk.length > chunk_size_limit) {
      return Error(Errc::corrupt,
                   doing + ": a chunk of " + std::to_string(chunk.length) + " bytes");
    }
    end += chunk.length;
    chunks.push_back({.mac = chunk.content, .end = end});
  }
  return ObjectReader(blobs, std::move(chunks), decoded.content);
}

Result<bool> ObjectReader::next_chunk(Bytes& chunk) {
  if (next_ == chunks_.size()) return false;
  const Mac& wanted = chunks_[next_].mac;
  const auto length = static_cast<std::size_t>(chunks_[next_].end - begin_of(next_));
  Bytes loaded = PLK_TRY(blobs_->load(ResourceType::chunk, wanted, length));
  if (loaded.size() != length) {
    return Error(Errc::corrupt, "chunk " + wanted.short_hex() + " has " +
                                    std::to_string(loaded.size()) + " bytes instead of " +
                                    std::to_string(length));
  }
  chunk = std::move(loaded);
  ++next_;
  skip_ = 0;
  return true;
}

Result<std::size_t> ObjectReader::read(std::span<std::byte> out) {
  while (current_at_ == current_.size()) {
    const std::size_t skip = skip_;
    if (!PLK_TRY(next_chunk(current_))) return std::size_t{0};
    current_at_ = skip;
  }
  const std::size_t got = std::min(out.size(), current_.size() - current_at_);
  std::copy_n(current_.begin() + static_cast<std::ptrdiff_t>(current_at_), got, out.begin());
  current_at_ += got;
  return got;
}

void ObjectReader::seek(std::uint64_t offset) noexcept {
  current_.clear();
  current_at_ = 0;
  const auto chunk =
      std::upper_bound(chunks_.begin(), chunks_.end(), offset,
                       [](std::uint64_t wanted, const Chunk& one) { return wanted < one.end; });
  next_ = static_cast<std::size_t>(chunk - chunks_.begin());
  skip_ = chunk == chunks_.end() ? 0 : static_cast<std::size_t>(offset - begin_of(next_));
}

Result<Bytes> load_object_content(BlobSource& blobs, const Mac& object, std::uint64_t size_max) {
  ObjectReader reader = PLK_TRY(ObjectReader::open(blobs, object));
  if (reader.size() > size_max) {
    return Error(Errc::corrupt, "object " + object.short_hex() + " has " +
                                    std::to_string(reader.size()) + " bytes; at most " +
                                    std::to_string(size_max) + " are believable");
  }
  Bytes content;
  content.reserve(reader.size());
  for (Bytes chunk; PLK_TRY(reader.next_chunk(chunk));) append(content, chunk);
  return content;
}

}  // namespace plakar::kloset
