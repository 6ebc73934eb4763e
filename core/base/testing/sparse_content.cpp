#include "core/base/testing/sparse_content.h"

#include <algorithm>

namespace plakar::testing {

std::size_t SparseContent::read(std::uint64_t offset, std::span<std::byte> out) const {
  if (offset >= size_) return 0;
  const auto total = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), size_ - offset));
  for (std::size_t done = 0; done < total;) {
    const std::uint64_t at = offset + done;
    const auto within = static_cast<std::size_t>(at % page_bytes);
    const std::size_t count = std::min(total - done, page_bytes - within);
    const auto page = pages_.find(at / page_bytes);
    const auto target = out.subspan(done, count);
    if (page == pages_.end()) {
      std::fill(target.begin(), target.end(), std::byte{0});
    } else {
      std::copy_n(page->second->data() + within, count, target.begin());
    }
    done += count;
  }
  return total;
}

void SparseContent::write(std::uint64_t offset, BytesView bytes) {
  for (std::size_t done = 0; done < bytes.size();) {
    const std::uint64_t at = offset + done;
    const auto within = static_cast<std::size_t>(at % page_bytes);
    const std::size_t count = std::min(bytes.size() - done, page_bytes - within);
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(done), count,
                writable_page(at / page_bytes).data() + within);
    done += count;
  }
  if (!bytes.empty()) size_ = std::max(size_, offset + bytes.size());
}

void SparseContent::resize(std::uint64_t size) {
  if (size < size_) {
    pages_.erase(pages_.lower_bound((size + page_bytes - 1) / page_bytes), pages_.end());
    zero(size, (page_bytes - size % page_bytes) % page_bytes);
  }
  size_ = size;
}

void SparseContent::punch(std::uint64_t offset, std::uint64_t length) {
  if (offset >= size_) return;
  const std::uint64_t end = offset + std::min(length, size_ - offset);
  const std::uint64_t first = (offset + page_bytes - 1) / page_bytes;
  // A last page that the file does not fill is whole, too.
  const std::uint64_t last = end == size_ ? (end + page_bytes - 1) / page_bytes : end / page_bytes;
  if (first > last) return zero(offset, end - offset);
  zero(offset, std::min(first * page_bytes, end) - offset);
  if (last * page_bytes < end) zero(last * page_bytes, end - last * page_bytes);
  pages_.erase(pages_.lower_bound(first), pages_.lower_bound(last));
}

std::optional<std::uint64_t> SparseContent::find_data(std::uint64_t from) const {
  if (from >= size_) return std::nullopt;
  const auto page = pages_.lower_bound(from / page_bytes);
  if (page == pages_.end() || page->first * page_bytes >= size_) return std::nullopt;
  return std::max(from, page->first * page_bytes);
}

std::uint64_t SparseContent::find_hole(std::uint64_t from) const {
  std::uint64_t number = from / page_bytes;
  for (auto page = pages_.find(number); page != pages_.end() && page->first == number; ++page) {
    ++number;
  }
  return std::min(std::max(from, number * page_bytes), size_);
}

std::uint64_t SparseContent::pages_missing(std::uint64_t offset, std::uint64_t length) const {
  if (length == 0) return 0;
  const std::uint64_t first = offset / page_bytes;
  const std::uint64_t last = (offset + length - 1) / page_bytes;
  const auto present = std::distance(pages_.lower_bound(first), pages_.upper_bound(last));
  return last - first + 1 - static_cast<std::uint64_t>(present);
}

SparseContent::Page& SparseContent::writable_page(std::uint64_t number) {
  std::shared_ptr<Page>& page = pages_[number];
  if (page == nullptr) {
    page = std::make_shared<Page>();
  } else if (page.use_count() > 1) {
    page = std::make_shared<Page>(*page);
  }
  return *page;
}

void SparseContent::zero(std::uint64_t offset, std::uint64_t length) {
  if (length == 0 || !pages_.contains(offset / page_bytes)) return;
  const auto begin =
      writable_page(offset / page_bytes).begin() + static_cast<std::ptrdiff_t>(offset % page_bytes);
  std::fill_n(begin, length, std::byte{0});
}

}  // namespace plakar::testing
