// Pages: what the files of this module consist of, 4 KiB each.
//
//   page := payload:4088  checksum:u64      XXH3 of the payload, mixed with the file's nonce
//                                           and the page's number
//
// The nonce is random and new with every file, so that a page of another file, or of another
// place, does not pass for this one: not when a disk mixes them up, nor when a crash leaves half
// of an old file. A checksum proves nothing against somebody who wants to deceive.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "core/base/bytes.h"
#include "core/base/file_system.h"
#include "core/base/result.h"

namespace plakar::kloset {

inline constexpr std::size_t page_size = 4096;
inline constexpr std::size_t page_payload_size = page_size - sizeof(std::uint64_t);

struct PageId {
  std::uint64_t nonce = 0;  // of the file
  std::uint64_t number = 0;
};

// Precondition of both: `page` is a whole one.
void seal_page(std::span<std::byte> page, PageId id) noexcept;
bool is_sealed_page(BytesView page, PageId id) noexcept;

// How much of mapped files may be resident: a number of groups, shared by the files of an index.
// May be used from any thread.
class ResidentLimit {
 public:
  explicit ResidentLimit(std::size_t bytes) noexcept;

  // False when there is no room for one more.
  bool take_group() noexcept;
  void give_back_groups(std::uint64_t count) noexcept { groups_left_ += std::int64_t(count); }

 private:
  std::atomic<std::int64_t> groups_left_;
};

// Where a page goes that is not mapped.
struct PageBuffer {
  alignas(64) std::byte bytes[page_size];
};

// A file of pages. What is used first is mapped into memory, as much as the limit allows, and
// stays there; the other pages are read each time they are used. Keys are spread evenly, so that
// no page is worth more than another: giving some back for others would only cost faults.
//
// A page is checked when it is used for the first time, so that opening costs the same
// whatever the size. All functions may be called from any thread at once.
class PageFile {
 public:
  // Precondition: the file has `page_count` pages, at least one, and nobody will truncate it.
  static Result<std::unique_ptr<PageFile>> map(File file, std::uint64_t page_count,
                                               std::uint64_t nonce,
                                               std::shared_ptr<ResidentLimit> limit);
  ~PageFile();

  // The page, in memory or in `buffer`, or null when it is damaged, or beyond the end, or cannot
  // be read.
  const std::byte* find_page(std::uint64_t number, PageBuffer& buffer) const noexcept {
    if (number < page_count_ && is_resident(number) && is_checked(number)) [[likely]]
      return at(number);
    return fetch_page(number, buffer);
  }
  // Only a hint, and no check.
  void prefetch(std::uint64_t number, std::size_t offset) const noexcept {
    if (number < page_count_ && is_resident(number)) __builtin_prefetch(at(number) + offset);
  }

  // Fills `out`, whole pages, with those from `first` on, not by way of the mapping: a walk
  // over everything must not make everything resident. Errc::corrupt for a damaged one.
  Status read_pages(std::uint64_t first, std::span<std::byte> out) const;

  std::uint64_t page_count() const noexcept { return page_count_; }

 private:
  friend class ResidentLimit;
  // The kernel maps 64 KiB around a page that is touched.
  static constexpr std::uint64_t group_pages = 16;

  using Bits = std::unique_ptr<std::atomic<std::uint64_t>[]>;

  PageFile(File file, Mapping mapping, std::uint64_t page_count, std::uint64_t nonce,
           std::shared_ptr<ResidentLimit> limit);

  const std::byte* at(std::uint64_t number) const noexcept {
    return mapping_.bytes().data() + number * page_size;
  }
  static bool is_set(const Bits& bits, std::uint64_t number) noexcept {
    return (bits[number / 64].load(std::memory_order_relaxed) >> number % 64 & 1) != 0;
  }
  // Whether it was clear before.
  static bool set(const Bits& bits, std::uint64_t number) noexcept;
  bool is_checked(std::uint64_t number) const noexcept { return is_set(checked_, number); }
  bool is_resident(std::uint64_t number) const noexcept {
    return is_set(resident_, number / group_pages);
  }
  bool make_resident(std::uint64_t number) const noexcept;
  const std::byte* fetch_page(std::uint64_t number, PageBuffer& buffer) const noexcept;

  File file_;
  Mapping mapping_;
  std::uint64_t page_count_;
  std::uint64_t nonce_;
  std::shared_ptr<ResidentLimit> limit_;
  Bits checked_;   // a bit a page
  Bits resident_;  // a bit a group
  mutable std::atomic<std::uint64_t> resident_groups_ = 0;
};

// Writes pages one after another from a place in a file on.
class PageWriter {
 public:
  // `file` outlives the writer.
  PageWriter(const File& file, std::uint64_t nonce, std::uint64_t first_page);

  // The payload of the page under way, zeroed when it was begun.
  std::span<std::byte> payload() noexcept {
    return std::span(buffer_).subspan(buffered_ * page_size, page_payload_size);
  }
  // Seals it and begins the next.
  Status next_page();
  // Writes what is buffered. The page under way is not written: seal it first.
  Status flush();

  // Of the page under way.
  std::uint64_t number() const noexcept { return first_buffered_ + buffered_; }

 private:
  const File* file_;
  std::uint64_t nonce_;
  std::uint64_t first_buffered_;
  std::size_t buffered_ = 0;
  Bytes buffer_;
};

}  // namespace plakar::kloset
