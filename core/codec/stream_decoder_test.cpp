#include "core/codec/stream_decoder.h"

#include <doctest/doctest.h>

namespace plakar::codec {
namespace {

// Neither takes nor gives anything, as a library does that waits for what never comes.
class StuckDecoder final : public StreamDecoder {
 public:
  Result<Progress> decode(BytesView, std::span<std::byte>) override { return Progress{}; }
  Status finish() override { return {}; }
  void reset() override {}
};

}  // namespace

TEST_SUITE("stream decoder") {
  TEST_CASE("a decoder that does not get on is an error and no endless loop") {
    StuckDecoder decoder;
    Bytes out(10);
    CHECK(decode_into(decoder, as_bytes("abc"), out).error().code() == Errc::corrupt);
    CHECK(decode_all(decoder, as_bytes("abc"), 100).error().code() == Errc::corrupt);
    CHECK(decode_into(decoder, {}, out).value() == 0);
  }
}

}  // namespace plakar::codec
