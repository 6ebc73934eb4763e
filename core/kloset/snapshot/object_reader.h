// Reads the content of an object: a file, a directory listing, the value of an attribute. Each
// chunk is checked when it is loaded, and has to have the length that the object says.
//
// Not thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/kloset/blob_source.h"
#include "core/kloset/format/object.h"
#include "core/kloset/source.h"

namespace plakar::kloset {

class ObjectReader final : public ContentReader {
 public:
  // `blobs` outlives the reader.
  static Result<ObjectReader> open(BlobSource& blobs, const Mac& object);

  std::uint64_t size() const noexcept { return chunks_.back().end; }
  // What the object says is the MAC of the whole content. Chunks are checked one by one, and
  // which they are by the object's own MAC; who wants to know more computes it.
  const Mac& content() const noexcept { return content_; }

  // The next chunk, whole; false at the end. After an error, here as in read(), `chunk` is as it
  // was, and the reader where it was: the same again is another attempt, and seek() leads past it.
  Result<bool> next_chunk(Bytes& chunk);

  Result<std::size_t> read(std::span<std::byte> out) override;
  // read() goes on at `offset`; behind the end there is nothing.
  void seek(std::uint64_t offset) noexcept;

 private:
  struct Chunk {
    Mac mac;
    std::uint64_t end;  // of it, in the content
  };

  ObjectReader(BlobSource& blobs, std::vector<Chunk> chunks, const Mac& content)
      : blobs_(&blobs), chunks_(std::move(chunks)), content_(content) {}

  std::uint64_t begin_of(std::size_t chunk) const noexcept {
    return chunk == 0 ? 0 : chunks_[chunk - 1].end;
  }

  BlobSource* blobs_;
  std::vector<Chunk> chunks_;  // at least one
  Mac content_;
  std::size_t next_ = 0;
  Bytes current_;
  std::size_t current_at_ = 0;
  std::size_t skip_ = 0;  // of the next chunk
};

// The whole content, of at most `size_max` bytes; more is Errc::corrupt.
Result<Bytes> load_object_content(BlobSource& blobs, const Mac& object, std::uint64_t size_max);

}  // namespace plakar::kloset
