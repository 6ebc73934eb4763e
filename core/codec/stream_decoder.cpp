#include "core/codec/stream_decoder.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/base/error.h"

namespace plakar::codec {
namespace {

constexpr std::size_t first_size = std::size_t{16} << 10;

enum class Filled : std::uint8_t { all_input_used, output_full };

// Goes on at `out[size]` until there is no more input or no more room.
Result<Filled> fill(StreamDecoder& decoder, BytesView& stream, std::span<std::byte> out,
                    std::size_t& size) {
  while (size < out.size()) {
    const auto progress = PLK_TRY(decoder.decode(stream, out.subspan(size)));
    if (progress.consumed == 0 && progress.produced == 0 && !stream.empty()) {
      return Error(Errc::corrupt, "the stream does not go on");
    }
    stream = stream.subspan(progress.consumed);
    size += progress.produced;
    if (stream.empty() && size < out.size()) return Filled::all_input_used;
  }
  return Filled::output_full;
}

// After the last byte that may come: a room of one byte tells the end from one too many.
Status expect_end(StreamDecoder& decoder, BytesView stream) {
  std::array<std::byte, 1> room;
  std::size_t size = 0;
  if (PLK_TRY(fill(decoder, stream, room, size)) == Filled::output_full) {
    return Error(Errc::corrupt, "more plaintext than expected");
  }
  return decoder.finish();
}

}  // namespace

Result<std::size_t> decode_into(StreamDecoder& decoder, BytesView stream,
                                std::span<std::byte> out) {
  std::size_t size = 0;
  if (PLK_TRY(fill(decoder, stream, out, size)) == Filled::all_input_used) {
    PLK_TRY(decoder.finish());
  } else {
    PLK_TRY(expect_end(decoder, stream));
  }
  return size;
}

Result<Bytes> decode_all(StreamDecoder& decoder, BytesView stream, std::size_t size_max) {
  Bytes plain(std::min(size_max, std::max(first_size, stream.size())));
  std::size_t size = 0;
  while (PLK_TRY(fill(decoder, stream, plain, size)) == Filled::output_full) {
    if (size == size_max) {
      PLK_TRY(expect_end(decoder, stream));
      return plain;
    }
    plain.resize(size + std::min(size, size_max - size));
  }
  PLK_TRY(decoder.finish());
  plain.resize(size);
  return plain;
}

}  // namespace plakar::codec
