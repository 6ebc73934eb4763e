#include "core/codec/archive_guard.h"

#include <doctest/doctest.h>

namespace plakar::codec {
namespace {

ArchiveEntry entry(std::string path, ArchiveEntryType type = ArchiveEntryType::file,
                   std::string target = {}) {
  ArchiveEntry result;
  result.path = std::move(path);
  result.type = type;
  result.link_target = std::move(target);
  return result;
}

ArchiveEntry symlink(std::string path, std::string target) {
  return entry(std::move(path), ArchiveEntryType::symlink, std::move(target));
}

ArchiveEntry hard_link(std::string path, std::string target) {
  return entry(std::move(path), ArchiveEntryType::hard_link, std::move(target));
}

TEST_SUITE("archive guard") {
  TEST_CASE("names come out in their normal form") {
    ArchiveGuard guard;
    CHECK(guard.admit(entry("a")).value() == "a");
    CHECK(guard.admit(entry("./b//c/./d")).value() == "b/c/d");
    CHECK(guard.admit(entry("b/e/", ArchiveEntryType::directory)).value() == "b/e");
    CHECK(guard.admit(entry("./", ArchiveEntryType::directory)).value() == "");
    CHECK(guard.admit(entry("...")).value() == "...");
    CHECK(guard.admit(entry("back\\..\\slash\xff")).value() == "back\\..\\slash\xff");
  }

  TEST_CASE("names that lead outside, or nowhere, are refused") {
    ArchiveGuard guard;
    using namespace std::string_literals;
    for (const std::string& path : {""s, "/"s, "/etc/passwd"s, "//x"s, ".."s, "../x"s, "a/../b"s,
                                    "a/.."s, "./.."s, "a\0b"s, "."s}) {
      INFO(path);
      const auto admitted = guard.admit(entry(path));
      REQUIRE_FALSE(admitted);
      CHECK(admitted.error().code() == Errc::invalid_argument);
    }
  }

  TEST_CASE("a name occurs once, except a directory that its content implied") {
    ArchiveGuard guard;
    CHECK(guard.admit(entry("a/b")));
    CHECK(guard.admit(entry("a", ArchiveEntryType::directory)));
    CHECK_FALSE(guard.admit(entry("a", ArchiveEntryType::directory)));
    CHECK_FALSE(guard.admit(entry("a/./b")));
    CHECK_FALSE(guard.admit(entry("a")));
    CHECK(guard.admit(entry("c/d")));
    CHECK_FALSE(guard.admit(entry("c")));
    CHECK_FALSE(guard.admit(symlink("c", "a")));
  }

  TEST_CASE("nothing lies below a symlink or a file") {
    ArchiveGuard guard;
    CHECK(guard.admit(symlink("link", "dir")));
    CHECK_FALSE(guard.admit(entry("link/x")));
    CHECK_FALSE(guard.admit(entry("./link//x/y")));
    CHECK(guard.admit(entry("file")));
    CHECK_FALSE(guard.admit(entry("file/x")));
  }

  TEST_CASE("a symlink may not lead outside, not even through another one") {
    ArchiveGuard guard;
    CHECK(guard.admit(symlink("a", "b/c")));
    CHECK(guard.admit(symlink("x/y/up", "../../b")));
    CHECK(guard.admit(symlink("x/top", "..")));
    CHECK(guard.admit(symlink("x/here", "./.")));
    CHECK_FALSE(guard.admit(symlink("bad", "..")));
    CHECK_FALSE(guard.admit(symlink("x/bad", "../..")));
    CHECK_FALSE(guard.admit(symlink("x/bad", "../../etc")));
    CHECK_FALSE(guard.admit(symlink("bad", "/etc")));
    CHECK_FALSE(guard.admit(symlink("bad", "")));
    // Through x/top, which is one level up, this would be the parent of the directory.
    CHECK_FALSE(guard.admit(symlink("bad", "x/top/../etc")));
  }

  TEST_CASE("a hard link names an earlier file and nothing else") {
    ArchiveGuard guard;
    CHECK(guard.admit(entry("dir/file")));
    CHECK(guard.admit(symlink("link", "dir")));
    CHECK(guard.admit(hard_link("second", "./dir//file")));
    CHECK(guard.admit(hard_link("third", "second")));
    CHECK_FALSE(guard.admit(hard_link("bad", "later")));
    CHECK_FALSE(guard.admit(hard_link("bad", "link")));
    CHECK_FALSE(guard.admit(hard_link("bad", "link/file")));
    CHECK_FALSE(guard.admit(hard_link("bad", "dir")));
    CHECK_FALSE(guard.admit(hard_link("bad", "../file")));
    CHECK_FALSE(guard.admit(hard_link("bad", "/etc/passwd")));
  }

  TEST_CASE("devices, fifos and sockets are refused, and so is what is not understood") {
    ArchiveGuard guard;
    for (const ArchiveEntryType type : {ArchiveEntryType::fifo, ArchiveEntryType::character_device,
                                        ArchiveEntryType::block_device, ArchiveEntryType::socket}) {
      CHECK_FALSE(guard.admit(entry("x", type)));
    }
    ArchiveEntry doubtful = entry("y");
    doubtful.warning = "malformed";
    CHECK_FALSE(guard.admit(doubtful));
  }

  TEST_CASE("every limit is exact") {
    CHECK(ArchiveGuard({.max_path_bytes = 3}).admit(entry("a/b")));
    CHECK_FALSE(ArchiveGuard({.max_path_bytes = 3}).admit(entry("a/bc")));
    CHECK_FALSE(ArchiveGuard({.max_path_bytes = 3}).admit(symlink("a", "abcd")));
    CHECK(ArchiveGuard({.max_path_depth = 2}).admit(entry("a/./b")));
    CHECK_FALSE(ArchiveGuard({.max_path_depth = 2}).admit(entry("a/b/c")));
    CHECK(ArchiveGuard().admit(entry(std::string(255, 'x'))));
    CHECK_FALSE(ArchiveGuard().admit(entry(std::string(256, 'x'))));

    ArchiveGuard few({.max_entries = 2});
    CHECK(few.admit(entry("a")));
    CHECK(few.admit(entry("b")));
    CHECK_FALSE(few.admit(entry("c")));

    ArchiveGuard names({.max_names_bytes = 140});
    CHECK(names.admit(entry("aaaaa/bbbb")).has_value() == false);
    CHECK(ArchiveGuard({.max_names_bytes = 143}).admit(entry("aaaaa/bbbb")));
  }

  TEST_CASE("content is limited by what entries say and by what is counted") {
    ArchiveGuard guard({.max_total_bytes = 10});
    ArchiveEntry large = entry("large");
    large.size = 11;
    CHECK_FALSE(guard.admit(large));
    CHECK(guard.count(10));
    CHECK_FALSE(guard.count(1));
    CHECK_FALSE(guard.count(~std::uint64_t{0}));
    CHECK(guard.count(0));
    large.path = "other";
    large.size = 1;
    CHECK_FALSE(guard.admit(large));
  }
}

}  // namespace
}  // namespace plakar::codec
