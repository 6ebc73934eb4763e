#include "core/connectors/fs/staged_file.h"

#include <doctest/doctest.h>

#include <optional>

#include "core/base/file_system.h"
#include "core/base/files.h"
#include "core/base/testing/file_filters.h"
#include "core/base/testing/memory_disk.h"
#include "core/base/testing/seeded_random.h"

namespace plakar::connectors {
namespace {

using testing::CallKind;
using testing::FaultyFileCalls;
using testing::MemoryDisk;
using testing::RecordingFileCalls;

constexpr std::size_t piece = StagedFile::piece_size;

// A directory "/d" on a disk in memory, seen through `calls`.
class Place {
 public:
  explicit Place(FileCalls& calls) : files_(calls) {
    static_cast<void>(files_.make_directory("/d", 0700));
    writers_ = flow::ThreadPool::start({.name = "test", .threads = 2}).value();
  }

  Env env() {
    const Env system = system_env();
    return {
        .clock = system.clock, .random = random_, .files = files_, .processes = system.processes};
  }
  const FileSystem& files() const { return files_; }

  Result<StagedFile> create(std::uint64_t size_hint) {
    return StagedFile::create(
        env(), {.directory = "/d", .size_hint = size_hint, .writers = writers_.get()});
  }
  Status store(std::string_view name, BytesView content, std::uint64_t size_hint,
               Replace replace = Replace::yes) {
    StagedFile file = PLK_TRY(create(size_hint));
    PLK_TRY(file.write(content));
    PLK_TRY(file.seal());
    return file.publish("/d", name, replace);
  }
  std::optional<Bytes> content(const std::string& name) const {
    const auto bytes = read_file(files_, "/d/" + name, 64u << 20);
    return bytes ? std::optional(*bytes) : std::nullopt;
  }
  std::size_t entries() const { return list_directory(files_, "/d").value().size(); }

 private:
  FileSystem files_;
  testing::SeededRandom random_{5};
  std::unique_ptr<flow::ThreadPool> writers_;
};

Bytes some_bytes(std::size_t size) { return testing::SeededRandom(size).bytes(size); }

}  // namespace

TEST_SUITE("staged file") {
  TEST_CASE("content of any length is there after publishing, and nothing else") {
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, piece - 1, piece, piece + 1, 3 * piece + 4097}) {
      for (const std::uint64_t hint : {UINT64_C(0), UINT64_C(8) << 20, UINT64_MAX}) {
        CAPTURE(size);
        CAPTURE(hint);
        MemoryDisk disk;
        Place place(disk);
        const Bytes bytes = some_bytes(size);
        REQUIRE(place.store("name", bytes, hint));
        CHECK(place.content("name") == bytes);
        CHECK(place.entries() == 1);
        CHECK(disk.open_handles() == 0);
      }
    }
  }

  TEST_CASE("without threads it does the same") {
    MemoryDisk disk;
    Place place(disk);
    auto file = StagedFile::create(place.env(), {.directory = "/d", .size_hint = 16u << 20});
    REQUIRE(file);
    const Bytes bytes = some_bytes(3 * piece + 5);
    REQUIRE(file->write(bytes));
    CHECK(file->size() == bytes.size());
    REQUIRE(file->seal());
    REQUIRE(file->publish("/d", "name", Replace::no));
    CHECK(place.content("name") == bytes);
  }

  TEST_CASE("a file that is given up is gone, even while a piece of it is being written") {
    MemoryDisk disk;
    Place place(disk);
    {
      auto file = place.create(16u << 20);
      REQUIRE(file);
      REQUIRE(file->write(some_bytes(2 * piece + 1)));
    }
    CHECK(place.entries() == 0);
    CHECK(disk.open_handles() == 0);
  }

  TEST_CASE("large files are written in whole pieces, each reserved space used or given back") {
    MemoryDisk disk;
    RecordingFileCalls calls(disk);
    Place place(calls);
    calls.clear();
    REQUIRE(place.store("name", some_bytes(2 * piece + 100), 64u << 20));
    const auto writes = calls.calls(CallKind::write_at);
    REQUIRE(writes.size() == 3);
    CHECK(writes[0].length == piece);
    CHECK(writes[1].length == piece);
    CHECK(writes[2].length == 4096);
    CHECK(calls.calls(CallKind::allocate).size() == 1);
    CHECK(calls.calls(CallKind::truncate).size() == 1);
    CHECK(calls.calls(CallKind::write_back).empty());
  }

  TEST_CASE("the order is: content, its sync, the name, the name's sync") {
    MemoryDisk disk;
    RecordingFileCalls calls(disk);
    Place place(calls);
    calls.clear();
    REQUIRE(place.store("name", as_bytes("content"), 0));
    std::vector<CallKind> order;
    for (const auto& call : calls.calls()) {
      if (testing::changes_disk(call.kind) && call.kind != CallKind::open) {
        order.push_back(call.kind);
      }
    }
    CHECK(order ==
          std::vector{CallKind::write_at, CallKind::sync, CallKind::rename, CallKind::sync});
  }

  TEST_CASE("a file system that refuses direct writes at opening gets ordinary ones") {
    MemoryDisk disk;
    FaultyFileCalls calls(
        disk, {.nth = 1, .kind = CallKind::open, .path_contains = "tmp.", .error = EINVAL});
    RecordingFileCalls recording(calls);
    Place place(recording);
    const Bytes bytes = some_bytes(2 * piece + 100);
    REQUIRE(place.store("name", bytes, 64u << 20));
    CHECK(calls.fired());
    CHECK(place.content("name") == bytes);
    // What was written is asked to leave the cache again.
    CHECK(recording.calls(CallKind::write_back).size() == 3);
    CHECK(recording.calls(CallKind::advise).size() == 1);
  }

  TEST_CASE("a device that refuses direct writes at the first one gets ordinary ones") {
    MemoryDisk disk;
    FaultyFileCalls calls(disk, {.nth = 1, .kind = CallKind::write_at, .error = EINVAL});
    Place place(calls);
    const Bytes bytes = some_bytes(3 * piece + 100);
    REQUIRE(place.store("name", bytes, 64u << 20));
    CHECK(calls.fired());
    CHECK(place.content("name") == bytes);
  }

  TEST_CASE("a file system that cannot reserve space goes on without") {
    MemoryDisk disk;
    FaultyFileCalls calls(disk, {.nth = 1, .kind = CallKind::allocate, .error = EOPNOTSUPP});
    Place place(calls);
    CHECK(place.store("name", some_bytes(2 * piece), 64u << 20));
    CHECK(calls.fired());
  }

  TEST_CASE("short writes are completed, interrupted ones repeated") {
    const Bytes bytes = some_bytes(2 * piece + 100);
    MemoryDisk disk;
    FaultyFileCalls calls(disk,
                          {.nth = 2, .kind = CallKind::write_at, .short_length = UINT64_C(8192)});
    Place place(calls);
    REQUIRE(place.store("name", bytes, 64u << 20));
    CHECK(place.content("name") == bytes);
    FaultyFileCalls interrupted(disk, {.nth = 2, .kind = CallKind::write_at, .error = EINTR});
    Place other(interrupted);
    REQUIRE(other.store("other", bytes, 64u << 20));
    CHECK(other.content("other") == bytes);
  }

  TEST_CASE("after a failed write every call fails, and nothing is left") {
    MemoryDisk disk;
    FaultyFileCalls calls(disk, {.nth = 2, .kind = CallKind::write_at, .error = ENOSPC});
    Place place(calls);
    {
      auto file = place.create(64u << 20);
      REQUIRE(file);
      Status last;
      for (int i = 0; i < 5 && last; ++i) last = file->write(some_bytes(piece));
      REQUIRE_FALSE(last);
      CHECK(last.error().code() == Errc::out_of_space);
      CHECK_FALSE(file->write(as_bytes("x")));
      CHECK_FALSE(file->seal());
      CHECK_FALSE(file->publish("/d", "name", Replace::yes));
    }
    CHECK(place.entries() == 0);
  }

  TEST_CASE("a failed sync is not tried again, and the content may be written to another file") {
    MemoryDisk disk;
    FaultyFileCalls calls(disk, {.nth = 1, .kind = CallKind::sync, .path_contains = "tmp."});
    Place place(calls);
    {
      auto file = place.create(0);
      REQUIRE(file);
      REQUIRE(file->write(as_bytes("content")));
      CHECK_FALSE(file->seal());
      CHECK_FALSE(file->seal());
      CHECK_FALSE(file->publish("/d", "name", Replace::yes));
    }
    CHECK(place.entries() == 0);
    CHECK(place.store("name", as_bytes("content"), 0));
  }

  TEST_CASE("a new name that cannot be made durable is taken back, a replaced one stays") {
    MemoryDisk disk;
    const testing::Fault fault{.nth = 1, .kind = CallKind::sync, .path_contains = "/d"};
    {
      // The first sync is the file's: the second one of "/d..." is the directory's.
      testing::Fault second = fault;
      second.nth = 2;
      FaultyFileCalls calls(disk, second);
      Place place(calls);
      CHECK_FALSE(place.store("name", as_bytes("one"), 0));
      CHECK(place.entries() == 0);
    }
    Place sound(disk);
    REQUIRE(sound.store("name", as_bytes("one"), 0));
    {
      testing::Fault second = fault;
      second.nth = 2;
      FaultyFileCalls calls(disk, second);
      Place place(calls);
      CHECK_FALSE(place.store("name", as_bytes("two"), 0));
    }
    CHECK(as_text(sound.content("name").value()) == "two");
  }

  TEST_CASE("Replace::no refuses what exists, also where renaming and linking cannot") {
    for (const int refusal : {0, 1, 2}) {
      CAPTURE(refusal);
      MemoryDisk disk;
      FaultyFileCalls no_links(disk, {.nth = refusal == 2 ? 1u : 1000u,
                                      .kind = CallKind::link,
                                      .error = EPERM,
                                      .repeats = true});
      FaultyFileCalls calls(
          no_links, {.nth = refusal >= 1 ? 1u : 1000u, .kind = CallKind::rename, .error = EINVAL});
      Place place(calls);
      REQUIRE(place.store("name", as_bytes("one"), 0, Replace::no));
      CHECK(place.entries() == 1);
      FaultyFileCalls again(
          no_links, {.nth = refusal >= 1 ? 1u : 1000u, .kind = CallKind::rename, .error = EINVAL});
      Place other(again);
      const Status second = other.store("name", as_bytes("two"), 0, Replace::no);
      REQUIRE_FALSE(second);
      CHECK(second.error().code() == Errc::already_exists);
      CHECK(as_text(other.content("name").value()) == "one");
      CHECK(other.entries() == 1);
      FaultyFileCalls third(
          no_links, {.nth = refusal >= 1 ? 1u : 1000u, .kind = CallKind::rename, .error = EINVAL});
      Place last(third);
      REQUIRE(last.store("name", as_bytes("three"), 0, Replace::yes));
      CHECK(as_text(last.content("name").value()) == "three");
      CHECK(last.entries() == 1);
    }
  }

  TEST_CASE("a directory that is missing may be made, and publishing tried again") {
    MemoryDisk disk;
    Place place(disk);
    auto file = place.create(0);
    REQUIRE(file);
    REQUIRE(file->write(as_bytes("x")));
    REQUIRE(file->seal());
    CHECK(file->publish("/d/missing", "name", Replace::yes).error().code() == Errc::not_found);
    REQUIRE(place.files().make_directory("/d/missing", 0700));
    CHECK(file->publish("/d/missing", "name", Replace::yes));
    CHECK(place.content("missing/name").has_value());
  }

  TEST_CASE("while it is under way it is locked") {
    MemoryDisk disk;
    Place place(disk);
    auto file = place.create(0);
    REQUIRE(file);
    const auto other = place.files().open(file->temporary_path());
    REQUIRE(other);
    CHECK(other->lock(LockMode::exclusive, Wait::no).error().code() == Errc::conflict);
  }
}

}  // namespace plakar::connectors
