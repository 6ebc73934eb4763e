// The bytes of a packfile, but for its blobs.
//
//   packfile := envelope header, body, envelope MAC
//   body     := blobs  encode(index)  encode(footer)  footer_length:u32
//   index    := record*                                          56 bytes each
//   record   := type:u32 version:u32 mac:32 offset:u64 length:u32 flags:u32
//   footer   := timestamp:i64 count:u32 index_offset:u64 index_mac:32 flags:u32
//
// Integers are little-endian, offsets count from the start of the body. `encode` compresses
// and encrypts as the store says; `footer_length` is the encoded length, in clear. A footer
// says nothing about blobs by itself: it is trusted once `index_mac` matches the index it
// points to. A packfile is named by the MAC of its body.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/id.h"
#include "core/base/result.h"
#include "core/kloset/format/resource.h"

namespace plakar::kloset {

inline constexpr std::size_t packfile_record_size = 56;
inline constexpr std::size_t packfile_footer_size = 56;
inline constexpr std::size_t packfile_tail_size = 4;  // footer_length

// Where one blob is, in the packfile that holds this record in its index.
struct PackfileRecord {
  ResourceType type{};
  Version version{};
  Mac mac;
  std::uint64_t offset = 0;
  std::uint32_t length = 0;  // encoded
  std::uint32_t flags = 0;

  friend bool operator==(const PackfileRecord&, const PackfileRecord&) = default;
};

struct PackfileFooter {
  std::int64_t timestamp_ns = 0;  // when the packfile was started; 0 in archives
  std::uint32_t count = 0;
  std::uint64_t index_offset = 0;  // also the length of the blob area
  Mac index_mac;
  std::uint32_t flags = 0;

  friend bool operator==(const PackfileFooter&, const PackfileFooter&) = default;
};

void append_record(Bytes& out, const PackfileRecord& record);
void append_footer(Bytes& out, const PackfileFooter& footer);

// `plain` is the decoded footer. Another length is Errc::corrupt. `index_size_max` is how many
// bytes of the body lie before the encoded footer: an index that begins behind them is, too.
Result<PackfileFooter> decode_footer(BytesView plain, std::uint64_t index_size_max);

// `plain` is the decoded index, whose MAC the caller has checked against the footer's. A
// size other than `footer.count` records, or a blob that does not lie in the blob area, is
// Errc::corrupt.
Result<std::vector<PackfileRecord>> decode_index(BytesView plain, const PackfileFooter& footer);

}  // namespace plakar::kloset
