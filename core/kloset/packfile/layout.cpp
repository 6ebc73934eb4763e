#include "core/kloset/packfile/layout.h"

#include <algorithm>

namespace plakar::kloset {
namespace {

Mac load_mac(BytesView at) noexcept {
  Mac mac;
  std::copy_n(at.begin(), mac.bytes.size(), mac.bytes.begin());
  return mac;
}

PackfileRecord decode_record(BytesView at) noexcept {
  return {.type = static_cast<ResourceType>(load_le<std::uint32_t>(at)),
          .version = static_cast<Version>(load_le<std::uint32_t>(at.subspan(4))),
          .mac = load_mac(at.subspan(8)),
          .offset = load_le<std::uint64_t>(at.subspan(40)),
          .length = load_le<std::uint32_t>(at.subspan(48)),
          .flags = load_le<std::uint32_t>(at.subspan(52))};
}

}  // namespace

void append_record(Bytes& out, const PackfileRecord& record) {
  append_le(out, static_cast<std::uint32_t>(record.type));
  append_le(out, static_cast<std::uint32_t>(record.version));
  append(out, record.mac.view());
  append_le(out, record.offset);
  append_le(out, record.length);
  append_le(out, record.flags);
}

void append_footer(Bytes& out, const PackfileFooter& footer) {
  append_le(out, static_cast<std::uint64_t>(footer.timestamp_ns));
  append_le(out, footer.count);
  append_le(out, footer.index_offset);
  append(out, footer.index_mac.view());
  append_le(out, footer.flags);
}

Result<PackfileFooter> decode_footer(BytesView plain, std::uint64_t index_size_max) {
  if (plain.size() != packfile_footer_size) {
    return Error(Errc::corrupt, "a packfile footer of " + std::to_string(plain.size()) +
                                    " bytes instead of " + std::to_string(packfile_footer_size));
  }
  const PackfileFooter footer{
      .timestamp_ns = static_cast<std::int64_t>(load_le<std::uint64_t>(plain)),
      .count = load_le<std::uint32_t>(plain.subspan(8)),
      .index_offset = load_le<std::uint64_t>(plain.subspan(12)),
      .index_mac = load_mac(plain.subspan(20)),
      .flags = load_le<std::uint32_t>(plain.subspan(52))};
  if (footer.index_offset > index_size_max) {
    return Error(Errc::corrupt, "the index of the packfile begins behind its footer");
  }
  return footer;
}

Result<std::vector<PackfileRecord>> decode_index(BytesView plain, const PackfileFooter& footer) {
  if (plain.size() % packfile_record_size != 0 ||
      plain.size() / packfile_record_size != footer.count) {
    return Error(Errc::corrupt, "a packfile index of " + std::to_string(plain.size()) +
                                    " bytes for " + std::to_string(footer.count) + " blobs");
  }
  std::vector<PackfileRecord> records;
  records.reserve(footer.count);
  for (; !plain.empty(); plain = plain.subspan(packfile_record_size)) {
    const PackfileRecord& record = records.emplace_back(decode_record(plain));
    // Subtracted from the trusted side: offset + length could wrap.
    if (record.offset > footer.index_offset ||
        record.length > footer.index_offset - record.offset) {
      return Error(Errc::corrupt, to_name(record.type) + " " + record.mac.short_hex() +
                                      " does not lie among the blobs of its packfile");
    }
  }
  return records;
}

}  // namespace plakar::kloset
