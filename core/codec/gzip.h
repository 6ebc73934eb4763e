// gzip streams (RFC 1952): the other compression of stores, and what many a web server and
// archive speaks. Written as one member with the header that the reference writes: no name,
// no time, "unknown" as the operating system, so that equal input gives equal bytes.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/codec/stream_decoder.h"

namespace plakar::codec {

inline constexpr int gzip_level_default = 6;  // of 1 to 9, as in the reference

// The largest stream that `plain_size` bytes can become.
std::size_t gzip_compress_bound(std::size_t plain_size) noexcept;

// Owns the 256 KiB that compression works in, to be kept and used again. Each thread has its
// own.
class GzipCompressor {
 public:
  // Precondition: a level from 1 to 9.
  explicit GzipCompressor(int level = gzip_level_default);

  // Writes `plain` as one stream to the front of `out` and returns its size. Precondition:
  // `out` has gzip_compress_bound(plain.size()) bytes and does not overlap `plain`.
  std::size_t compress(BytesView plain, std::span<std::byte> out);

 private:
  struct State;
  struct FreeState {
    void operator()(State* state) const noexcept;
  };

  std::unique_ptr<State, FreeState> state_;
};

// Decodes all members of a stream. Errc::corrupt: no member, a malformed or truncated one, a
// wrong checksum or length, or bytes behind a member that do not begin another.
class GzipDecoder final : public StreamDecoder {
 public:
  GzipDecoder();

  Result<Progress> decode(BytesView in, std::span<std::byte> out) override;
  Status finish() override;
  void reset() override;

 private:
  struct State;
  struct FreeState {
    void operator()(State* state) const noexcept;
  };

  std::unique_ptr<State, FreeState> state_;
  bool between_members_ = false;  // also after the last one
};

// Decodes a whole stream into memory of its own. More than `plain_size_max` bytes are
// Errc::corrupt.
Result<Bytes> gzip_decompress(BytesView stream, std::size_t plain_size_max);

}  // namespace plakar::codec
