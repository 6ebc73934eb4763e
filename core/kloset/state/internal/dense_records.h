// Sorted records in memory, in the dense layout of record_pages.h: found by number, or by the
// bytes that they begin with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

#include "core/base/bytes.h"
#include "core/kloset/state/internal/record_pages.h"

namespace plakar::kloset {

// Precondition: the pages hold what `pages` says, see is_dense(). The memory outlives this.
template <std::size_t record_size>
class DenseRecords {
 public:
  static constexpr std::size_t per_page = records_per_page(record_size, RecordLayout::dense);

  DenseRecords() = default;
  DenseRecords(const std::byte* file, const RecordPages& pages) noexcept
      : base_(file + pages.first_page * page_size), size_(pages.record_count) {}

  std::uint64_t size() const noexcept { return size_; }
  const std::byte* operator[](std::uint64_t number) const noexcept {
    return base_ + number / per_page * page_size + number % per_page * record_size;
  }

  // The number of the record that begins with `key`.
  std::optional<std::uint64_t> find(BytesView key) const noexcept {
    std::uint64_t begin = 0, end = size_;
    while (begin < end) {
      const std::uint64_t middle = begin + (end - begin) / 2;
      const int order = std::memcmp((*this)[middle], key.data(), key.size());
      if (order == 0) return middle;
      if (order < 0) {
        begin = middle + 1;
      } else {
        end = middle;
      }
    }
    return std::nullopt;
  }

  // Whether the pages, which are in memory, have as many records each as belong there.
  static bool is_dense(const std::byte* file, const RecordPages& pages) noexcept {
    if (pages.record_count / per_page + (pages.record_count % per_page != 0) != pages.page_count) {
      return false;
    }
    for (std::uint64_t i = 0; i < pages.page_count; ++i) {
      const std::uint64_t left = pages.record_count - i * per_page;
      if (load_count(file + (pages.first_page + i) * page_size, per_page) !=
          (left < per_page ? left : per_page)) {
        return false;
      }
    }
    return true;
  }

 private:
  const std::byte* base_ = nullptr;
  std::uint64_t size_ = 0;
};

}  // namespace plakar::kloset
