#include "core/base/testing/memory_disk.h"

#include <doctest/doctest.h>

#include <set>

#include "core/base/file_system.h"
#include "core/base/files.h"
#include "core/base/testing/seeded_random.h"

namespace plakar::testing {
namespace {

constexpr OpenOptions new_file{.access = Access::read_write, .create = Create::always_new};
constexpr CrashOptions all_lost{.content = Survival::lost, .names = Survival::lost};
constexpr CrashOptions all_kept{.content = Survival::kept, .names = Survival::kept};
constexpr CrashOptions names_only{.content = Survival::lost, .names = Survival::kept};

struct Fixture {
  MemoryDisk disk;
  FileSystem files{disk};

  File make(std::string_view path, std::string_view content) {
    File file = files.open(path, new_file).value();
    REQUIRE(file.write_at(0, as_bytes(content)));
    return file;
  }
  // A file whose content and name would survive.
  File make_durable(std::string_view path, std::string_view content) {
    File file = make(path, content);
    REQUIRE(file.sync(SyncScope::file));
    REQUIRE(sync_directory(files, "/"));
    return file;
  }
};

std::string content_after(const MemoryDisk& disk, const CrashOptions& options, At at) {
  const auto after = disk.crash(options);
  auto bytes = read_file(FileSystem(*after), at, 1 << 20);
  return bytes ? to_text(*bytes) : "(none)";
}

std::size_t count_after(const MemoryDisk& disk, const CrashOptions& options, At at) {
  const auto after = disk.crash(options);
  return list_directory(FileSystem(*after), at).value().size();
}

}  // namespace

TEST_SUITE("memory disk") {
  TEST_CASE("what was not synced can be lost, and what was is kept") {
    Fixture f;
    const File file = f.make("/a", "one");
    CHECK(content_after(f.disk, all_lost, "/a") == "(none)");
    CHECK(content_after(f.disk, all_kept, "/a") == "one");
    // The classic: the name is there, and the file is empty.
    CHECK(content_after(f.disk, names_only, "/a").empty());
    REQUIRE(file.sync(SyncScope::data));
    CHECK(content_after(f.disk, all_lost, "/a") == "(none)");
    CHECK(content_after(f.disk, names_only, "/a") == "one");
    REQUIRE(sync_directory(f.files, "/"));
    CHECK(content_after(f.disk, all_lost, "/a") == "one");
    REQUIRE(file.write_at(0, as_bytes("TWO!")));
    CHECK(content_after(f.disk, all_lost, "/a") == "one");
    CHECK(content_after(f.disk, all_kept, "/a") == "TWO!");
    REQUIRE(file.truncate(1));
    CHECK(content_after(f.disk, all_lost, "/a") == "one");
    CHECK(content_after(f.disk, all_kept, "/a") == "T");
  }

  TEST_CASE("a crash harms neither the disk nor the next crash") {
    Fixture f;
    const File file = f.make("/a", "one");
    const auto after = f.disk.crash(all_kept);
    const FileSystem restarted(*after);
    const File again = restarted.open("/a", {.access = Access::read_write}).value();
    REQUIRE(again.write_at(0, as_bytes("changed")));
    CHECK(as_text(read_file(f.files, "/a", 100).value()) == "one");
    CHECK(content_after(*after, all_lost, "/a") == "one");
    CHECK(after->open_handles() == 1);
    CHECK(f.disk.open_handles() == 1);
    // Inode numbers are not given twice.
    REQUIRE(restarted.open("/b", new_file));
    CHECK(restarted.stat("/b").value().inode != restarted.stat("/a").value().inode);
  }

  TEST_CASE("a rename is whole or has not happened, until its directory is synced") {
    Fixture f;
    static_cast<void>(f.make_durable("/a", "old"));
    static_cast<void>(f.make_durable("/b", "new"));
    REQUIRE(f.files.rename("/b", "/a"));
    CHECK(content_after(f.disk, all_lost, "/a") == "old");
    CHECK(content_after(f.disk, all_lost, "/b") == "new");
    CHECK(content_after(f.disk, all_kept, "/a") == "new");
    CHECK(content_after(f.disk, all_kept, "/b") == "(none)");
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      const CrashOptions any{Survival::random, Survival::random, seed};
      const bool happened = content_after(f.disk, any, "/a") == "new";
      CHECK((content_after(f.disk, any, "/b") == "(none)") == happened);
    }
    REQUIRE(sync_directory(f.files, "/"));
    CHECK(content_after(f.disk, all_lost, "/a") == "new");
  }

  TEST_CASE("removal and links are in the balance, too") {
    Fixture f;
    static_cast<void>(f.make_durable("/a", "x"));
    REQUIRE(f.files.link("/a", "/b"));
    REQUIRE(f.files.remove_file("/a"));
    CHECK(content_after(f.disk, all_lost, "/a") == "x");
    CHECK(count_after(f.disk, all_lost, "/") == 1);
    CHECK(content_after(f.disk, all_kept, "/b") == "x");
    CHECK(count_after(f.disk, all_kept, "/") == 1);
    std::set<std::size_t> counts;
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      counts.insert(count_after(f.disk, {Survival::kept, Survival::random, seed}, "/"));
    }
    CHECK(counts == std::set<std::size_t>{0, 1, 2});
  }

  TEST_CASE("a name needs every directory above it") {
    Fixture f;
    REQUIRE(make_directories(f.files, "/d/e"));
    const File file = f.make("/d/e/f", "deep");
    REQUIRE(file.sync(SyncScope::file));
    REQUIRE(sync_directory(f.files, "/d/e"));
    REQUIRE(sync_directory(f.files, "/d"));
    CHECK(content_after(f.disk, all_lost, "/d/e/f") == "(none)");
    REQUIRE(sync_directory(f.files, "/"));
    CHECK(content_after(f.disk, all_lost, "/d/e/f") == "deep");
  }

  TEST_CASE("syncing the file system makes everything durable") {
    Fixture f;
    REQUIRE(make_directories(f.files, "/d/e"));
    const File file = f.make("/d/e/f", "deep");
    REQUIRE(f.files.set_mode("/d/e/f", 0640));
    REQUIRE(file.sync(SyncScope::file_system));
    const auto after = f.disk.crash(all_lost);
    CHECK(as_text(read_file(FileSystem(*after), "/d/e/f", 10).value()) == "deep");
    CHECK(FileSystem(*after).stat("/d/e/f").value().mode == 0640);
  }

  TEST_CASE("syncing data leaves mode and attributes in the balance") {
    Fixture f;
    const File file = f.make_durable("/a", "x");
    REQUIRE(file.set_mode(0640));
    REQUIRE(file.write_xattr("user.x", as_bytes("1")));
    REQUIRE(file.sync(SyncScope::data));
    const auto after = f.disk.crash(all_lost);
    CHECK(FileSystem(*after).stat("/a").value().mode == 0600);
    CHECK(FileSystem(*after).list_xattrs("/a").value().empty());
    REQUIRE(file.sync(SyncScope::file));
    CHECK(FileSystem(*f.disk.crash(all_lost)).list_xattrs("/a").value().size() == 1);
  }

  TEST_CASE("random survival finds writes kept, lost, torn and out of order") {
    Fixture f;
    const File file = f.make_durable("/a", std::string(16384, '0'));
    REQUIRE(file.write_at(0, as_bytes(std::string(8192, '1'))));
    REQUIRE(file.write_at(8192, as_bytes(std::string(8192, '2'))));
    bool second_without_first = false;
    bool torn_at_512 = false;
    bool untouched = false;
    bool complete = false;
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
      const std::string got =
          content_after(f.disk, {Survival::random, Survival::random, seed}, "/a");
      REQUIRE(got.size() == 16384);
      for (std::size_t at = 0; at < got.size(); at += 512) {
        // Inside a sector nothing is torn.
        REQUIRE(got.find_first_not_of(got[at], at) >= at + 512);
      }
      untouched |= got == std::string(16384, '0');
      complete |= got == std::string(8192, '1') + std::string(8192, '2');
      second_without_first |= got == std::string(8192, '0') + std::string(8192, '2');
      torn_at_512 |= got[0] == '1' && got[512] == '0';
    }
    CHECK(untouched);
    CHECK(complete);
    CHECK(second_without_first);
    CHECK(torn_at_512);
  }

  TEST_CASE("the same seed is the same crash") {
    Fixture f;
    const File file = f.make_durable("/a", std::string(16384, '0'));
    for (int i = 0; i < 20; ++i) {
      REQUIRE(file.write_at(static_cast<std::uint64_t>(i) * 700, as_bytes(std::string(900, 'x'))));
    }
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      const CrashOptions options{Survival::random, Survival::random, seed};
      CHECK(content_after(f.disk, options, "/a") == content_after(f.disk, options, "/a"));
    }
  }

  TEST_CASE("after a failed sync, a later one that succeeds does not help") {
    Fixture f;
    const File file = f.make_durable("/a", "old");
    REQUIRE(file.write_at(0, as_bytes("new")));
    f.disk.lose_unsynced(file.handle());
    CHECK(as_text(read_file(f.files, "/a", 100).value()) == "new");
    REQUIRE(file.sync(SyncScope::file));
    CHECK(content_after(f.disk, all_lost, "/a") == "old");
    CHECK(content_after(f.disk, all_kept, "/a") == "old");
    REQUIRE(file.write_at(0, as_bytes("NEW")));
    REQUIRE(file.sync(SyncScope::file));
    CHECK(content_after(f.disk, all_lost, "/a") == "NEW");
  }

  TEST_CASE("a full disk takes what fits, then nothing, then again after a removal") {
    Fixture f;
    f.disk.set_capacity(8 * 4096);
    const File file = f.files.open("/a", new_file).value();
    const std::string large(10 * 4096, 'x');
    CHECK(file.write_at(0, as_bytes(large)).error().code() == Errc::out_of_space);
    CHECK(file.stat().value().size == 8 * 4096);
    CHECK(file.write_at(0, as_bytes("in place")));
    CHECK(file.space().value().available_bytes == 0);
    const File other = f.files.open("/b", new_file).value();
    CHECK(other.write_at(0, as_bytes("x")).error().code() == Errc::out_of_space);
    CHECK(other.allocate(Allocate::extend, {0, 4096}).error().code() == Errc::out_of_space);
    CHECK(file.truncate(4096));
    CHECK(other.write_at(0, as_bytes("x")));
    CHECK(file.space().value().available_bytes == 6 * 4096);
  }

  TEST_CASE("any mixture of lost and kept names is a tree that can be walked") {
    const std::uint64_t seed = test_seed();
    CAPTURE(seed);
    SeededRandom random(seed);
    for (int round = 0; round < 20; ++round) {
      MemoryDisk disk;
      const FileSystem files(disk);
      const auto name = [&] {
        std::string path;
        for (std::uint64_t depth = 1 + random.below(3); depth > 0; --depth) {
          path += "/" + std::to_string(random.below(3));
        }
        return path;
      };
      for (int step = 0; step < 200; ++step) {
        // Most of these fail, which is fine.
        const std::string path = name();
        switch (random.below(6)) {
          case 0:
            static_cast<void>(files.make_directory(path, 0700));
            break;
          case 1:
            static_cast<void>(files.open(path, new_file));
            break;
          case 2:
            static_cast<void>(files.rename(path, name()));
            break;
          case 3:
            static_cast<void>(files.remove_file(path));
            break;
          case 4:
            static_cast<void>(files.remove_directory(path));
            break;
          default:
            static_cast<void>(sync_directory(files, path));
        }
        const auto after = disk.crash({Survival::random, Survival::random, random.next()});
        const FileSystem restarted(*after);
        std::vector<std::string> rest{"/"};
        std::size_t visited = 0;
        while (!rest.empty()) {
          const std::string directory = std::move(rest.back());
          rest.pop_back();
          REQUIRE(++visited < 1000);
          const auto entries = list_directory(restarted, directory);
          REQUIRE(entries);
          for (const auto& entry : *entries) {
            const std::string child = directory + "/" + entry.name;
            REQUIRE(restarted.stat(child).value().type == entry.type);
            if (entry.type == FileType::directory) rest.push_back(child);
          }
        }
      }
      CHECK(disk.open_handles() == 0);
    }
  }
}

}  // namespace plakar::testing
