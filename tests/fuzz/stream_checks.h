// What must hold for any stream decoder and any input: whole or in pieces, into memory that
// grows or that is given, the outcome is the same; and every plaintext survives.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <span>

#include "core/codec/compression.h"

namespace plakar::fuzz {

inline constexpr std::size_t plain_size_max = std::size_t{256} << 10;

inline void require(bool holds) {
  if (!holds) std::abort();
}

// The plaintext from pieces of the input, whose sizes differ.
inline Result<Bytes> decode_pieces(codec::StreamDecoder& decoder, BytesView input) {
  static Bytes out(1'000);
  Bytes plain;
  for (std::size_t size = 1; !input.empty(); size = size * 5 % 257) {
    BytesView piece = input.first(std::min(size, input.size()));
    input = input.subspan(piece.size());
    for (;;) {
      const auto progress = PLK_TRY(decoder.decode(piece, out));
      piece = piece.subspan(progress.consumed);
      append(plain, BytesView(out).first(progress.produced));
      if (plain.size() > plain_size_max) return Error(Errc::corrupt, "too long");
      if (piece.empty() && progress.produced < out.size()) break;
    }
  }
  PLK_TRY(decoder.finish());
  return plain;
}

// Whether an input is refused always or never. libzstd has two paths, chosen by how much it
// has of input and room, and each lets pass what the other does not: an empty block in a
// frame without window, and a wrong content size before an empty last block.
enum class Refusal { always_or_never, by_path };

inline void check_as_stream(codec::StreamDecoder& decoder, BytesView input, Refusal refusal) {
  decoder.reset();
  const auto grown = codec::decode_all(decoder, input, plain_size_max);

  static Bytes fixed(plain_size_max);
  decoder.reset();
  const auto size = codec::decode_into(decoder, input, fixed);
  if (size && grown) require(std::ranges::equal(BytesView(fixed).first(*size), *grown));

  decoder.reset();
  const auto pieces = decode_pieces(decoder, input);
  if (pieces && grown) require(*pieces == *grown);

  if (refusal == Refusal::always_or_never) {
    require(size.has_value() == grown.has_value());
    require(pieces.has_value() == grown.has_value());
  }
}

inline void check_as_plaintext(codec::Compressor& compressor, codec::Decompressor& decompressor,
                               BytesView input) {
  Bytes unit(compressor.bound(input.size()));
  unit.resize(compressor.compress(input, unit));
  const auto plain = decompressor.decompress(unit, input.size());
  require(plain.has_value() && std::ranges::equal(*plain, input));
}

// The body of the fuzzers of single formats.
inline void check_format(codec::Compression algorithm, BytesView input) {
  static const auto decoder = codec::make_stream_decoder(algorithm);
  static codec::Compressor compressor(algorithm, {.level = 1});
  static codec::Decompressor decompressor(algorithm);
  check_as_stream(
      *decoder, input,
      algorithm == codec::Compression::zstd ? Refusal::by_path : Refusal::always_or_never);
  check_as_plaintext(compressor, decompressor, input);
}

}  // namespace plakar::fuzz
