// The content of a file in memory: pages, and holes between them. Copies share pages until
// one of them is written, so that keeping hundreds of states of a disk costs little.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>

#include "core/base/bytes.h"

namespace plakar::testing {

// A value, not thread-safe.
class SparseContent {
 public:
  static constexpr std::size_t page_bytes = 4096;

  std::uint64_t size() const noexcept { return size_; }
  std::uint64_t allocated_bytes() const noexcept { return pages_.size() * page_bytes; }

  // How many bytes there were at `offset`, at most `out.size()`.
  std::size_t read(std::uint64_t offset, std::span<std::byte> out) const;
  // Grows as needed.
  void write(std::uint64_t offset, BytesView bytes);
  void resize(std::uint64_t size);
  // The range reads as zeros; the size stays.
  void punch(std::uint64_t offset, std::uint64_t length);

  // The first offset from `from` on that is in a page, or in a hole. Nothing when there is
  // none before the end; the end is where a hole begins.
  std::optional<std::uint64_t> find_data(std::uint64_t from) const;
  std::uint64_t find_hole(std::uint64_t from) const;
  // How many new pages a write would take.
  std::uint64_t pages_missing(std::uint64_t offset, std::uint64_t length) const;

 private:
  using Page = std::array<std::byte, page_bytes>;

  // The page, made if there is none, and not shared.
  Page& writable_page(std::uint64_t number);
  void zero(std::uint64_t offset, std::uint64_t length);

  std::map<std::uint64_t, std::shared_ptr<Page>> pages_;  // Shared with copies of this.
  std::uint64_t size_ = 0;
};

}  // namespace plakar::testing
