#include "core/kloset/state/internal/page_file.h"

#include <utility>

#include "core/base/checksum.h"
#include "core/base/text.h"

namespace plakar::kloset {
namespace {

constexpr std::size_t buffer_pages_max = 64;

std::uint64_t checksum(BytesView page, PageId id) noexcept {
  // The finaliser of SplitMix64: neighbouring numbers have nothing in common afterwards.
  std::uint64_t mixed = id.nonce + (id.number + 1) * 0x9e3779b97f4a7c15;
  mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
  return xxh3_64(page.first(page_payload_size)) ^ mixed ^ mixed >> 31;
}

}  // namespace

void seal_page(std::span<std::byte> page, PageId id) noexcept {
  store_le(page.subspan(page_payload_size), checksum(page, id));
}

bool is_sealed_page(BytesView page, PageId id) noexcept {
  return load_le<std::uint64_t>(page.subspan(page_payload_size)) == checksum(page, id);
}

ResidentLimit::ResidentLimit(std::size_t bytes) noexcept
    : groups_left_(static_cast<std::int64_t>(bytes / (PageFile::group_pages * page_size))) {}

bool ResidentLimit::take_group() noexcept {
  if (groups_left_.load(std::memory_order_relaxed) <= 0) return false;
  if (groups_left_.fetch_sub(1, std::memory_order_relaxed) > 0) return true;
  give_back_groups(1);
  return false;
}

PageFile::PageFile(File file, Mapping mapping, std::uint64_t page_count, std::uint64_t nonce,
                   std::shared_ptr<ResidentLimit> limit)
    : file_(std::move(file)),
      mapping_(std::move(mapping)),
      page_count_(page_count),
      nonce_(nonce),
      limit_(std::move(limit)),
      checked_(std::make_unique<std::atomic<std::uint64_t>[]>(page_count / 64 + 1)),
      resident_(std::make_unique<std::atomic<std::uint64_t>[]>(page_count / group_pages / 64 + 1)) {
}

PageFile::~PageFile() { limit_->give_back_groups(resident_groups_); }

Result<std::unique_ptr<PageFile>> PageFile::map(File file, std::uint64_t page_count,
                                                std::uint64_t nonce,
                                                std::shared_ptr<ResidentLimit> limit) {
  Mapping mapping = PLK_TRY(file.map({0, page_count * page_size}));
  return std::unique_ptr<PageFile>(
      new PageFile(std::move(file), std::move(mapping), page_count, nonce, std::move(limit)));
}

bool PageFile::set(const Bits& bits, std::uint64_t number) noexcept {
  const std::uint64_t bit = std::uint64_t{1} << number % 64;
  return (bits[number / 64].fetch_or(bit, std::memory_order_relaxed) & bit) == 0;
}

bool PageFile::make_resident(std::uint64_t number) const noexcept {
  if (is_resident(number)) return true;
  if (!limit_->take_group()) return false;
  if (set(resident_, number / group_pages)) {
    ++resident_groups_;
  } else {
    limit_->give_back_groups(1);  // Another thread was faster.
  }
  return true;
}

const std::byte* PageFile::fetch_page(std::uint64_t number, PageBuffer& buffer) const noexcept {
  if (number >= page_count_) return nullptr;
  const std::byte* page = at(number);
  if (!make_resident(number)) {
    if (!file_.read_exactly(number * page_size, buffer.bytes)) return nullptr;
    page = buffer.bytes;
  }
  if (is_checked(number)) return page;
  if (!is_sealed_page({page, page_size}, {nonce_, number})) return nullptr;
  set(checked_, number);
  return page;
}

Status PageFile::read_pages(std::uint64_t first, std::span<std::byte> out) const {
  PLK_TRY(file_.read_exactly(first * page_size, out));
  for (std::size_t i = 0; i < out.size() / page_size; ++i) {
    if (!is_sealed_page(out.subspan(i * page_size, page_size), {nonce_, first + i})) {
      return Error(Errc::corrupt, "page " + std::to_string(first + i) + " of " +
                                      escape(file_.name()) + " is damaged");
    }
  }
  return {};
}

PageWriter::PageWriter(const File& file, std::uint64_t nonce, std::uint64_t first_page)
    : file_(&file), nonce_(nonce), first_buffered_(first_page), buffer_(page_size) {}

Status PageWriter::next_page() {
  seal_page(std::span(buffer_).subspan(buffered_ * page_size, page_size), {nonce_, number()});
  ++buffered_;
  if (buffered_ == buffer_pages_max) return flush();
  // Grown page by page: most files of a small store are small.
  buffer_.resize((buffered_ + 1) * page_size);
  return {};
}

Status PageWriter::flush() {
  if (buffered_ == 0) return {};
  PLK_TRY(file_->write_at(first_buffered_ * page_size,
                          BytesView(buffer_).first(buffered_ * page_size)));
  first_buffered_ += buffered_;
  buffered_ = 0;
  buffer_.assign(page_size, std::byte{});
  return {};
}

}  // namespace plakar::kloset
