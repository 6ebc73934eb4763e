// A location as the index keeps it: fixed size, and the packfile by its number.
//
//   record := mac:32 type:u8 packfile:u32 offset:u64 length:u32 version:u32 flags:u32
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/base/bytes.h"
#include "core/kloset/state/delta.h"
#include "core/kloset/state/internal/record_pages.h"

namespace plakar::kloset {

// In PackfileRegistry.
using PackfileNumber = std::uint32_t;
inline constexpr PackfileNumber no_packfile = UINT32_MAX;

struct LocationRecord {
  static constexpr std::size_t size = RecordKey::size + 24;

  std::array<std::byte, size> bytes;

  static LocationRecord of(const LocationEntry& entry, PackfileNumber packfile) noexcept {
    LocationRecord record;
    const RecordKey key = RecordKey::of(entry.type, entry.blob);
    std::memcpy(record.bytes.data(), key.bytes.data(), key.bytes.size());
    const std::span<std::byte> rest = std::span(record.bytes).subspan(RecordKey::size);
    store_le(rest, packfile);
    store_le(rest.subspan(4), entry.offset);
    store_le(rest.subspan(12), entry.length);
    store_le(rest.subspan(16), static_cast<std::uint32_t>(entry.version));
    store_le(rest.subspan(20), entry.flags);
    return record;
  }
};

// Read in place.
class LocationView {
 public:
  explicit LocationView(const std::byte* record) noexcept : record_(record) {}

  const std::byte* record() const noexcept { return record_; }
  PackfileNumber packfile() const noexcept { return load<std::uint32_t>(0); }
  std::uint64_t offset() const noexcept { return load<std::uint64_t>(4); }
  std::uint32_t length() const noexcept { return load<std::uint32_t>(12); }

  LocationEntry entry(const PackfileMac& packfile_mac) const noexcept {
    const RecordKey key = RecordKey::at(record_);
    return {.type = key.type(),
            .version = static_cast<Version>(load<std::uint32_t>(16)),
            .blob = key.mac(),
            .packfile = packfile_mac,
            .offset = offset(),
            .length = length(),
            .flags = load<std::uint32_t>(20)};
  }

 private:
  template <class T>
  T load(std::size_t at) const noexcept {
    return load_le<T>({record_ + RecordKey::size + at, sizeof(T)});
  }

  const std::byte* record_;
};

}  // namespace plakar::kloset
