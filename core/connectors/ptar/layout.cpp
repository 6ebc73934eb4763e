#include "core/connectors/ptar/layout.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "core/kloset/store.h"

namespace plakar::connectors {
namespace {

constexpr std::string_view magic = "_PLATAR_";
constexpr std::uint32_t version_1_0_0 = 0x00010000;

// In the trailer, in this order.
constexpr std::string_view extent_names[] = {"CONFIG", "packfile", "state"};

Error bad_extent(std::size_t which, const std::string& how) {
  return Error(Errc::corrupt, "the trailer of the archive says that its " +
                                  std::string(extent_names[which]) + " " + how);
}

std::string describe(const Extent& extent) {
  return std::to_string(extent.length) + " bytes at " + std::to_string(extent.offset);
}

// Both lie within a file, so that their ends do not wrap.
bool overlap(const Extent& a, const Extent& b) {
  return a.length > 0 && b.length > 0 && a.offset < b.offset + b.length &&
         b.offset < a.offset + a.length;
}

}  // namespace

std::array<std::byte, archive_header_size> encode_archive_header() {
  std::array<std::byte, archive_header_size> header;
  std::ranges::copy(as_bytes(magic), header.begin());
  store_le(std::span(header).subspan(magic.size()), version_1_0_0);
  return header;
}

std::array<std::byte, archive_trailer_size> encode_archive_trailer(const ArchiveLayout& layout) {
  std::array<std::byte, archive_trailer_size> trailer;
  std::size_t at = 0;
  for (const Extent& extent : {layout.config, layout.packfile, layout.state}) {
    store_le(std::span(trailer).subspan(at), extent.offset);
    store_le(std::span(trailer).subspan(at + 8), extent.length);
    at += 16;
  }
  return trailer;
}

Status check_archive_header(BytesView header) {
  if (header.size() >= archive_header_size && as_text(header).starts_with(magic)) return {};
  return Error(Errc::corrupt, "not an archive: it does not begin with " + std::string(magic));
}

Result<ArchiveLayout> decode_archive_trailer(BytesView trailer, std::uint64_t file_size) {
  if (trailer.size() != archive_trailer_size ||
      file_size < archive_header_size + archive_trailer_size) {
    return Error(Errc::corrupt, "an archive of " + std::to_string(file_size) +
                                    " bytes, too short for header and trailer");
  }
  const std::uint64_t end = file_size - archive_trailer_size;
  std::array<Extent, 3> extents;
  for (std::size_t i = 0; i < extents.size(); ++i) {
    Extent& extent = extents[i];
    extent = {.offset = load_le<std::uint64_t>(trailer.subspan(16 * i)),
              .length = load_le<std::uint64_t>(trailer.subspan(16 * i + 8))};
    if (extent.length == 0) continue;
    // Negative numbers are large ones here.
    if (extent.offset < archive_header_size || extent.offset > end ||
        extent.length > end - extent.offset) {
      return bad_extent(i, "has " + describe(extent) + ", outside of its " +
                               std::to_string(file_size) + " bytes");
    }
    for (std::size_t other = 0; other < i; ++other) {
      if (overlap(extent, extents[other])) {
        return bad_extent(i, "overlaps its " + std::string(extent_names[other]));
      }
    }
  }
  if (extents[0].length == 0 || extents[0].length > kloset::config_size_max) {
    return bad_extent(0, "has " + std::to_string(extents[0].length) + " bytes");
  }
  return ArchiveLayout{.config = extents[0], .packfile = extents[1], .state = extents[2]};
}

}  // namespace plakar::connectors
