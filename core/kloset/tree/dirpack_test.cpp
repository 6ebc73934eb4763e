#include "core/kloset/tree/dirpack.h"

#include <doctest/doctest.h>

#include "core/kloset/blob_source.h"

namespace plakar::kloset {
namespace {

Bytes two_frames() {
  Bytes content;
  Mac id;
  id.bytes.fill(std::byte{7});
  append_frame(content, {.is_directory = true, .entry = as_bytes("first"), .id = id});
  append_frame(content, {.is_directory = false, .entry = as_bytes("second"), .id = Mac()});
  return content;
}

}  // namespace

TEST_SUITE("directory listings") {
  TEST_CASE("a frame is kind, length of what follows, entry and id") {
    const Bytes content = two_frames();
    CHECK(content.size() == 5 + 6 + 2 * dirpack_frame_overhead);
    CHECK(content[0] == std::byte{1});
    CHECK(load_le<std::uint32_t>(BytesView(content).subspan(1)) == 5 + 32);
    CHECK(content[5 + 5 + 32] == std::byte{2});
  }

  TEST_CASE("frames are taken one after the other, and a part of one is left where it is") {
    const Bytes content = two_frames();
    BytesView rest = content;
    DirpackFrame frame;
    REQUIRE(take_frame(rest, frame).value());
    CHECK(frame.is_directory);
    CHECK(as_text(frame.entry) == "first");
    CHECK(frame.id.bytes[31] == std::byte{7});
    for (std::size_t size = 0; size < rest.size(); ++size) {
      BytesView part = rest.first(size);
      CHECK_FALSE(take_frame(part, frame).value());
      CHECK(part.size() == size);
    }
    REQUIRE(take_frame(rest, frame).value());
    CHECK_FALSE(frame.is_directory);
    CHECK(as_text(frame.entry) == "second");
    CHECK(rest.empty());
  }

  TEST_CASE("unknown kinds and impossible lengths are corrupt before more is read") {
    for (const unsigned kind : {0u, 3u, 255u}) {
      Bytes content = two_frames();
      content[0] = static_cast<std::byte>(kind);
      BytesView rest = BytesView(content).first(5);
      DirpackFrame frame;
      CHECK(take_frame(rest, frame).error().code() == Errc::corrupt);
    }
    for (const std::uint32_t length :
         {0u, 31u, static_cast<std::uint32_t>(entry_size_max) + 1, 0xffffffffu}) {
      Bytes content{std::byte{1}};
      append_le(content, length);
      BytesView rest = content;
      DirpackFrame frame;
      CHECK(take_frame(rest, frame).error().code() == Errc::corrupt);
    }
  }
}

}  // namespace plakar::kloset
