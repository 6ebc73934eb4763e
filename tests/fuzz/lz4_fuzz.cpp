// Any bytes as LZ4 frames, and as plaintext. What we decode the decoder of liblz4 decodes to
// the same bytes, and the reverse; and every plaintext survives.
#include <lz4frame.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/codec/lz4.h"
#include "core/codec/lz4_decoder.h"
#include "tests/fuzz/stream_checks.h"

namespace plakar {
namespace {

using fuzz::plain_size_max;
using fuzz::require;

// What liblz4 makes of all frames of the input, until the next call; nothing if it refuses
// or they do not end.
std::optional<BytesView> decoded_by_library(BytesView frames) {
  LZ4F_dctx* context = nullptr;
  require(!LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)));
  static Bytes plain(plain_size_max);
  std::size_t size = 0;
  std::size_t hint = 0;
  while (!frames.empty() || hint != 0) {
    std::size_t produced = plain.size() - size;
    std::size_t consumed = frames.size();
    hint =
        LZ4F_decompress(context, plain.data() + size, &produced, frames.data(), &consumed, nullptr);
    if (LZ4F_isError(hint) || (produced == 0 && consumed == 0)) break;
    size += produced;
    frames = frames.subspan(consumed);
  }
  LZ4F_freeDecompressionContext(context);
  if (!frames.empty() || hint != 0) return std::nullopt;
  return BytesView(plain).first(size);
}

bool has_legacy_magic(BytesView input) {
  return as_text(input).find("\x02\x21\x4c\x18") != std::string_view::npos;
}

void check_as_frames(BytesView input) {
  const auto plain = codec::lz4_decompress(input, plain_size_max);
  const auto expected = decoded_by_library(input);
  if (plain) {
    require(plain->size() <= plain_size_max);
    if (expected) {
      require(std::ranges::equal(*plain, *expected));
    } else {
      require(has_legacy_magic(input));  // which the frame functions do not know
    }
  } else if (expected) {
    // The library decodes without the dictionary, and takes a content size of 0 for none.
    require(plain.error().code() == Errc::unsupported ||
            plain.error().message() == "lz4: wrong content size");
  }

  static Bytes fixed(plain_size_max);
  const auto size = codec::lz4_decompress(input, fixed);
  require(size.has_value() == plain.has_value());
  if (size)
    require(*size == plain->size() && std::equal(plain->begin(), plain->end(), fixed.begin()));
}

void check_as_plaintext(BytesView input) {
  static codec::Lz4Compressor with_checksum(codec::Lz4Checksum::on);
  static codec::Lz4Compressor without_checksum(codec::Lz4Checksum::off);
  for (codec::Lz4Compressor* compressor : {&with_checksum, &without_checksum}) {
    Bytes frame(codec::lz4_compress_bound(input.size()));
    frame.resize(compressor->compress(input, frame));
    Bytes plain(input.size());
    const auto size = codec::lz4_decompress(frame, std::span(plain));
    require(size.has_value() && *size == input.size());
    require(std::equal(input.begin(), input.end(), plain.begin()));
    require(decoded_by_library(frame).has_value() || input.size() > plain_size_max);
  }
}

}  // namespace
}  // namespace plakar

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static plakar::codec::Lz4Decoder decoder;
  const plakar::BytesView input = std::as_bytes(std::span(data, size));
  plakar::fuzz::check_as_stream(decoder, input, plakar::fuzz::Refusal::always_or_never);
  plakar::check_as_frames(input);
  plakar::check_as_plaintext(input);
  return 0;
}
