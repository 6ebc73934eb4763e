// Decompression piece by piece, in memory that does not depend on the size of the data: for
// states of large stores and for archives. Blobs, which fit in memory, are decoded whole by
// the functions of lz4.h, gzip.h and zstd.h.
#pragma once

#include <cstddef>
#include <span>

#include "core/base/bytes.h"
#include "core/base/result.h"

namespace plakar::codec {

// Used by one thread at a time. After an error only `reset` makes it useful again.
//
//   for (BytesView in = piece;;) {
//     const auto progress = PLK_TRY(decoder.decode(in, out));
//     in = in.subspan(progress.consumed);
//     use(out.first(progress.produced));
//     if (in.empty() && progress.produced < out.size()) break;  // to the next piece
//   }
//   ...
//   PLK_TRY(decoder.finish());  // after the last piece
class StreamDecoder {
 public:
  struct Progress {
    std::size_t consumed = 0;
    std::size_t produced = 0;
  };

  virtual ~StreamDecoder() = default;

  // Decodes from the front of `in` to the front of `out` until either is used up. `out` is
  // not empty. Errc::corrupt and Errc::unsupported as where the format is decoded whole;
  // what an earlier call produced has been checked only as far as the format allows.
  virtual Result<Progress> decode(BytesView in, std::span<std::byte> out) = 0;

  // Errc::corrupt if the input so far is not a complete stream.
  virtual Status finish() = 0;

  // Makes it as new, but keeps the memory it works in.
  virtual void reset() = 0;
};

// Decodes all of `stream` into `out` and returns the size. More than `out` holds is
// Errc::corrupt, and so is a decoder that has input and room and makes no use of either.
Result<std::size_t> decode_into(StreamDecoder& decoder, BytesView stream, std::span<std::byte> out);

// The same into memory of its own, which grows with what comes out, never with what a
// header promises.
Result<Bytes> decode_all(StreamDecoder& decoder, BytesView stream, std::size_t size_max);

}  // namespace plakar::codec
