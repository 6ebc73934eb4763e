// The compression layer of a store: which algorithm its CONFIG names, and how to apply and
// undo it without asking again. Compression comes before encryption, one unit (blob, index,
// footer, state, lock) at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/codec/lz4.h"
#include "core/codec/stream_decoder.h"

namespace plakar::codec {

enum class Compression : std::uint8_t { none, lz4, gzip, zstd };

// The algorithm with this exact name: "LZ4", "GZIP" or "ZSTD". Anything else is
// Errc::unsupported, "none" too: a store says "not compressed" by having no compression
// settings at all, and a name we do not know must never be read as that.
Result<Compression> compression_from_name(std::string_view name);

// The recorded name; empty for `none`.
std::string_view compression_name(Compression compression) noexcept;

struct CompressionOptions {
  int level = 0;                               // gzip 1 to 9, zstd 1 to 19; 0: the default
  Lz4Checksum lz4_checksum = Lz4Checksum::on;  // of the content, in the frames it writes
};

// Compresses one unit after the other in memory that it keeps. Each thread has its own.
// There is nothing that can fail. A moved-from object may only be assigned to or destroyed.
class Compressor {
 public:
  // Precondition: a level that the algorithm has.
  explicit Compressor(Compression algorithm, CompressionOptions options = {});
  ~Compressor();
  Compressor(Compressor&&) noexcept;
  Compressor& operator=(Compressor&&) noexcept;

  // The largest that `plain_size` bytes can become.
  std::size_t bound(std::size_t plain_size) const noexcept;

  // Writes the compressed form of `plain` to the front of `out` and returns its size.
  // Precondition: `out` has bound(plain.size()) bytes and does not overlap `plain`.
  std::size_t compress(BytesView plain, std::span<std::byte> out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Undoes it. Each thread has its own; an error does not affect the units after it. A moved-from
// object may only be assigned to or destroyed.
class Decompressor {
 public:
  // With Lz4Checksum::off the checksum of an LZ4 frame's content is not verified: for
  // plaintext whose MAC is verified next.
  explicit Decompressor(Compression algorithm, Lz4Checksum lz4_checksum = Lz4Checksum::on);

  // Decodes all of `unit` into `out` and returns the size. Errc::corrupt: malformed, truncated,
  // bytes too many, a wrong checksum, or more plaintext than `out` holds; then `out` has
  // undefined content. Errc::unsupported: a variant of the format that we do not have.
  Result<std::size_t> decompress(BytesView unit, std::span<std::byte> out);

  // The same into memory of its own, at most `plain_size_max` bytes.
  Result<Bytes> decompress(BytesView unit, std::size_t plain_size_max);

 private:
  Compression algorithm_;
  Lz4Checksum lz4_checksum_;
  std::unique_ptr<StreamDecoder> decoder_;  // of gzip and zstd
};

// For units too large to be held whole.
std::unique_ptr<StreamDecoder> make_stream_decoder(Compression algorithm);

}  // namespace plakar::codec
