#include "core/connectors/fs/internal/file_reader.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "core/base/testing/file_filters.h"
#include "tests/support/temp_dir.h"

namespace plakar::connectors {
namespace {

using testing::CallKind;
using testing::FileCall;
using testing::RecordingFileCalls;
using testing::TempDir;

constexpr std::uint64_t mebibyte = 1u << 20;

// A file with data where `offsets` say, a page each, and nothing else.
std::string make_sparse(const TempDir& directory, std::uint64_t size,
                        std::initializer_list<std::uint64_t> offsets) {
  const std::string path = directory / "sparse";
  const File file =
      system_files().open(path, {.access = Access::write, .create = Create::always_new}).value();
  REQUIRE(file.truncate(size));
  for (const std::uint64_t offset : offsets) {
    REQUIRE(file.write_at(offset, Bytes(4096, std::byte{0xda})));
  }
  REQUIRE(file.sync(SyncScope::file));  // Some file systems know holes only then.
  return path;
}

std::unique_ptr<kloset::ContentReader> open(const FileSystem& files, const std::string& path) {
  File file = files.open(path).value();
  const FileStat stat = file.stat().value();
  return make_file_reader(std::move(file), stat,
                          {.size = stat.size, .modified = stat.modified, .changed = stat.changed},
                          {});
}

Bytes read_all(kloset::ContentReader& reader, std::size_t piece) {
  Bytes all;
  Bytes buffer(piece);
  for (;;) {
    const std::size_t got = reader.read(buffer).value();
    if (got == 0) return all;
    all.insert(all.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(got));
  }
}

}  // namespace

TEST_SUITE("file reader") {
  TEST_CASE("holes come as zeros, without being read") {
    const TempDir directory;
    for (const std::uint64_t last : {60 * mebibyte, 64 * mebibyte - 4096}) {
      CAPTURE(last);
      const std::string path = make_sparse(directory, 64 * mebibyte, {0, 8 * mebibyte, last});
      RecordingFileCalls calls(system_file_calls());
      const Bytes all = read_all(*open(FileSystem(calls), path), mebibyte);
      Bytes wanted(64 * mebibyte);
      for (const std::uint64_t offset : {std::uint64_t{0}, 8 * mebibyte, last}) {
        std::fill_n(wanted.begin() + static_cast<std::ptrdiff_t>(offset), 4096, std::byte{0xda});
      }
      const bool same = all == wanted;
      CHECK(same);
      // Where holes are not known, all is data.
      if (system_files().stat(path)->allocated_bytes < mebibyte) {
        std::int64_t read = 0;
        for (const FileCall& call : calls.calls(CallKind::read_at)) read += call.result;
        CHECK(read < static_cast<std::int64_t>(2 * mebibyte));
      }
      REQUIRE(system_files().remove_file(path));
    }
  }

  TEST_CASE("a file that is one hole of a terabyte costs no reading") {
    const TempDir directory;
    const std::string path = directory / "hole";
    const File file =
        system_files().open(path, {.access = Access::write, .create = Create::always_new}).value();
    if (!file.truncate(std::uint64_t{1} << 40)) return;  // Too large for the file system.
    RecordingFileCalls calls(system_file_calls());
    const auto reader = open(FileSystem(calls), path);
    Bytes buffer(mebibyte, std::byte{1});
    for (int i = 0; i < 20; ++i) {
      CHECK(reader->read(buffer).value() == buffer.size());
      CHECK(std::all_of(buffer.begin(), buffer.end(),
                        [](std::byte byte) { return byte == std::byte{0}; }));
    }
    CHECK(calls.calls(CallKind::read_at).empty());
  }

  TEST_CASE("what is written into a hole before it is reached may be missed, but nothing else") {
    const TempDir directory;
    const std::string path = make_sparse(directory, 4 * mebibyte, {0, 3 * mebibyte});
    const auto reader = open(system_files(), path);
    Bytes page(4096);
    CHECK(reader->read(page).value() == page.size());
    const File file = system_files().open(path, {.access = Access::write}).value();
    REQUIRE(file.write_at(3 * mebibyte, Bytes(4096, std::byte{0xee})));
    REQUIRE(file.write_at(4 * mebibyte, Bytes(4096, std::byte{0xff})));
    const Bytes rest = read_all(*reader, 100'000);
    REQUIRE(rest.size() == 4 * mebibyte);
    CHECK(rest[3 * mebibyte - 4096] == std::byte{0xee});
    CHECK(rest.back() == std::byte{0xff});
  }

  TEST_CASE("a file that shrinks, also within a hole, is read to where it ends then") {
    const TempDir directory;
    const std::string path = make_sparse(directory, 8 * mebibyte, {0, 7 * mebibyte});
    const auto reader = open(system_files(), path);
    Bytes page(4096);
    CHECK(reader->read(page).value() == page.size());
    REQUIRE(::truncate(path.c_str(), static_cast<off_t>(mebibyte)) == 0);
    CHECK(read_all(*reader, 64 * 1024).size() == mebibyte - 4096);
    CHECK(reader->read(page).value() == 0);
  }

  TEST_CASE("a file that nobody wrote to is confirmed, any change since it was found is not") {
    const TempDir directory;
    const std::string path = directory / "f";
    const File file =
        system_files().open(path, {.access = Access::write, .create = Create::always_new}).value();
    // Long ago: a test is quicker than the clock of file systems.
    const UnixTime past{.seconds = 1'000'000'000, .nanoseconds = 0};
    const auto make_old = [&] { REQUIRE(file.set_times({.accessed = {}, .modified = past})); };
    const auto confirm_after = [&](const auto& change) {
      REQUIRE(file.truncate(10'000));
      make_old();
      const auto reader = open(system_files(), path);
      Bytes some(5000);
      REQUIRE(reader->read(some).value() == some.size());
      change();
      read_all(*reader, 5000);
      return reader->confirm();
    };
    CHECK(confirm_after([] {}));
    const Status rewritten =
        confirm_after([&] { REQUIRE(file.write_at(0, Bytes(10'000, std::byte{2}))); });
    REQUIRE_FALSE(rewritten);
    CHECK(rewritten.error().code() == Errc::conflict);
    CHECK(rewritten.error().message().find("it was written to") != std::string::npos);
    const Status grown = confirm_after([&] { REQUIRE(file.truncate(10'001)); });
    REQUIRE_FALSE(grown);
    CHECK(grown.error().message().find("from 10000 to 10001 bytes") != std::string::npos);
    CHECK_FALSE(confirm_after([&] { REQUIRE(file.truncate(100)); }));
    // Behind the back of the time of modification.
    CHECK_FALSE(confirm_after([&] {
      const UnixTime before = file.stat()->changed;
      do {
        REQUIRE(file.write_at(0, Bytes(100, std::byte{3})));
        make_old();
      } while (file.stat()->changed == before);
    }));
  }
}

}  // namespace plakar::connectors
