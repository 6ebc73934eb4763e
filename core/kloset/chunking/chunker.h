// Where a stream of bytes is cut into chunks: FastCDC with the parameters that a store's
// configuration names. Deduplication between backups, and with stores written by genuine
// Plakar, depends on every boundary being where the format says; a reader never re-chunks.
//
// A chunk is between `size_min` and `size_max` bytes, the last one of a stream may be
// shorter, and an empty stream is one empty chunk. The first `size_min` bytes of a chunk are not
// looked at: that is where the speed comes from.
//
// Immutable after create(); safe from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "core/base/bytes.h"
#include "core/base/result.h"

namespace plakar::kloset {

// As recorded in the store's configuration, where a size of 0 means 2048, 8192 or 65536.
struct ChunkingParams {
  std::string algorithm;
  std::uint32_t size_min = 0;
  std::uint32_t size_normal = 0;
  std::uint32_t size_max = 0;
};

// What new stores get.
inline ChunkingParams default_chunking() {
  return {.algorithm = "fastcdc-v1.0.0",
          .size_min = 512 * 1024,
          .size_normal = 1024 * 1024,
          .size_max = 8 * 1024 * 1024};
}

class Chunker {
 public:
  // Errc::unsupported for an algorithm we cannot cut with: its stores can be read, not
  // written. Errc::corrupt for sizes that are not min < normal < max within
  // chunk_size_limit.
  static Result<Chunker> create(const ChunkingParams& params);

  // The length of the chunk at the beginning of `data`, which is everything that is left
  // of the stream or at least `size_max` bytes of it. 0 only for empty `data`.
  std::size_t cut(BytesView data) const noexcept;

  // Finds the end of one chunk while its bytes come in.
  class Cut {
   public:
    explicit Cut(const Chunker& chunker) noexcept : chunker_(&chunker) {}

    // `bytes` is everything from the beginning of the chunk on, what was shown before included.
    // The length of the chunk; nothing while it may go on behind `bytes`, and does unless the
    // stream ends there. Once there is an answer it must not be asked again.
    std::optional<std::size_t> find(BytesView bytes) noexcept;

   private:
    const Chunker* chunker_;
    std::size_t seen_ = 0;
    std::uint64_t fingerprint_ = 0;
  };

  std::size_t size_min() const noexcept { return size_min_; }
  std::size_t size_max() const noexcept { return size_max_; }

 private:
  Chunker() = default;

  std::size_t size_min_ = 0;
  std::size_t size_normal_ = 0;
  std::size_t size_max_ = 0;
  std::uint64_t mask_small_ = 0;  // before size_normal: harder to meet
  std::uint64_t mask_large_ = 0;  // from there on: easier
};

// The largest `size_max` we accept: a chunk is held in memory whole.
inline constexpr std::uint32_t chunk_size_limit = 256 * 1024 * 1024;

}  // namespace plakar::kloset
