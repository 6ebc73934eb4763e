#include "core/kloset/state/internal/record_pages.h"

#include <algorithm>
#include <utility>

namespace plakar::kloset {
namespace {

// Of a hundred places in the spread layout. Fuller means that more records miss their page.
constexpr std::uint64_t fill_percent = 85;
constexpr std::size_t stream_pages = 32;

}  // namespace

RecordWriter::RecordWriter(PageWriter& pages, std::size_t record_size, RecordLayout layout) noexcept
    : pages_(&pages),
      record_size_(record_size),
      layout_(layout),
      capacity_(records_per_page(record_size, layout)),
      written_{.first_page = pages.number()} {}

Status RecordWriter::append(const std::byte* record) {
  if (used_ == capacity_) PLK_TRY(end_page());
  const std::span<std::byte> payload = pages_->payload();
  std::memcpy(payload.data() + used_ * record_size_, record, record_size_);
  if (layout_ == RecordLayout::spread) payload[tags_offset(capacity_) + used_] = tag_of(record);
  ++used_;
  ++written_.record_count;
  return {};
}

Status RecordWriter::skip_to(std::uint64_t page) {
  while (written_.page_count < page) PLK_TRY(end_page());
  return {};
}

Status RecordWriter::end_page() {
  store_le(pages_->payload().last(sizeof(std::uint16_t)), static_cast<std::uint16_t>(used_));
  used_ = 0;
  ++written_.page_count;
  return pages_->next_page();
}

Result<RecordPages> RecordWriter::finish() {
  if (used_ > 0) PLK_TRY(end_page());
  return written_;
}

SpreadWriter::SpreadWriter(PageWriter& pages, std::size_t record_size,
                           std::uint64_t record_count) noexcept
    : records_(pages, record_size, RecordLayout::spread),
      home_count_(record_count * 100 /
                      (records_per_page(record_size, RecordLayout::spread) * fill_percent) +
                  1) {}

Status SpreadWriter::append(const std::byte* record) {
  PLK_TRY(records_.skip_to(scale(load_prefix(record), home_count_)));
  return records_.append(record);
}

Result<RecordPages> SpreadWriter::finish() {
  // A last page that is full already stays under way until here; skip_to() ends it, too.
  PLK_TRY(records_.skip_to(home_count_));
  RecordPages pages = PLK_TRY(records_.finish());
  pages.home_count = home_count_;
  return pages;
}

RecordStream::RecordStream(const PageFile& file, const RecordPages& pages, std::size_t record_size)
    : file_(&file),
      record_size_(record_size),
      capacity_(records_per_page(
          record_size, pages.home_count == 0 ? RecordLayout::dense : RecordLayout::spread)),
      next_page_(pages.first_page),
      pages_left_(pages.page_count),
      buffer_(std::min<std::uint64_t>(stream_pages, pages.page_count) * page_size) {}

Result<const std::byte*> RecordStream::next() {
  while (true) {
    for (; page_ < pages_; ++page_, record_ = 0) {
      const std::byte* const page = buffer_.data() + page_ * page_size;
      if (record_ < load_count(page, capacity_)) return page + record_++ * record_size_;
    }
    if (pages_left_ == 0) return nullptr;
    pages_ = static_cast<std::size_t>(std::min<std::uint64_t>(stream_pages, pages_left_));
    PLK_TRY(file_->read_pages(next_page_, std::span(buffer_).first(pages_ * page_size)));
    next_page_ += pages_;
    pages_left_ -= pages_;
    page_ = 0;
    record_ = 0;
  }
}

bool RecordMerge::is_later(const Head& a, const Head& b) noexcept {
  if (a.prefix != b.prefix) return a.prefix > b.prefix;
  const int order = compare_keys(a.record, b.record);
  return order != 0 ? order > 0 : a.source > b.source;
}

Status RecordMerge::push_from(std::size_t source) {
  const std::byte* const record = PLK_TRY(sources_[source]->next());
  if (record == nullptr) return {};
  heap_.push_back({.prefix = load_prefix(record), .record = record, .source = source});
  std::push_heap(heap_.begin(), heap_.end(), is_later);
  return {};
}

Result<RecordMerge::Item> RecordMerge::next() {
  if (!begun_) {
    begun_ = true;
    for (std::size_t source = 0; source < sources_.size(); ++source) PLK_TRY(push_from(source));
  } else if (last_ < sources_.size()) {
    PLK_TRY(push_from(last_));
  }
  if (heap_.empty()) {
    last_ = sources_.size();
    return Item{};
  }
  std::pop_heap(heap_.begin(), heap_.end(), is_later);
  const Head head = heap_.back();
  heap_.pop_back();
  last_ = head.source;
  return Item{.record = head.record, .source = head.source};
}

}  // namespace plakar::kloset
