#include "core/base/bytes.h"

#include <doctest/doctest.h>

#include "core/base/hex.h"

namespace plakar {

TEST_SUITE("bytes") {
  TEST_CASE("integers have the byte order their name says") {
    Bytes out;
    append_le<std::uint32_t>(out, 0x01020304);
    append_be<std::uint32_t>(out, 0x01020304);
    append_be<std::uint16_t>(out, 0xfffe);
    append_le<std::uint64_t>(out, 1);
    CHECK(to_hex(out) == "0403020101020304fffe0100000000000000");
    CHECK(load_le<std::uint32_t>(out) == 0x01020304);
    CHECK(load_be<std::uint32_t>(BytesView(out).subspan(4)) == 0x01020304);
    CHECK(load_le<std::uint64_t>(BytesView(out).subspan(10)) == 1);
  }

  TEST_CASE("text and bytes are views of each other") {
    const std::string text("a\0b", 3);
    CHECK(as_text(as_bytes(text)) == text);
    CHECK(to_text(to_bytes(text)) == text);
  }
}

}  // namespace plakar
