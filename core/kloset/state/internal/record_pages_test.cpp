#include "core/kloset/state/internal/record_pages.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "core/base/testing/memory_disk.h"
#include "core/base/testing/seeded_random.h"

namespace plakar::kloset {
namespace {

using testing::MemoryDisk;
using testing::SeededRandom;

constexpr std::size_t record_size = RecordKey::size + 3;
constexpr std::uint64_t nonce = 42;

using Record = std::array<std::byte, record_size>;

Record make_record(RecordKey key, std::uint8_t value) {
  Record record{};
  std::copy(key.bytes.begin(), key.bytes.end(), record.begin());
  record.back() = std::byte{value};
  return record;
}

RecordKey random_key(SeededRandom& random) {
  return RecordKey::of(ResourceType::chunk, Mac::random(random));
}

// Evenly distributed ones, and some that begin with the same `same` bytes.
std::vector<Record> sorted_records(SeededRandom& random, std::size_t even, std::size_t clustered,
                                   std::size_t same) {
  std::vector<Record> records;
  const RecordKey first = random_key(random);
  for (std::size_t i = 0; i < even + clustered; ++i) {
    RecordKey key = random_key(random);
    if (i >= even) std::copy_n(first.bytes.begin(), same, key.bytes.begin());
    // Some keys several times.
    for (std::uint64_t n = 0, count = random.below(16) == 0 ? 4 : 1; n < count; ++n) {
      records.push_back(make_record(key, static_cast<std::uint8_t>(n)));
    }
  }
  std::stable_sort(records.begin(), records.end(), [](const Record& a, const Record& b) {
    return compare_keys(a.data(), b.data()) < 0;
  });
  return records;
}

struct Written {
  MemoryDisk disk;
  FileSystem files{disk};
  RecordPages pages;
  std::unique_ptr<PageFile> file;

  explicit Written(const std::vector<Record>& records, std::uint64_t count_hint) {
    File made =
        files.open("file", {.access = Access::read_write, .create = Create::always_new}).value();
    PageWriter writer(made, nonce, 0);
    SpreadWriter spread(writer, record_size, count_hint);
    for (const Record& record : records) REQUIRE(spread.append(record.data()));
    pages = spread.finish().value();
    REQUIRE(writer.flush());
    // Too little for all pages: what is not mapped must be the same.
    auto limit = std::make_shared<ResidentLimit>(2 * 64 * 1024);
    file = PageFile::map(std::move(made), writer.number(), nonce, std::move(limit)).value();
  }

  std::vector<Record> find(const RecordKey& key, std::size_t* fetched = nullptr) const {
    std::vector<Record> found;
    PageBuffer buffer;
    const Lookup done = find_spread(
        pages, record_size, key,
        [&](std::uint64_t number) {
          if (fetched != nullptr) ++*fetched;
          return file->find_page(number, buffer);
        },
        [&](const std::byte* at) {
          Record record;
          std::copy_n(at, record_size, record.begin());
          found.push_back(record);
          return false;
        });
    REQUIRE(done == Lookup::done);
    return found;
  }
};

}  // namespace

TEST_SUITE("record pages") {
  TEST_CASE("every record is found, with its repetitions in order, and nothing else") {
    const std::uint64_t seed = testing::test_seed();
    CAPTURE(seed);
    SeededRandom random(seed);
    struct Shape {
      std::size_t even, clustered, same;
      std::uint64_t count_hint;
    };
    for (const Shape& shape :
         {Shape{0, 0, 0, 0}, Shape{1, 0, 0, 1}, Shape{20'000, 0, 0, 20'000},
          Shape{20'000, 0, 0, 0},      // far more than was said: all on one page and after
          Shape{3'000, 0, 0, 50'000},  // far fewer
          Shape{5'000, 5'000, 8, 10'000}, Shape{5'000, 5'000, 1, 10'000},
          Shape{0, 5'000, 31, 5'000}}) {
      CAPTURE(shape.even);
      CAPTURE(shape.clustered);
      CAPTURE(shape.same);
      CAPTURE(shape.count_hint);
      const auto records = sorted_records(random, shape.even, shape.clustered, shape.same);
      const Written written(records, shape.count_hint);
      CHECK(written.pages.record_count == records.size());
      for (auto at = records.begin(); at != records.end();) {
        const auto end = std::find_if(at, records.end(), [&](const Record& record) {
          return compare_keys(record.data(), at->data()) != 0;
        });
        REQUIRE(written.find(RecordKey::at(at->data())) == std::vector<Record>(at, end));
        RecordKey near = RecordKey::at(at->data());
        near.bytes[32] = static_cast<std::byte>(ResourceType::object);
        REQUIRE(written.find(near).empty());
        at = end;
      }
      for (int i = 0; i < 2'000; ++i) REQUIRE(written.find(random_key(random)).empty());

      RecordStream stream(*written.file, written.pages, record_size);
      for (const Record& record : records) {
        const auto next = stream.next();
        REQUIRE(next);
        REQUIRE(*next != nullptr);
        REQUIRE(std::equal(record.begin(), record.end(), *next));
      }
      CHECK(stream.next() == nullptr);
    }
  }

  TEST_CASE("a lookup takes little more than one page, and few in the worst of cases") {
    const std::uint64_t seed = testing::test_seed();
    CAPTURE(seed);
    SeededRandom random(seed);
    const auto even = sorted_records(random, 50'000, 0, 0);
    const Written evenly(even, even.size());
    std::size_t fetched = 0;
    for (const Record& record : even) evenly.find(RecordKey::at(record.data()), &fetched);
    CHECK(fetched < even.size() * 5 / 4);

    const auto same = sorted_records(random, 0, 50'000, 16);
    const Written clustered(same, same.size());
    for (const Record& record : same) {
      fetched = 0;
      clustered.find(RecordKey::at(record.data()), &fetched);
      REQUIRE(fetched < 40);
    }
  }

  TEST_CASE("a page of another place, file or content is none") {
    SeededRandom random(1);
    const auto records = sorted_records(random, 500, 0, 0);
    const Written written(records, records.size());
    Bytes page(page_size);
    REQUIRE(written.file->read_pages(2, page));
    CHECK(is_sealed_page(page, {nonce, 2}));
    CHECK_FALSE(is_sealed_page(page, {nonce, 3}));
    CHECK_FALSE(is_sealed_page(page, {nonce + 1, 2}));
    for (std::size_t at = 0; at < page.size(); ++at) {
      page[at] ^= std::byte{4};
      REQUIRE_FALSE(is_sealed_page(page, {nonce, 2}));
      page[at] ^= std::byte{4};
    }
    CHECK_FALSE(is_sealed_page(Bytes(page_size), {nonce, 2}));
    PageBuffer buffer;
    CHECK(written.file->find_page(written.file->page_count(), buffer) == nullptr);
    CHECK(written.file->find_page(UINT64_MAX, buffer) == nullptr);
  }

  TEST_CASE("files share how much is mapped, and what is not mapped is read, and checked") {
    constexpr std::uint64_t page_count = 64;
    MemoryDisk disk;
    const FileSystem files(disk);
    const auto make = [&](const std::string& name, std::uint64_t damaged) {
      File made =
          files.open(name, {.access = Access::read_write, .create = Create::always_new}).value();
      PageWriter writer(made, nonce, 0);
      for (std::uint64_t i = 0; i < page_count; ++i) {
        writer.payload()[0] = static_cast<std::byte>(i);
        REQUIRE(writer.next_page());
      }
      REQUIRE(writer.flush());
      const std::byte flipped[] = {std::byte{0xff}};
      REQUIRE(made.write_at(damaged * page_size, flipped));
      return made;
    };
    const auto limit = std::make_shared<ResidentLimit>(3 * 64 * 1024);
    auto first = PageFile::map(make("first", 5), page_count, nonce, limit).value();
    const auto second = PageFile::map(make("second", 40), page_count, nonce, limit).value();
    PageBuffer buffer;
    // How many pages come from the mapping.
    const auto read_all = [&](const PageFile& file, std::uint64_t damaged) {
      std::uint64_t mapped = 0;
      for (std::uint64_t i = 0; i < page_count; ++i) {
        const std::byte* const page = file.find_page(i, buffer);
        CAPTURE(i);
        if (i == damaged) {
          REQUIRE(page == nullptr);
          continue;
        }
        REQUIRE(page != nullptr);
        REQUIRE(std::to_integer<std::uint64_t>(page[0]) == i);
        if (page != buffer.bytes) ++mapped;
      }
      return mapped;
    };
    for (int round = 0; round < 2; ++round) {
      CHECK(read_all(*first, 5) == 3 * 16 - 1);
      CHECK(read_all(*second, 40) == 0);
    }
    first.reset();
    CHECK(read_all(*second, 40) == 3 * 16 - 1);
  }

  TEST_CASE("pages of any content are searched without harm") {
    const std::uint64_t seed = testing::test_seed();
    CAPTURE(seed);
    SeededRandom random(seed);
    for (int round = 0; round < 300; ++round) {
      const std::size_t page_count = 1 + random.below(20);
      std::vector<Bytes> pages;
      for (std::size_t i = 0; i < page_count; ++i) {
        Bytes page = random.bytes(page_size);
        const std::size_t capacity = records_per_page(record_size, RecordLayout::spread);
        store_le(std::span(page).subspan(page_payload_size - 2),
                 static_cast<std::uint16_t>(random.coin() ? capacity : random.below(capacity * 2)));
        pages.push_back(std::move(page));
      }
      const RecordPages layout{.first_page = 0,
                               .page_count = page_count,
                               .record_count = random.next(),
                               .home_count = 1 + random.below(page_count)};
      for (int i = 0; i < 20; ++i) {
        std::size_t fetched = 0;
        find_spread(
            layout, record_size, random_key(random),
            [&](std::uint64_t number) -> const std::byte* {
              REQUIRE(number < page_count);
              ++fetched;
              return random.below(30) == 0 ? nullptr : pages[number].data();
            },
            [](const std::byte*) { return false; });
        REQUIRE(fetched < 3 * page_count + 10);
      }
    }
  }
}

}  // namespace plakar::kloset
