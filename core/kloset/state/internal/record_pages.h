// Records of one size in pages, sorted by the key they begin with: 32 bytes of a MAC and one
// of a type. Two layouts:
//
//   dense      every page full but the last: record n is found by its number
//   spread     each record in the page that its MAC's first 64 bits point to, as a fraction of
//              all `home_count` pages, or, where that one is full, in the next that is not.
//              The order stays. Looking one up takes one page, seldom two, and of that the two
//              cache lines with the tags and the record itself
//
//   dense payload  := record*  zeros  count:u16
//   spread payload := record*  zeros  tag:u8{capacity}  count:u16
//
// MACs are evenly distributed. Ones that are not, because somebody made them up, cost a binary
// search instead.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/id.h"
#include "core/base/result.h"
#include "core/kloset/format/resource.h"
#include "core/kloset/state/internal/page_file.h"

namespace plakar::kloset {

struct RecordKey {
  static constexpr std::size_t size = 33;

  std::array<std::byte, size> bytes;

  // Precondition: `type` is less than 256, as all are that states name.
  static RecordKey of(ResourceType type, const Mac& mac) noexcept {
    RecordKey key;
    std::memcpy(key.bytes.data(), mac.bytes.data(), mac.bytes.size());
    key.bytes[32] = static_cast<std::byte>(type);
    return key;
  }
  static RecordKey at(const std::byte* record) noexcept {
    RecordKey key;
    std::memcpy(key.bytes.data(), record, size);
    return key;
  }

  ResourceType type() const noexcept {
    return static_cast<ResourceType>(std::to_integer<std::uint8_t>(bytes[32]));
  }
  Mac mac() const noexcept {
    Mac mac;
    std::memcpy(mac.bytes.data(), bytes.data(), mac.bytes.size());
    return mac;
  }

  friend auto operator<=>(const RecordKey&, const RecordKey&) = default;
};

// For tables in memory. Whoever chooses MACs, but does not know the seed, cannot choose what
// collides: two words of the MAC are multiplied with each other, each with half of the secret.
inline std::size_t hash_key(const RecordKey& key, std::uint64_t seed) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(load_le<std::uint64_t>(BytesView(key.bytes)) ^ seed) *
                       (load_le<std::uint64_t>(BytesView(key.bytes).subspan(8)) ^
                        (seed * 0x9e3779b97f4a7c15 + std::to_integer<unsigned>(key.bytes[32])));
  return static_cast<std::size_t>(product >> 64 ^ product);
}

// What orders records first.
inline std::uint64_t load_prefix(const std::byte* key) noexcept {
  return load_be<std::uint64_t>({key, 8});
}

// Like memcmp() of the keys. Their first bytes nearly always decide.
inline int compare_keys(const std::byte* a, const std::byte* b) noexcept {
  const std::uint64_t first = load_prefix(a);
  const std::uint64_t second = load_prefix(b);
  if (first != second) [[likely]]
    return first < second ? -1 : 1;
  return std::memcmp(a + 8, b + 8, RecordKey::size - 8);
}

// The integral part of count * fraction / 2^64, which is less than `count`.
inline std::uint64_t scale(std::uint64_t fraction, std::uint64_t count) noexcept {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>(static_cast<Wide>(fraction) * count >> 64);
}

enum class RecordLayout : std::uint8_t { dense, spread };

// How many records of a size go into a page, and how many are in one. A count that no writer
// can have written is taken for none.
constexpr std::size_t records_per_page(std::size_t record_size, RecordLayout layout) noexcept {
  return (page_payload_size - sizeof(std::uint16_t)) /
         (record_size + (layout == RecordLayout::spread ? 1 : 0));
}
inline std::size_t load_count(const std::byte* page, std::size_t capacity) noexcept {
  const std::size_t count =
      load_le<std::uint16_t>({page + page_payload_size - sizeof(std::uint16_t), 2});
  return count <= capacity ? count : 0;
}

// Where a spread page has its tags, and what tells most of its keys apart there.
constexpr std::size_t tags_offset(std::size_t capacity) noexcept {
  return page_payload_size - sizeof(std::uint16_t) - capacity;
}
inline std::byte tag_of(const std::byte* key) noexcept {
  // The type, too: a file of one chunk is an object with the same MAC.
  return key[16] ^ static_cast<std::byte>(std::to_integer<unsigned>(key[32]) * 0x9d);
}

// Where records are in a file.
struct RecordPages {
  std::uint64_t first_page = 0;
  std::uint64_t page_count = 0;
  std::uint64_t record_count = 0;
  std::uint64_t home_count = 0;  // of the spread layout, else 0

  friend bool operator==(const RecordPages&, const RecordPages&) = default;
};

// Writes records, in order.
class RecordWriter {
 public:
  // `pages` is at the beginning of a page, outlives the writer, and is used by it alone.
  RecordWriter(PageWriter& pages, std::size_t record_size,
               RecordLayout layout = RecordLayout::dense) noexcept;

  Status append(const std::byte* record);
  // Ends pages until the next record goes into the n-th of these or a later one.
  Status skip_to(std::uint64_t page);
  // Called once, last.
  Result<RecordPages> finish();

 private:
  Status end_page();

  PageWriter* pages_;
  std::size_t record_size_;
  RecordLayout layout_;
  std::size_t capacity_;
  std::size_t used_ = 0;
  RecordPages written_;
};

// The same for the spread layout, for about `record_count` records; more is no error.
class SpreadWriter {
 public:
  SpreadWriter(PageWriter& pages, std::size_t record_size, std::uint64_t record_count) noexcept;

  Status append(const std::byte* record);
  Result<RecordPages> finish();

 private:
  RecordWriter records_;
  std::uint64_t home_count_;
};

enum class Lookup : std::uint8_t { done, damaged };

// Calls visit(i) for the tags of a page that may be `tag`, in order, until it returns true. All
// that are, and few others.
template <class Visit>
void find_tags(const std::byte* tags, std::size_t count, std::byte tag, Visit&& visit) {
  constexpr std::uint64_t ones = 0x0101010101010101;
  const std::uint64_t wanted = ones * std::to_integer<std::uint64_t>(tag);
  std::size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const std::uint64_t differences = load_le<std::uint64_t>({tags + i, 8}) ^ wanted;
    // The high bit of every byte that is zero, and sometimes of one after such.
    for (std::uint64_t zeros = (differences - ones) & ~differences & ones << 7; zeros != 0;
         zeros &= zeros - 1) {
      if (visit(i + static_cast<std::size_t>(std::countr_zero(zeros)) / 8)) return;
    }
  }
  for (; i < count; ++i) {
    if (tags[i] == tag && visit(i)) return;
  }
}

// Calls `visit` for the records with the key, in order, until it returns true. `fetch(n)` is the
// n-th page, or null: then Lookup::damaged is returned. The pages may hold anything.
template <class Fetch, class Visit>
Lookup find_spread(const RecordPages& pages, std::size_t record_size, const RecordKey& key,
                   Fetch&& fetch, Visit&& visit) {
  if (pages.home_count == 0) return Lookup::done;
  const std::size_t capacity = records_per_page(record_size, RecordLayout::spread);
  const std::byte tag = tag_of(key.bytes.data());
  std::uint64_t at = scale(load_prefix(key.bytes.data()), pages.home_count);

  const std::byte* page = nullptr;
  std::size_t count = 0;
  const auto load = [&](std::uint64_t number) {
    page = fetch(pages.first_page + number);
    if (page != nullptr) count = load_count(page, capacity);
    return page != nullptr;
  };
  // How the last record of the page compares with the key, if the page is full. If it is not, no
  // record was pushed on from it, and none from before it, either.
  const auto compare_last = [&] {
    return count == capacity ? compare_keys(page + (count - 1) * record_size, key.bytes.data()) : 1;
  };
  // The key's records, if any, are on later pages. Where this ends to be so, it is not so on any
  // page after: it can be searched for.
  const auto is_before = [&] { return compare_last() < 0; };
  if (at >= pages.page_count) return Lookup::done;
  if (!load(at)) return Lookup::damaged;
  std::uint64_t step = 1;
  std::uint64_t before = at;  // what is_before() was true for last
  while (is_before()) {
    before = at;
    if (pages.page_count - at <= 1) return Lookup::done;
    at += std::min(step, pages.page_count - 1 - at);
    step *= 2;
    if (!load(at)) return Lookup::damaged;
  }
  while (at - before > 1) {
    const std::uint64_t middle = before + (at - before) / 2;
    if (!load(middle)) return Lookup::damaged;
    (is_before() ? before : at) = middle;
    if (at - before <= 1 && !load(at)) return Lookup::damaged;
  }

  bool stopped = false;
  while (true) {
    find_tags(page + tags_offset(capacity), count, tag, [&](std::size_t i) {
      const std::byte* const record = page + i * record_size;
      stopped = compare_keys(record, key.bytes.data()) == 0 && visit(record);
      return stopped;
    });
    if (stopped || compare_last() > 0 || ++at >= pages.page_count) return Lookup::done;
    if (!load(at)) return Lookup::damaged;
  }
}

// Records one after another, sorted.
class RecordSource {
 public:
  virtual ~RecordSource() = default;
  // The next, or null after the last. Valid until the next call.
  virtual Result<const std::byte*> next() = 0;
};

// Those of a file, in either layout, read in large pieces.
class RecordStream final : public RecordSource {
 public:
  RecordStream(const PageFile& file, const RecordPages& pages, std::size_t record_size);

  Result<const std::byte*> next() override;

 private:
  const PageFile* file_;
  std::size_t record_size_;
  std::size_t capacity_;
  std::uint64_t next_page_;
  std::uint64_t pages_left_;
  Bytes buffer_;
  std::size_t page_ = 0;    // in the buffer
  std::size_t pages_ = 0;   // in the buffer
  std::size_t record_ = 0;  // in the page
};

// Several sources as one. Records with equal keys come in the order of the sources.
class RecordMerge {
 public:
  struct Item {
    const std::byte* record = nullptr;  // null after the last
    std::size_t source = 0;
  };

  explicit RecordMerge(std::vector<std::unique_ptr<RecordSource>> sources)
      : sources_(std::move(sources)) {}

  // The record is valid until the next call.
  Result<Item> next();

 private:
  struct Head {
    std::uint64_t prefix = 0;
    const std::byte* record = nullptr;
    std::size_t source = 0;
  };

  // For a heap with the first one on top.
  static bool is_later(const Head& a, const Head& b) noexcept;
  Status push_from(std::size_t source);

  std::vector<std::unique_ptr<RecordSource>> sources_;
  std::vector<Head> heap_;
  std::size_t last_ = 0;
  bool begun_ = false;
};

}  // namespace plakar::kloset
