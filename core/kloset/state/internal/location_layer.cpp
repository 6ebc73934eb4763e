#include "core/kloset/state/internal/location_layer.h"

namespace plakar::kloset {
namespace {

constexpr std::uint64_t filter_bits_per_key = 12;
constexpr std::size_t verify_pages = 64;

Status verify_range(const PageFile& file, std::uint64_t first, std::uint64_t count) {
  Bytes buffer(std::min<std::uint64_t>(count, verify_pages) * page_size);
  while (count > 0) {
    const std::uint64_t pages = std::min<std::uint64_t>(count, verify_pages);
    PLK_TRY(file.read_pages(first, std::span(buffer).first(pages * page_size)));
    first += pages;
    count -= pages;
  }
  return {};
}

}  // namespace

std::uint64_t filter_page_count(std::uint64_t blocks) noexcept {
  return blocks / FilterMark::blocks_per_page + (blocks % FilterMark::blocks_per_page != 0);
}

FilterMark::FilterMark(const std::byte* key, std::uint64_t block_count) noexcept
    // The line comes from the bits that records are sorted by, so that a filter is written
    // from its beginning to its end, the bits within it from others.
    : block_(scale(load_prefix(key), block_count)) {
  std::uint64_t mixed = load_le<std::uint64_t>({key + 8, 8}) ^
                        std::to_integer<std::uint64_t>(key[32]) * 0x9e3779b97f4a7c15;
  mixed = (mixed ^ mixed >> 32) * 0xd6e8feb86659fd93;
  bits_ = mixed ^ mixed >> 32;
}

std::uint64_t FilterMark::blocks_for(std::uint64_t key_count) noexcept {
  return key_count * filter_bits_per_key / (block_size * 8) + 1;
}

std::unique_ptr<RecordSource> LocationLayer::stream() const {
  return std::make_unique<RecordStream>(*file_, pages_.records, LocationRecord::size);
}

Status LocationLayer::verify() const {
  if (pages_.records.record_count == 0) return {};
  PLK_TRY(verify_range(*file_, pages_.filter_first_page, filter_page_count(pages_.filter_blocks)));
  return verify_range(*file_, pages_.records.first_page, pages_.records.page_count);
}

LocationWriter::LocationWriter(const File& file, std::uint64_t nonce, std::uint64_t first_page,
                               std::uint64_t count_max)
    : filter_pages_(file, nonce, first_page),
      written_{.records = {},
               .filter_first_page = first_page,
               .filter_blocks = FilterMark::blocks_for(count_max)},
      filter_page_count_(filter_page_count(written_.filter_blocks)),
      record_pages_(file, nonce, first_page + filter_page_count_),
      records_(record_pages_, LocationRecord::size, count_max) {}

Status LocationWriter::append(const std::byte* record, PackfileNumber packfile) {
  const FilterMark mark(record, written_.filter_blocks);
  while (filter_page_ < mark.page()) PLK_TRY(end_filter_page());
  mark.put_into(filter_pages_.payload().data() + mark.offset());
  std::array<std::byte, LocationRecord::size> renumbered;
  std::memcpy(renumbered.data(), record, renumbered.size());
  store_le(std::span(renumbered).subspan(RecordKey::size), packfile);
  return records_.append(renumbered.data());
}

Status LocationWriter::end_filter_page() {
  ++filter_page_;
  return filter_pages_.next_page();
}

Result<LocationPages> LocationWriter::finish() {
  while (filter_page_ < filter_page_count_) PLK_TRY(end_filter_page());
  PLK_TRY(filter_pages_.flush());
  written_.records = PLK_TRY(records_.finish());
  PLK_TRY(record_pages_.flush());
  return written_;
}

}  // namespace plakar::kloset
