#include "core/connectors/ptar/layout.h"

#include <doctest/doctest.h>

#include <cstdint>

namespace plakar::connectors {
namespace {

constexpr std::uint64_t file_size = 10'000;
constexpr ArchiveLayout sound{.config = {.offset = 12, .length = 400},
                              .packfile = {.offset = 412, .length = 9000},
                              .state = {.offset = 9412, .length = 540}};

bool is_refused(const ArchiveLayout& layout, std::uint64_t size = file_size) {
  const auto decoded = decode_archive_trailer(encode_archive_trailer(layout), size);
  return !decoded && decoded.error().code() == Errc::corrupt;
}

}  // namespace

TEST_SUITE("archive layout") {
  TEST_CASE("a trailer is read as it was written") {
    CHECK(decode_archive_trailer(encode_archive_trailer(sound), file_size).value() == sound);
  }

  TEST_CASE("the items may be in any order, with gaps, and packfile or state may be missing") {
    ArchiveLayout layout = sound;
    std::swap(layout.config, layout.state);
    layout.config.length = 540;
    layout.state.length = 300;
    CHECK_FALSE(is_refused(layout));
    layout.packfile = {};
    layout.state = {.offset = 1'000'000, .length = 0};
    CHECK_FALSE(is_refused(layout));
  }

  TEST_CASE("an item that does not lie between header and trailer is corrupt") {
    for (Extent ArchiveLayout::* item :
         {&ArchiveLayout::config, &ArchiveLayout::packfile, &ArchiveLayout::state}) {
      const auto refused = [&](std::uint64_t offset, std::uint64_t length) {
        ArchiveLayout layout = sound;
        layout.*item = {.offset = offset, .length = length};
        return is_refused(layout);
      };
      CHECK(refused(11, 1));
      CHECK(refused(0, 100));
      CHECK(refused(9951, 2));
      CHECK(refused(9952, 1));
      CHECK(refused(9990, 1));
      CHECK(refused(20'000, 1));
      CHECK(refused(UINT64_MAX, 1));
      CHECK(refused(UINT64_MAX - 5, 12));
      CHECK(refused(9000, UINT64_MAX));
      CHECK(refused(9000, UINT64_MAX - 8999));
      CHECK(refused(UINT64_C(1) << 63, UINT64_C(1) << 63));
    }
  }

  TEST_CASE("items that overlap are corrupt, by a single byte too") {
    ArchiveLayout layout = sound;
    layout.packfile.offset -= 1;
    CHECK(is_refused(layout));
    layout = sound;
    layout.packfile.length += 1;
    CHECK(is_refused(layout));
    layout = sound;
    layout.state = layout.packfile;
    CHECK(is_refused(layout));
    layout = sound;
    layout.state = {.offset = 500, .length = 1};
    CHECK(is_refused(layout));
  }

  TEST_CASE("a CONFIG has 1 to 32,768 bytes") {
    constexpr std::uint64_t large_file = 100'000;
    const auto refused = [&](std::uint64_t length) {
      return is_refused({.config = {.offset = 12, .length = length}, .packfile = {}, .state = {}},
                        large_file);
    };
    CHECK(refused(0));
    CHECK_FALSE(refused(1));
    CHECK_FALSE(refused(32'768));
    CHECK(refused(32'769));
  }

  TEST_CASE("a file too short for header and trailer is corrupt") {
    const auto trailer = encode_archive_trailer(sound);
    for (const std::uint64_t size : {UINT64_C(0), UINT64_C(47), UINT64_C(48), UINT64_C(59)}) {
      CHECK(decode_archive_trailer(trailer, size).error().code() == Errc::corrupt);
    }
    CHECK_FALSE(decode_archive_trailer(BytesView(trailer).first(47), file_size));
  }

  TEST_CASE("what begins with something else is no archive, whatever version it is") {
    auto header = encode_archive_header();
    CHECK(check_archive_header(header));
    header[9] = std::byte{7};
    CHECK(check_archive_header(header));
    CHECK_FALSE(check_archive_header(BytesView(header).first(11)));
    header[0] = std::byte{'-'};
    CHECK(check_archive_header(header).error().code() == Errc::corrupt);
    CHECK_FALSE(check_archive_header({}));
  }
}

}  // namespace plakar::connectors
