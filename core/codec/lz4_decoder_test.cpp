#include "core/codec/lz4_decoder.h"

#include <doctest/doctest.h>

#include "core/base/hex.h"

namespace plakar::codec {

TEST_SUITE("lz4 decoder") {
  TEST_CASE("it reads what lz4_decompress reads, but for the legacy format") {
    Lz4Decoder decoder;
    auto plain = decode_all(decoder, {}, 0);
    REQUIRE(plain);
    CHECK(plain->empty());

    const std::string_view hello = "04224d186470b90c00008068656c6c6f20776f726c640a00000000b08d52a4";
    Bytes frames = *from_hex("502a4d1803000000aabbcc");
    append(frames, *from_hex(hello));
    append(frames, *from_hex(hello));
    decoder.reset();
    plain = decode_all(decoder, frames, 24);
    REQUIRE(plain);
    CHECK(as_text(*plain) == "hello world\nhello world\n");

    decoder.reset();
    plain = decode_all(decoder, *from_hex("02214c180d000000c068656c6c6f20776f726c640a"), 24);
    REQUIRE_FALSE(plain);
    CHECK(plain.error().code() == Errc::unsupported);

    frames.push_back(std::byte{0});
    decoder.reset();
    plain = decode_all(decoder, frames, 24);
    REQUIRE_FALSE(plain);
    CHECK(plain.error().code() == Errc::corrupt);
  }
}

}  // namespace plakar::codec
