// Zstandard frames (RFC 8878): the compression of newer stores and of packages. Written as
// one frame with the size and a checksum of its content.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/codec/stream_decoder.h"

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace plakar::codec {

inline constexpr int zstd_level_default = 3;  // of 1 to 19

// The largest frame that `plain_size` bytes can become.
std::size_t zstd_compress_bound(std::size_t plain_size) noexcept;

// Owns the memory that compression works in, a megabyte and more with the level, to be kept
// and used again. Each thread has its own.
class ZstdCompressor {
 public:
  // Precondition: a level from 1 to 19.
  explicit ZstdCompressor(int level = zstd_level_default);

  // Writes `plain` as one frame to the front of `out` and returns its size. Precondition:
  // `out` has zstd_compress_bound(plain.size()) bytes and does not overlap `plain`.
  std::size_t compress(BytesView plain, std::span<std::byte> out);

 private:
  struct FreeContext {
    void operator()(ZSTD_CCtx_s* context) const noexcept;
  };

  std::unique_ptr<ZSTD_CCtx_s, FreeContext> context_;
};

// Decodes all frames of a stream, skippable ones included; no frame at all is Errc::corrupt.
// A frame that makes its reader keep more than 32 MiB is Errc::unsupported, and so are the
// formats before zstd 0.8, which the library may still read with decoders of that time.
class ZstdDecoder final : public StreamDecoder {
 public:
  ZstdDecoder();

  Result<Progress> decode(BytesView in, std::span<std::byte> out) override;
  Status finish() override;
  void reset() override;

 private:
  struct FreeContext {
    void operator()(ZSTD_DCtx_s* context) const noexcept;
  };

  // How much of `rest` the library may see next.
  Result<BytesView> next_offer(BytesView rest);

  std::unique_ptr<ZSTD_DCtx_s, FreeContext> context_;
  std::uint32_t magic_ = 0;      // of the frame under way, as far as known
  std::size_t header_size_ = 0;  // bytes of it passed on; 0 between frames
  bool has_frame_ = false;       // one has ended
};

// Decodes a whole stream into memory of its own. More than `plain_size_max` bytes are
// Errc::corrupt.
Result<Bytes> zstd_decompress(BytesView stream, std::size_t plain_size_max);

}  // namespace plakar::codec
