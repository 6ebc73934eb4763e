#include "core/base/testing/file_filters.h"

#include <doctest/doctest.h>

#include "core/base/file_system.h"
#include "core/base/files.h"
#include "core/base/testing/seeded_random.h"

namespace plakar::testing {
namespace {

constexpr OpenOptions new_file{.access = Access::read_write, .create = Create::always_new};

// Some work that uses both kinds of reading and writing.
Status write_and_copy(const FileSystem& files) {
  const File from = PLK_TRY(files.open("/from", new_file));
  PLK_TRY(from.write_at(0, as_bytes("0123456789")));
  const File to = PLK_TRY(files.open("/to", new_file));
  Bytes buffer(10);
  PLK_TRY(from.read_exactly(0, buffer));
  const BytesView parts[] = {BytesView(buffer).first(3), BytesView(buffer).subspan(3)};
  PLK_TRY(to.write_at(0, parts));
  PLK_TRY(to.sync(SyncScope::file));
  return sync_directory(files, "/");
}

}  // namespace

TEST_SUITE("file filters") {
  TEST_CASE("a recording tells what was called, on what, in order") {
    MemoryDisk disk;
    RecordingFileCalls recording(disk);
    REQUIRE(write_and_copy(FileSystem(recording)));
    std::string all;
    for (const FileCall& call : recording.calls()) {
      if (call.kind != CallKind::open) all += call.describe() + "\n";
    }
    CHECK(all ==
          "write_at /from at 0, 10 bytes = 10\n"
          "read_at /from at 0, 10 bytes = 10\n"
          "write_at /to at 0, 10 bytes = 10\n"
          "sync /to = 0\n"
          "sync / = 0\n"
          "close / = 0\n"
          "close /to = 0\n"
          "close /from = 0\n");
    CHECK(recording.calls(CallKind::open).size() == 3);
    recording.clear();
    CHECK(recording.calls().empty());
    static_cast<void>(FileSystem(recording).rename("/a", "/b"));
    CHECK(recording.calls()[0].describe() == "rename /a -> /b = -2");
  }

  TEST_CASE("every call that fails is reported, with its own error") {
    for (const int error : {EIO, ENOSPC, EDQUOT}) {
      std::uint64_t nth = 1;
      for (;; ++nth) {
        MemoryDisk disk;
        FaultyFileCalls faulty(disk, {.nth = nth, .error = error});
        const Status done = write_and_copy(FileSystem(faulty));
        if (!faulty.fired()) {
          CHECK(done);
          break;
        }
        CAPTURE(nth);
        CHECK(disk.open_handles() == 0);
        // Only closing may fail unnoticed: it follows a sync, or nothing was written.
        if (nth <= 8) CHECK(done.error().code() == (error == EIO ? Errc::io : Errc::out_of_space));
      }
      CHECK(nth == 12);
    }
  }

  TEST_CASE("interrupted and short calls are completed") {
    for (std::uint64_t nth = 1;; ++nth) {
      MemoryDisk disk;
      FaultyFileCalls faulty(disk, {.nth = nth, .error = EINTR});
      const FileSystem files(faulty);
      const Status done = write_and_copy(files);
      if (!faulty.fired()) break;
      CAPTURE(nth);
      // A sync is not repeated: what it has lost is unknown.
      const bool is_sync = nth == 6 || nth == 8;
      CHECK(done.has_value() != is_sync);
    }
    MemoryDisk disk;
    FaultyFileCalls faulty(disk, {.short_length = 1, .repeats = true});
    REQUIRE(write_and_copy(FileSystem(faulty)));
    CHECK(as_text(read_file(FileSystem(disk), "/to", 100).value()) == "0123456789");
    CHECK(faulty.matched() == 30);
  }

  TEST_CASE("faults hit the kind and the path they name") {
    MemoryDisk disk;
    FaultyFileCalls faulty(disk, {.nth = 2, .kind = CallKind::open, .path_contains = "o"});
    CHECK(write_and_copy(FileSystem(faulty)).error().message() == "open /to: Input/output error");
    FaultyFileCalls moved(disk, {.kind = CallKind::rename, .happens = true});
    CHECK_FALSE(FileSystem(moved).rename("/from", "/gone"));
    CHECK(FileSystem(disk).stat("/gone"));
  }

  TEST_CASE("a failed sync loses the content, whatever the next one says") {
    MemoryDisk disk;
    FaultyFileCalls faulty(disk, {.kind = CallKind::sync});
    const FileSystem files(faulty);
    const File file = files.open("/a", new_file).value();
    REQUIRE(file.write(as_bytes("x")));
    CHECK(file.sync(SyncScope::file).error().code() == Errc::io);
    CHECK(file.sync(SyncScope::file));
    const auto after = disk.crash({.content = Survival::kept, .names = Survival::kept});
    CHECK(FileSystem(*after).stat("/a").value().size == 0);
  }

  TEST_CASE("power fails after each call that changes the disk, and only there") {
    MemoryDisk disk;
    std::uint64_t found = 0;
    CrashPoints points(disk,
                       [&](MemoryDisk& after, const CrashPoint& point) {
                         CHECK_FALSE(point.description.empty());
                         CHECK(after.open_handles() == 0);
                         if (FileSystem(after).find("/to").value()) ++found;
                       },
                       {.seed = 1, .random_states = 4});
    REQUIRE(write_and_copy(FileSystem(points)));
    // Three opens, two writes, two syncs.
    CHECK(points.states_checked() == 7 * 8);
    CHECK(found > 8);
    CHECK(found < 40);
  }

  // What write_file_atomically() promises, in full.
  TEST_CASE("after any crash a file written atomically is the old or the new one") {
    const std::uint64_t seed = test_seed();
    CAPTURE(seed);
    SeededRandom random(seed);
    const Bytes old_content = random.bytes(20'000);
    const Bytes new_content = random.bytes(30'000);
    MemoryDisk disk;
    REQUIRE(make_directories(FileSystem(disk), "/etc/x"));
    REQUIRE(write_file_atomically(FileSystem(disk), random, "/etc/x/f", old_content));
    REQUIRE(sync_directory(FileSystem(disk), "/etc"));
    REQUIRE(sync_directory(FileSystem(disk), "/"));
    std::uint64_t old_seen = 0;
    std::uint64_t new_seen = 0;
    {
      CrashPoints points(disk,
                         [&](MemoryDisk& after, const CrashPoint& point) {
                           CAPTURE(point.description);
                           const auto found = read_file(FileSystem(after), "/etc/x/f", 1 << 20);
                           REQUIRE(found);
                           CHECK((*found == old_content || *found == new_content));
                           ++(*found == old_content ? old_seen : new_seen);
                         },
                         {.seed = seed, .random_states = 200});
      REQUIRE(write_file_atomically(FileSystem(points), random, "/etc/x/f", new_content));
      CHECK(points.states_checked() > 1000);
    }
    CHECK(old_seen > 0);
    CHECK(new_seen > 0);
    // And once it has returned, it is the new one.
    for (std::uint64_t i = 0; i < 200; ++i) {
      const auto after = disk.crash({Survival::random, Survival::random, seed + i});
      CHECK(read_file(FileSystem(*after), "/etc/x/f", 1 << 20).value() == new_content);
    }
  }

  // Without these the proof above could be of nothing.
  TEST_CASE("crashes find every step that a careless writer leaves out") {
    enum class Careless { in_place, without_sync, without_directory_sync };
    for (const Careless way :
         {Careless::in_place, Careless::without_sync, Careless::without_directory_sync}) {
      MemoryDisk disk;
      SeededRandom random(1);
      REQUIRE(write_file_atomically(FileSystem(disk), random, "/f", as_bytes("old")));
      bool torn = false;
      CrashPoints points(disk, [&](MemoryDisk& after, const CrashPoint&) {
        const auto found = read_file(FileSystem(after), "/f", 100);
        torn |= !found || (as_text(*found) != "old" && as_text(*found) != "new");
      });
      const FileSystem files(points);
      if (way == Careless::in_place) {
        const File file =
            files.open("/f", {.access = Access::write, .create = Create::truncate}).value();
        REQUIRE(file.write(as_bytes("new")));
        REQUIRE(file.sync(SyncScope::file));
        CHECK(torn);
        continue;
      }
      const File file = files.open("/tmp", new_file).value();
      REQUIRE(file.write(as_bytes("new")));
      if (way != Careless::without_sync) REQUIRE(file.sync(SyncScope::file));
      REQUIRE(files.rename("/tmp", "/f"));
      if (way != Careless::without_directory_sync) REQUIRE(sync_directory(files, "/"));
      CHECK(torn == (way == Careless::without_sync));
      // Success was reported, and is not what the next start finds.
      const auto after = disk.crash({.content = Survival::lost, .names = Survival::lost});
      CHECK(as_text(read_file(FileSystem(*after), "/f", 100).value()) != "new");
    }
  }

  TEST_CASE("whatever call fails, a file written atomically keeps the old content or has the new") {
    for (const int error : {EIO, ENOSPC, EINTR}) {
      for (std::uint64_t nth = 1;; ++nth) {
        MemoryDisk disk;
        SeededRandom random(nth);
        const FileSystem files(disk);
        REQUIRE(write_file_atomically(files, random, "/f", as_bytes("old")));
        FaultyFileCalls faulty(disk, {.nth = nth, .error = error});
        const Status done =
            write_file_atomically(FileSystem(faulty), random, "/f", as_bytes("new"));
        if (!faulty.fired()) break;
        CAPTURE(nth);
        CAPTURE(error);
        const std::string content = to_text(read_file(files, "/f", 100).value());
        if (done) CHECK(content == "new");
        // Before the last step, which makes the name durable, failure means the old one.
        const bool renamed =
            !done && done.error().message().find("is written") != std::string::npos;
        if (!done && !renamed) CHECK(content == "old");
        CHECK(list_directory(files, "/").value().size() == 1);
        CHECK(disk.open_handles() == 0);
        const auto after = disk.crash({.content = Survival::lost, .names = Survival::lost});
        const std::string survived = to_text(read_file(FileSystem(*after), "/f", 100).value());
        CHECK(survived == (done ? "new" : "old"));
      }
    }
  }
}

}  // namespace plakar::testing
