#include "core/kloset/packfile/layout.h"

#include <doctest/doctest.h>

#include <limits>

namespace plakar::kloset {
namespace {

PackfileRecord record(std::uint64_t offset, std::uint32_t length) {
  return {.type = ResourceType::chunk,
          .version = version_1_0_0,
          .mac = {},
          .offset = offset,
          .length = length,
          .flags = 0};
}

Errc index_error(const PackfileRecord& one, std::uint64_t index_offset, std::uint32_t count = 1) {
  Bytes plain;
  append_record(plain, one);
  const PackfileFooter footer{
      .timestamp_ns = 0, .count = count, .index_offset = index_offset, .index_mac = {}, .flags = 0};
  const auto index = decode_index(plain, footer);
  return index ? Errc::internal : index.error().code();
}

}  // namespace

TEST_SUITE("packfile layout") {
  TEST_CASE("records and footers have their sizes and survive the way there and back") {
    Bytes plain;
    append_record(plain, record(7, 5));
    append_record(plain, record(12, 0));
    CHECK(plain.size() == 2 * packfile_record_size);
    PackfileFooter footer{
        .timestamp_ns = -5, .count = 2, .index_offset = 12, .index_mac = {}, .flags = 0};
    footer.index_mac.bytes.fill(std::byte{9});
    const auto index = decode_index(plain, footer);
    REQUIRE(index);
    CHECK(*index == std::vector{record(7, 5), record(12, 0)});
    Bytes encoded;
    append_footer(encoded, footer);
    CHECK(encoded.size() == packfile_footer_size);
    CHECK(*decode_footer(encoded, 12) == footer);
  }

  TEST_CASE("a blob that reaches into the index is corrupt") {
    CHECK(index_error(record(0, 12), 12) == Errc::internal);
    CHECK(index_error(record(0, 13), 12) == Errc::corrupt);
    CHECK(index_error(record(13, 0), 12) == Errc::corrupt);
  }

  TEST_CASE("offset and length that wrap around are corrupt, not small") {
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    CHECK(index_error(record(most, 8), 12) == Errc::corrupt);
    CHECK(index_error(record(most - 4, 8), most) == Errc::corrupt);
  }

  TEST_CASE("a count that does not match the index is corrupt") {
    CHECK(index_error(record(0, 1), 12, 2) == Errc::corrupt);
    CHECK(index_error(record(0, 1), 12, 0) == Errc::corrupt);
    CHECK(index_error(record(0, 1), 12, 0xffffffff) == Errc::corrupt);
  }

  TEST_CASE("a footer of another length, or with an index behind it, is corrupt") {
    Bytes encoded;
    append_footer(
        encoded, {.timestamp_ns = 0, .count = 0, .index_offset = 100, .index_mac = {}, .flags = 0});
    CHECK(decode_footer(encoded, 99).error().code() == Errc::corrupt);
    CHECK(decode_footer(encoded, 100));
    CHECK_FALSE(decode_footer(BytesView(encoded).first(55), 100));
    encoded.push_back({});
    CHECK_FALSE(decode_footer(encoded, 100));
  }
}

}  // namespace plakar::kloset
