// Locations in a file: immutable, sorted, with a filter that knows most of what is not there. The
// table has one such layer, and so has each run that a delta too large for memory was
// written to.
//
// The filter is a Bloom filter in blocks of one cache line: 12 bits a location, of which a blob
// that is not there finds all 7 of its own set once in some 130 times. What is new, and nearly
// everything is in a first backup, is answered without touching the locations.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/result.h"
#include "core/kloset/state/internal/location_record.h"
#include "core/kloset/state/internal/page_file.h"
#include "core/kloset/state/internal/record_pages.h"

namespace plakar::kloset {

struct LocationPages {
  RecordPages records;
  std::uint64_t filter_first_page = 0;
  std::uint64_t filter_blocks = 0;

  friend bool operator==(const LocationPages&, const LocationPages&) = default;
};

std::uint64_t filter_page_count(std::uint64_t blocks) noexcept;

// The line of a filter and the bits of it that belong to a key.
class FilterMark {
 public:
  static constexpr std::size_t block_size = 64;
  static constexpr std::size_t blocks_per_page = page_payload_size / block_size;

  FilterMark(const std::byte* key, std::uint64_t block_count) noexcept;

  std::uint64_t page() const noexcept { return block_ / blocks_per_page; }
  std::size_t offset() const noexcept { return block_ % blocks_per_page * block_size; }
  std::uint64_t block() const noexcept { return block_; }

  // Precondition of both: `block` has block_size bytes.
  bool is_in(const std::byte* block) const noexcept {
    for (std::uint64_t bits = bits_, i = 0; i < bit_count; ++i, bits >>= 9) {
      if ((std::to_integer<unsigned>(block[bits / 8 % block_size]) >> bits % 8 & 1) == 0) {
        return false;
      }
    }
    return true;
  }
  void put_into(std::byte* block) const noexcept {
    for (std::uint64_t bits = bits_, i = 0; i < bit_count; ++i, bits >>= 9) {
      block[bits / 8 % block_size] |= std::byte{1} << bits % 8;
    }
  }

  // How many blocks make it a good filter for so many keys.
  static std::uint64_t blocks_for(std::uint64_t key_count) noexcept;

 private:
  static constexpr std::uint64_t bit_count = 7;

  std::uint64_t block_;
  std::uint64_t bits_;
};

// Precondition of its functions: `file` outlives it, and the pages named lie within the file.
// May be used from any thread.
class LocationLayer {
 public:
  LocationLayer() = default;
  LocationLayer(const PageFile& file, const LocationPages& pages) noexcept
      : file_(&file), pages_(pages) {}

  // Calls visit(LocationView) for what is there, in order, until it returns true.
  template <class Visit>
  Lookup find(const RecordKey& key, Visit&& visit) const {
    if (pages_.records.record_count == 0) return Lookup::done;
    const FilterMark mark(key.bytes.data(), pages_.filter_blocks);
    // The tags are on their way while the filter is asked: both are usually far from any cache.
    file_->prefetch(
        pages_.records.first_page + scale(load_prefix(key.bytes.data()), pages_.records.home_count),
        page_payload_size - 1);
    PageBuffer buffer;  // for one page at a time
    const std::byte* const filter =
        file_->find_page(pages_.filter_first_page + mark.page(), buffer);
    if (filter == nullptr) return Lookup::damaged;
    if (!mark.is_in(filter + mark.offset())) return Lookup::done;
    return find_spread(
        pages_.records, LocationRecord::size, key,
        [&](std::uint64_t number) { return file_->find_page(number, buffer); },
        [&](const std::byte* record) { return visit(LocationView(record)); });
  }

  std::uint64_t size() const noexcept { return pages_.records.record_count; }
  std::unique_ptr<RecordSource> stream() const;
  // Errc::corrupt when a page is damaged. Reads everything.
  Status verify() const;

 private:
  const PageFile* file_ = nullptr;
  LocationPages pages_;
};

// Writes a layer, from records in order.
class LocationWriter {
 public:
  // For at most `count_max` records, from a page of the file on. The file outlives the writer.
  LocationWriter(const File& file, std::uint64_t nonce, std::uint64_t first_page,
                 std::uint64_t count_max);

  // The packfile's number is replaced by `packfile`.
  Status append(const std::byte* record, PackfileNumber packfile);
  // Called once, last.
  Result<LocationPages> finish();
  // Precondition: finished. The first page after the layer.
  std::uint64_t end_page() const noexcept { return record_pages_.number(); }

 private:
  Status end_filter_page();

  PageWriter filter_pages_;
  LocationPages written_;
  std::uint64_t filter_page_count_;
  std::uint64_t filter_page_ = 0;
  PageWriter record_pages_;
  SpreadWriter records_;
};

}  // namespace plakar::kloset
