// One suite for the kernel and for the disk that stands in for it: what holds for one has to
// hold for the other, else tests prove nothing.
#include "core/base/file_calls.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <thread>

#include "core/base/file_system.h"
#include "core/base/files.h"
#include "core/base/testing/file_filters.h"
#include "core/base/testing/memory_disk.h"
#include "core/base/testing/seeded_random.h"
#include "tests/support/skip.h"
#include "tests/support/temp_dir.h"

namespace plakar {
namespace {

struct RealDisk {
  testing::TempDir dir;
  FileSystem& files = system_files();
  File root = files.open(dir.path().string(), {.directory = true}).value();
};

struct SimulatedDisk {
  testing::MemoryDisk disk;
  FileSystem files{disk};
  File root = files.open("/", {.directory = true}).value();
};

// The filters must not change what they let through.
struct FilteredDisk {
  testing::MemoryDisk disk;
  testing::RecordingFileCalls recording{disk};
  testing::FaultyFileCalls faulty{recording, {.nth = UINT64_MAX}};
  FileSystem files{faulty};
  File root = files.open("/", {.directory = true}).value();
};

constexpr OpenOptions new_file{.access = Access::read_write, .create = Create::always_new};

template <class T>
Errc code_of(const Result<T>& result) {
  REQUIRE_FALSE(result);
  return result.error().code();
}

void put(const FileSystem& files, At at, std::string_view content) {
  const auto file = files.open(at, {.access = Access::write, .create = Create::truncate});
  REQUIRE(file);
  REQUIRE(file->write_at(0, as_bytes(content)));
}

std::string content_of(const FileSystem& files, At at) {
  auto bytes = read_file(files, at, 1 << 20);
  REQUIRE(bytes);
  return to_text(*bytes);
}

std::set<std::string> names_in(const FileSystem& files, At at) {
  auto entries = list_directory(files, at);
  REQUIRE(entries);
  std::set<std::string> out;
  for (const auto& entry : *entries) out.insert(entry.name);
  return out;
}

}  // namespace

TEST_SUITE("file calls") {
  TEST_CASE_TEMPLATE("opening follows its options", Disk, RealDisk, SimulatedDisk, FilteredDisk) {
    Disk disk;
    const FileSystem& files = disk.files;
    const File& root = disk.root;
    CHECK(code_of(files.open({root, "a"})) == Errc::not_found);
    CHECK(code_of(files.open({root, "a/b"}, new_file)) == Errc::not_found);
    REQUIRE(files.open({root, "a"}, new_file));
    CHECK(code_of(files.open({root, "a"}, new_file)) == Errc::already_exists);
    CHECK(files.open({root, "a"}, {.access = Access::write, .create = Create::if_missing}));
    CHECK(code_of(files.open({root, "a"}, {.directory = true})) == Errc::invalid_argument);
    CHECK(code_of(files.open({root, "a/b"})) == Errc::invalid_argument);
    CHECK(code_of(files.open({root, "a/"})) == Errc::invalid_argument);
    REQUIRE(files.make_directory({root, "d"}, 0700));
    CHECK(files.open({root, "d"}));
    CHECK(files.open({root, "d/../d/./"}));
    CHECK(code_of(files.open({root, "d"}, {.access = Access::write})) == Errc::invalid_argument);
    CHECK(code_of(files.open({root, std::string(256, 'x')}, new_file)) == Errc::invalid_argument);
    CHECK(files.open({root, std::string(255, 'x')}, new_file));
    put(files, {root, "a"}, "full");
    REQUIRE(files.open({root, "a"}, {.access = Access::write, .create = Create::truncate}));
    CHECK(content_of(files, {root, "a"}).empty());
    CHECK(code_of(files.open({root, ""})) == Errc::not_found);
  }

  TEST_CASE_TEMPLATE("content is where it was written", Disk, RealDisk, SimulatedDisk,
                     FilteredDisk) {
    Disk disk;
    const FileSystem& files = disk.files;
    const File file = files.open({disk.root, "a"}, new_file).value();
    CHECK(file.write_at(3, as_bytes("def")));
    CHECK(file.write_at(0, as_bytes("a")));
    CHECK(content_of(files, {disk.root, "a"}) == std::string("a\0\0def", 6));
    const Bytes parts[] = {to_bytes("12"), {}, to_bytes("345"), to_bytes("6")};
    const BytesView views[] = {parts[0], parts[1], parts[2], parts[3]};
    CHECK(file.write_at(1, views));
    CHECK(content_of(files, {disk.root, "a"}) == "a123456");
    Bytes out(4);
    CHECK(file.read_at(5, out).value() == 2);
    CHECK(file.read_at(7, out).value() == 0);
    CHECK(file.read_at(1000, out).value() == 0);
    CHECK(file.read_up_to(4, out).value() == 3);
    CHECK(code_of(file.read_exactly(4, out)) == Errc::corrupt);
    CHECK(file.read_exactly(3, out));
    CHECK(as_text(out) == "3456");
    CHECK(file.truncate(2));
    CHECK(file.truncate(4));
    CHECK(content_of(files, {disk.root, "a"}) == std::string("a1\0\0", 4));
    CHECK(file.write_at(10, BytesView()));
    CHECK(file.stat().value().size == 4);
    CHECK(code_of(file.write_at(~0ull, as_bytes("x"))) == Errc::invalid_argument);
  }

  TEST_CASE_TEMPLATE("more parts than one call takes are all written", Disk, RealDisk,
                     SimulatedDisk) {
    Disk disk;
    const File file = disk.files.open({disk.root, "a"}, new_file).value();
    std::string expected;
    for (int i = 0; i < 300; ++i) expected += std::to_string(i) + ",";
    std::vector<BytesView> parts;
    for (std::size_t at = 0; at < expected.size(); at += 4) {
      parts.push_back(as_bytes(std::string_view(expected).substr(at, 4)));
    }
    REQUIRE(parts.size() > 128);
    CHECK(file.write_at(5, parts));
    CHECK(content_of(disk.files, {disk.root, "a"}).substr(5) == expected);
  }

  TEST_CASE_TEMPLATE("reading and writing in sequence go on where they stopped", Disk, RealDisk,
                     SimulatedDisk, FilteredDisk) {
    Disk disk;
    const FileSystem& files = disk.files;
    {
      const File file = files.open({disk.root, "a"}, new_file).value();
      CHECK(file.write(as_bytes("one")));
      CHECK(file.write(as_bytes("two")));
      Bytes out(3);
      CHECK(file.read(out).value() == 0);
    }
    const File file = files.open({disk.root, "a"}).value();
    Bytes out(4);
    CHECK(file.read(out).value() == 4);
    CHECK(as_text(out) == "onet");
    CHECK(file.read(out).value() == 2);
    CHECK(code_of(file.write(as_bytes("x"))) == Errc::internal);
    const File end = files.open({disk.root, "a"}, {.access = Access::append}).value();
    CHECK(end.write(as_bytes("3")));
    CHECK(end.write_at(0, as_bytes("4")));
    CHECK(end.write(as_bytes("5")));
    CHECK(content_of(files, {disk.root, "a"}) == "onetwo345");
    CHECK(code_of(end.read(out)) == Errc::internal);
  }

  TEST_CASE_TEMPLATE("random writes, truncations and holes leave what a plain buffer would", Disk,
                     RealDisk, SimulatedDisk) {
    Disk disk;
    const std::uint64_t seed = testing::test_seed();
    CAPTURE(seed);
    testing::SeededRandom random(seed);
    const File file = disk.files.open({disk.root, "a"}, new_file).value();
    Bytes model;
    for (int step = 0; step < 300; ++step) {
      const std::uint64_t offset = random.below(40'000);
      const std::uint64_t length = 1 + random.below(12'000);
      const auto end = static_cast<std::size_t>(offset + length);
      switch (random.below(4)) {
        case 0:
          REQUIRE(file.truncate(offset));
          model.resize(static_cast<std::size_t>(offset));
          break;
        case 1: {
          const Status punched = file.allocate(Allocate::punch_hole, {offset, length});
          if (!punched && punched.error().code() == Errc::unsupported) break;
          REQUIRE(punched);
          for (std::size_t i = static_cast<std::size_t>(offset); i < std::min(end, model.size());
               ++i) {
            model[i] = std::byte{0};
          }
          break;
        }
        default: {
          const Bytes bytes = random.bytes(static_cast<std::size_t>(length));
          REQUIRE(file.write_at(offset, bytes));
          if (model.size() < end) model.resize(end);
          std::copy(bytes.begin(), bytes.end(),
                    model.begin() + static_cast<std::ptrdiff_t>(offset));
        }
      }
      REQUIRE(file.stat().value().size == model.size());
      REQUIRE(read_file(disk.files, {disk.root, "a"}, 1 << 20).value() == model);
    }
  }

  TEST_CASE_TEMPLATE("data is found between holes", Disk, RealDisk, SimulatedDisk, FilteredDisk) {
    Disk disk;
    const File file = disk.files.open({disk.root, "a"}, new_file).value();
    CHECK_FALSE(file.find_data(0).value());
    constexpr std::uint64_t mega = 1 << 20;
    REQUIRE(file.write_at(mega, Bytes(4096, std::byte{1})));
    REQUIRE(file.truncate(3 * mega));
    if (file.find_data(0).value() == Extent{0, 3 * mega}) {
      PLK_SKIP("the temporary directory's file system knows no holes");
    }
    CHECK(file.find_data(0).value() == Extent{mega, 4096});
    CHECK(file.find_data(mega + 10).value() == Extent{mega + 10, 4086});
    CHECK_FALSE(file.find_data(2 * mega).value());
    CHECK_FALSE(file.find_data(4 * mega).value());
    CHECK(file.stat().value().allocated_bytes < mega);
    REQUIRE(file.allocate(Allocate::punch_hole, {mega, 4096}));
    CHECK_FALSE(file.find_data(0).value());
    REQUIRE(file.allocate(Allocate::extend, {0, 4 * mega}));
    CHECK(file.stat().value().size == 4 * mega);
    REQUIRE(file.allocate(Allocate::keep_size, {0, 5 * mega}));
    CHECK(file.stat().value().size == 4 * mega);
    CHECK(code_of(file.allocate(Allocate::extend, {0, 0})) == Errc::invalid_argument);
  }

  TEST_CASE_TEMPLATE("a range is copied within the kernel", Disk, RealDisk, SimulatedDisk,
                     FilteredDisk) {
    Disk disk;
    put(disk.files, {disk.root, "a"}, "0123456789");
    const File from = disk.files.open({disk.root, "a"}).value();
    const File to = disk.files.open({disk.root, "b"}, new_file).value();
    const auto copied = to.copy_range(1, from, {2, 5});
    if (!copied && copied.error().code() == Errc::unsupported) PLK_SKIP("no copy_file_range here");
    CHECK(copied.value() == 5);
    CHECK(content_of(disk.files, {disk.root, "b"}) == std::string("\00023456", 6));
    CHECK(to.copy_range(0, from, {8, 100}).value() == 2);
    CHECK(to.copy_range(0, from, {50, 100}).value() == 0);
  }

  TEST_CASE_TEMPLATE("direct access is for aligned memory and offsets only", Disk, RealDisk,
                     SimulatedDisk, FilteredDisk) {
    Disk disk;
    OpenOptions options = new_file;
    options.direct = true;
    const auto file = disk.files.open({disk.root, "a"}, options);
    if (!file && file.error().code() == Errc::unsupported) PLK_SKIP("no direct access here");
    REQUIRE(file);
    alignas(4096) static std::byte block[8192];
    std::fill(std::begin(block), std::end(block), std::byte{7});
    CHECK(file->write_at(4096, BytesView(block)));
    CHECK(file->read_at(8192, std::span(block).first(4096)).value() == 4096);
    CHECK(file->stat().value().size == 12288);
    // tmpfs takes anything; a disk that stands in for others is strict.
    const auto is_refused = [](const Status& written) {
      return std::is_same_v<Disk, RealDisk> && written ? true
                                                       : code_of(written) == Errc::invalid_argument;
    };
    CHECK(is_refused(file->write_at(100, BytesView(block).first(4096))));
    CHECK(is_refused(file->write_at(0, BytesView(block).first(100))));
    CHECK(is_refused(file->write_at(0, BytesView(block).subspan(8, 4096))));
  }

  TEST_CASE_TEMPLATE("syncing and hints succeed on what is open", Disk, RealDisk, SimulatedDisk,
                     FilteredDisk) {
    Disk disk;
    const File file = disk.files.open({disk.root, "a"}, new_file).value();
    CHECK(file.write(as_bytes("x")));
    CHECK(file.sync(SyncScope::data));
    CHECK(file.sync(SyncScope::file));
    CHECK(file.sync(SyncScope::file_system));
    CHECK(disk.root.sync(SyncScope::file));
    file.write_back(Writeback::start, {0, 1});
    file.write_back(Writeback::wait, {0, 1});
    file.advise(Advice::dont_need, {0, 1});
    CHECK(content_of(disk.files, {disk.root, "a"}) == "x");
    const auto space = file.space();
    REQUIRE(space);
    CHECK(space->available_bytes <= space->total_bytes);
    CHECK(space->total_bytes > 0);
  }

  TEST_CASE_TEMPLATE("metadata comes back as it was set", Disk, RealDisk, SimulatedDisk,
                     FilteredDisk) {
    Disk disk;
    const FileSystem& files = disk.files;
    const File file = files.open({disk.root, "a"}, new_file).value();
    CHECK(file.stat().value().type == FileType::regular);
    CHECK(file.stat().value().mode == 0600);
    CHECK(file.set_mode(0741));
    CHECK(files.stat({disk.root, "a"}).value().mode == 0741);
    CHECK(files.set_mode({disk.root, "a"}, 01640));
    CHECK(file.stat().value().mode == 01640);
    const UnixTime modified{1'234'567'890, 123'456'789};
    CHECK(file.set_times({.accessed = {}, .modified = modified}));
    const FileStat first = file.stat().value();
    CHECK(first.modified == modified);
    const UnixTime before_1970{-5, 1000};
    CHECK(files.set_times({disk.root, "a"}, {.accessed = UnixTime{7, 8}, .modified = before_1970}));
    const FileStat second = files.stat({disk.root, "a"}).value();
    CHECK(second.modified == before_1970);
    CHECK(second.accessed == UnixTime{7, 8});
    CHECK(second.inode == first.inode);
    CHECK(second.device == first.device);
    CHECK(second.changed >= first.changed);
    CHECK(file.set_owner(second.owner));
    CHECK(files.set_owner({disk.root, "a"}, second.owner));
    CHECK_FALSE(files.find({disk.root, "b"}).value());
    CHECK(files.find({disk.root, "a"}).value()->inode == first.inode);
    CHECK(code_of(files.stat({disk.root, "a/b"})) == Errc::invalid_argument);
  }

  TEST_CASE_TEMPLATE("a new owner takes the set-id bits away", Disk, RealDisk, SimulatedDisk) {
    Disk disk;
    const File file = disk.files.open({disk.root, "a"}, new_file).value();
    REQUIRE(file.set_mode(06755));
    CHECK(file.stat().value().mode == 06755);
    REQUIRE(file.set_owner(file.stat().value().owner));
    CHECK(file.stat().value().mode == 0755);
  }

  TEST_CASE_TEMPLATE("extended attributes are set, listed, read and removed", Disk, RealDisk,
                     SimulatedDisk, FilteredDisk) {
    Disk disk;
    const FileSystem& files = disk.files;
    const File file = files.open({disk.root, "a"}, new_file).value();
    const Status set = file.write_xattr("user.one", as_bytes("1"));
    if (!set && set.error().code() == Errc::unsupported) PLK_SKIP("no extended attributes here");
    REQUIRE(set);
    const Bytes large(2000, std::byte{9});
    CHECK(files.write_xattr({disk.root, "a"}, "user.two", large));
    CHECK(files.write_xattr({disk.root, "a"}, "user.empty", {}));
    auto names = file.list_xattrs().value();
    std::erase(names, "security.selinux");
    CHECK(std::set<std::string>(names.begin(), names.end()) ==
          std::set<std::string>{"user.one", "user.two", "user.empty"});
    CHECK(files.list_xattrs({disk.root, "a"}).value().size() == file.list_xattrs().value().size());
    CHECK(as_text(files.read_xattr({disk.root, "a"}, "user.one").value()) == "1");
    CHECK(file.read_xattr("user.two").value() == large);
    CHECK(file.read_xattr("user.empty").value().empty());
    CHECK(code_of(file.read_xattr("user.none")) == Errc::not_found);
    CHECK(files.remove_xattr({disk.root, "a"}, "user.one"));
    CHECK(code_of(files.remove_xattr({disk.root, "a"}, "user.one")) == Errc::not_found);
    CHECK(code_of(file.write_xattr("nonsense", {})) == Errc::unsupported);
    // A symlink has none of its own, and its target's are not meant.
    REQUIRE(files.make_symlink("a", {disk.root, "link"}));
    names = files.list_xattrs({disk.root, "link"}).value();
    std::erase(names, "security.selinux");
    CHECK(names.empty());
    CHECK(code_of(files.list_xattrs({disk.root, "nothing"})) == Errc::not_found);
    CHECK(code_of(files.read_xattr({disk.root, "link"}, "user.two")) == Errc::not_found);
    CHECK(code_of(files.write_xattr({disk.root, "link"}, "user.x", {})) == Errc::permission_denied);
  }

  TEST_CASE_TEMPLATE("renaming replaces what may be replaced", Disk, RealDisk, SimulatedDisk,
                     FilteredDisk) {
    Disk disk;
    const FileSystem& files = disk.files;
    const File& root = disk.root;
    put(files, {root, "a"}, "A");
    put(files, {root, "b"}, "B");
    REQUIRE(files.make_directory({root, "d"}, 0700));
    REQUIRE(files.make_directory({root, "e"}, 0700));
    CHECK(code_of(files.rename({root, "a"}, {root, "b"}, Replace::no)) == Errc::already_exists);
    CHECK(files.rename({root, "a"}, {root, "b"}));
    CHECK(content_of(files, {root, "b"}) == "A");
    CHECK(names_in(files, {root, "."}) == std::set<std::string>{"b", "d", "e"});
    CHECK(code_of(files.rename({root, "a"}, {root, "b"})) == Errc::not_found);
    CHECK(code_of(files.rename({root, "b"}, {root, "d"})) == Errc::invalid_argument);
    CHECK(code_of(files.rename({root, "d"}, {root, "b"})) == Errc::invalid_argument);
    CHECK(files.rename({root, "b"}, {root, "d/c"}, Replace::no));
    CHECK(code_of(files.rename({root, "e"}, {root, "d"})) == Errc::conflict);
    CHECK(files.rename({root, "d"}, {root, "e"}));
    CHECK(content_of(files, {root, "e/c"}) == "A");
    CHECK(code_of(files.rename({root, "e"}, {root, "e/f"})) == Errc::invalid_argument);
    CHECK(files.rename({root, "e"}, {root, "e"}));
    CHECK(code_of(files.rename({root, "e/c"}, {root, "g/"})) == Errc::invalid_argument);
    CHECK(code_of(files.rename({root, "e/c"}, {root, "no/c"})) == Errc::not_found);
  }

  TEST_CASE_TEMPLATE("two names are one file until one is renamed onto the other", Disk, RealDisk,
                     SimulatedDisk, FilteredDisk) {
    Disk disk;
    const FileSystem& files = disk.files;
    const File& root = disk.root;
    put(files, {root, "a"}, "A");
    REQUIRE(files.link({root, "a"}, {root, "b"}));
    CHECK(files.stat({root, "a"}).value().inode == files.stat({root, "b"}).value().inode);
    CHECK(files.stat({root, "a"}).value().link_count == 2);
    // A trap of POSIX: this does nothing.
    CHECK(files.rename({root, "a"}, {root, "b"}));
    CHECK(names_in(files, {root, "."}) == std::set<std::string>{"a", "b"});
    CHECK(code_of(files.link({root, "a"}, {root, "b"})) == Errc::already_exists);
    CHECK(files.remove_file({root, "a"}));
    CHECK(files.stat({root, "b"}).value().link_count == 1);
    CHECK(content_of(files, {root, "b"}) == "A");
    REQUIRE(files.make_directory({root, "d"}, 0700));
    CHECK(code_of(files.link({root, "d"}, {root, "e"})) == Errc::permission_denied);
    CHECK(code_of(files.link({root, "none"}, {root, "e"})) == Errc::not_found);
    REQUIRE(files.make_symlink("b", {root, "s"}));
    REQUIRE(files.link({root, "s"}, {root, "t"}));
    CHECK(files.read_link({root, "t"}).value() == "b");
  }

  TEST_CASE_TEMPLATE("an open file outlives its name", Disk, RealDisk, SimulatedDisk,
                     FilteredDisk) {
    Disk disk;
    const FileSystem& files = disk.files;
    File file = files.open({disk.root, "a"}, new_file).value();
    REQUIRE(files.remove_file({disk.root, "a"}));
    CHECK(file.write_at(0, as_bytes("x")));
    CHECK(file.stat().value().size == 1);
    CHECK(file.stat().value().link_count == 0);
    CHECK(file.close());
    CHECK_FALSE(file);
    REQUIRE(files.make_directory({disk.root, "d"}, 0700));
    const File directory = files.open({disk.root, "d"}, {.directory = true}).value();
    REQUIRE(files.remove_directory({disk.root, "d"}));
    CHECK(code_of(files.open({directory, "x"}, new_file)) == Errc::not_found);
  }

  TEST_CASE_TEMPLATE("directories are made, listed and removed when empty", Disk, RealDisk,
                     SimulatedDisk, FilteredDisk) {
    Disk disk;
    const FileSystem& files = disk.files;
    const File& root = disk.root;
    REQUIRE(files.make_directory({root, "d"}, 0700));
    CHECK(code_of(files.make_directory({root, "d"}, 0700)) == Errc::already_exists);
    CHECK(code_of(files.make_directory({root, "x/y"}, 0700)) == Errc::not_found);
    CHECK(files.make_directory({root, "d/sub/"}, 0750));
    CHECK(files.stat({root, "d/sub"}).value().mode == 0750);
    CHECK(files.stat({root, "d/sub"}).value().type == FileType::directory);
    CHECK(files.stat({root, "d"}).value().link_count == 3);
    CHECK(code_of(files.remove_directory({root, "d"})) == Errc::conflict);
    CHECK(code_of(files.remove_file({root, "d"})) == Errc::invalid_argument);
    put(files, {root, "d/f"}, "");
    CHECK(code_of(files.remove_directory({root, "d/f"})) == Errc::invalid_argument);
    CHECK(code_of(files.remove_directory({root, "d/."})) == Errc::invalid_argument);
    CHECK(files.remove_directory({root, "d/sub"}));
    CHECK(files.remove_file({root, "d/f"}));
    CHECK(files.remove_directory({root, "d"}));
    CHECK(code_of(files.remove_directory({root, "d"})) == Errc::not_found);
    CHECK(code_of(files.remove_file({root, "d"})) == Errc::not_found);
  }

  TEST_CASE_TEMPLATE("a directory of thousands is listed once each, with type and inode", Disk,
                     RealDisk, SimulatedDisk, FilteredDisk) {
    Disk disk;
    const FileSystem& files = disk.files;
    std::map<std::string, std::uint64_t> expected;
    for (int i = 0; i < 3000; ++i) {
      const std::string name = "file-with-a-long-name-" + std::to_string(i);
      const File file = files.open({disk.root, name}, new_file).value();
      if (i % 100 == 0) expected[name] = file.stat().value().inode;
    }
    REQUIRE(files.make_directory({disk.root, "d"}, 0700));
    REQUIRE(files.make_symlink("x", {disk.root, "s"}));
    REQUIRE(files.make_special({disk.root, "p"}, FileType::fifo, 0600));
    const File directory = files.open({disk.root, "."}, {.directory = true}).value();
    std::map<std::string, DirectoryEntry> got;
    DirectoryBatch batch(8192);
    while (directory.read_directory(batch).value()) {
      for (const DirectoryEntry entry : batch) {
        CHECK(got.emplace(entry.name, entry).second);
      }
    }
    CHECK(got.size() == 3003);
    for (const auto& [name, inode] : expected) CHECK(got[name].inode == inode);
    if (got["d"].type != FileType::unknown) {
      CHECK(got["d"].type == FileType::directory);
      CHECK(got["s"].type == FileType::symlink);
      CHECK(got["p"].type == FileType::fifo);
      CHECK(got[expected.begin()->first].type == FileType::regular);
    }
    CHECK(code_of(files.open({disk.root, "s"}, {.follow = false})) == Errc::invalid_argument);
    const File file = files.open({disk.root, expected.begin()->first}).value();
    CHECK(code_of(file.read_directory(batch)) == Errc::invalid_argument);
  }

  TEST_CASE_TEMPLATE("names are bytes", Disk, RealDisk, SimulatedDisk) {
    Disk disk;
    const std::string name = "\xff\n\\ \x01";
    put(disk.files, {disk.root, name}, "x");
    CHECK(names_in(disk.files, {disk.root, "."}) == std::set<std::string>{name});
  }

  TEST_CASE_TEMPLATE("symlinks are followed where that is asked for", Disk, RealDisk, SimulatedDisk,
                     FilteredDisk) {
    Disk disk;
    const FileSystem& files = disk.files;
    const File& root = disk.root;
    REQUIRE(files.make_directory({root, "d"}, 0700));
    put(files, {root, "d/f"}, "F");
    REQUIRE(files.make_symlink("d", {root, "to-d"}));
    REQUIRE(files.make_symlink("to-d/f", {root, "to-f"}));
    REQUIRE(files.make_symlink("../d/f", {root, "d/up"}));
    REQUIRE(files.make_symlink("loop", {root, "loop"}));
    REQUIRE(files.make_symlink("nowhere", {root, "dangling"}));
    CHECK(files.read_link({root, "to-f"}).value() == "to-d/f");
    CHECK(content_of(files, {root, "to-f"}) == "F");
    CHECK(content_of(files, {root, "to-d/up"}) == "F");
    CHECK(files.stat({root, "to-f"}).value().type == FileType::symlink);
    CHECK(files.stat({root, "to-f"}).value().size == 6);
    CHECK(files.stat({root, "to-f"}, Follow::yes).value().type == FileType::regular);
    CHECK(files.stat({root, "to-d/"}).value().type == FileType::directory);
    CHECK(code_of(files.open({root, "to-f"}, {.follow = false})) == Errc::invalid_argument);
    CHECK(code_of(files.open({root, "loop"})) == Errc::invalid_argument);
    CHECK(code_of(files.open({root, "dangling"})) == Errc::not_found);
    CHECK(code_of(files.open({root, "dangling"}, new_file)) == Errc::already_exists);
    CHECK(files.open({root, "dangling"}, {.access = Access::write, .create = Create::if_missing}));
    CHECK(files.stat({root, "nowhere"}).value().type == FileType::regular);
    CHECK(code_of(files.make_symlink("x", {root, "loop"})) == Errc::already_exists);
    CHECK(code_of(files.read_link({root, "d"})) == Errc::invalid_argument);
    CHECK(code_of(files.make_directory({root, "to-f"}, 0700)) == Errc::already_exists);
    CHECK(code_of(files.set_mode({root, "to-f"}, 0600)) == Errc::unsupported);
    CHECK(files.set_times({root, "to-f"}, {.accessed = {}, .modified = UnixTime{5, 0}}));
    CHECK(files.stat({root, "to-f"}).value().modified == UnixTime{5, 0});
    CHECK(files.stat({root, "d/f"}).value().modified != UnixTime{5, 0});
    CHECK(files.remove_file({root, "to-d"}));
    CHECK(files.stat({root, "d"}).value().type == FileType::directory);
    // A handle to a symlink itself.
    const File link = files.open({root, "to-f"}, {.access = Access::path, .follow = false}).value();
    CHECK(link.stat().value().type == FileType::symlink);
  }

  TEST_CASE_TEMPLATE("fifos can be made, and are not opened by accident", Disk, RealDisk,
                     SimulatedDisk, FilteredDisk) {
    Disk disk;
    REQUIRE(disk.files.make_special({disk.root, "p"}, FileType::fifo, 0640));
    const FileStat stat = disk.files.stat({disk.root, "p"}).value();
    CHECK(stat.type == FileType::fifo);
    CHECK(stat.mode == 0640);
    CHECK(code_of(disk.files.open({disk.root, "p"}, {.access = Access::write,
                                                     .nonblocking = true})) == Errc::unsupported);
    CHECK(code_of(disk.files.make_special({disk.root, "q"}, FileType::regular, 0600)) ==
          Errc::invalid_argument);
  }

  TEST_CASE_TEMPLATE("locks exclude each other and go with the file", Disk, RealDisk, SimulatedDisk,
                     FilteredDisk) {
    Disk disk;
    File one = disk.files.open({disk.root, "a"}, new_file).value();
    const File two = disk.files.open({disk.root, "a"}).value();
    CHECK(one.lock(LockMode::shared, Wait::no));
    CHECK(two.lock(LockMode::shared, Wait::no));
    CHECK(code_of(two.lock(LockMode::exclusive, Wait::no)) == Errc::conflict);
    CHECK(one.lock(LockMode::unlock, Wait::no));
    CHECK(two.lock(LockMode::exclusive, Wait::no));
    CHECK(code_of(one.lock(LockMode::shared, Wait::no)) == Errc::conflict);
    CHECK(two.lock(LockMode::unlock, Wait::no));
    CHECK(one.lock(LockMode::exclusive, Wait::yes));
    std::jthread waiting([&] { CHECK(two.lock(LockMode::exclusive, Wait::yes)); });
    CHECK(one.close());
  }

  TEST_CASE_TEMPLATE("a mapping shows a range at any offset", Disk, RealDisk, SimulatedDisk,
                     FilteredDisk) {
    Disk disk;
    const Bytes content = testing::SeededRandom(3).bytes(20'000);
    put(disk.files, {disk.root, "a"}, as_text(content));
    Mapping kept;
    {
      const File file = disk.files.open({disk.root, "a"}).value();
      Mapping mapping = file.map({5000, 10'000}).value();
      kept = std::move(mapping);
      CHECK(code_of(file.map({0, 0})) == Errc::invalid_argument);
    }
    CHECK(std::ranges::equal(kept.bytes(), BytesView(content).subspan(5000, 10'000)));
  }

  TEST_CASE("a real file has a descriptor, a simulated one has not") {
    RealDisk real;
    CHECK(real.root.descriptor().value() == real.root.handle());
    SimulatedDisk simulated;
    CHECK(code_of(simulated.root.descriptor()) == Errc::unsupported);
    CHECK(system_files().current_directory().value() == std::filesystem::current_path());
  }
}

}  // namespace plakar
