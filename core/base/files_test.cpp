#include "core/base/files.h"

#include <doctest/doctest.h>

#include "tests/support/temp_dir.h"

namespace plakar {

TEST_SUITE("files") {
  TEST_CASE("a file is read up to the size that is allowed") {
    const testing::TempDir dir;
    const FileSystem& files = system_files();
    REQUIRE(write_file_atomically(files, system_random(), dir / "a", as_bytes("12345")));
    CHECK(as_text(read_file(files, dir / "a", 5).value()) == "12345");
    CHECK(read_file(files, dir / "a", 4).error().code() == Errc::invalid_argument);
    CHECK(read_file(files, dir / "b", 4).error().code() == Errc::not_found);
    // Says that it is empty.
    CHECK(read_file(files, "/proc/self/status", 1 << 20).value().size() > 100);
    CHECK(read_file(files, "/dev/zero", 100'000).error().code() == Errc::invalid_argument);
  }

  TEST_CASE("writing replaces the content and leaves nothing else") {
    const testing::TempDir dir;
    const FileSystem& files = system_files();
    for (const std::string_view content : {"old", "new, and longer", ""}) {
      REQUIRE(write_file_atomically(files, system_random(), dir / "a", as_bytes(content)));
      CHECK(as_text(read_file(files, dir / "a", 100).value()) == content);
    }
    CHECK(list_directory(files, dir.path().string()).value().size() == 1);
    CHECK(files.stat(dir / "a").value().mode == 0600);
    CHECK(write_file_atomically(files, system_random(), dir / "no/a", {}).error().code() ==
          Errc::not_found);
    CHECK(write_file_atomically(files, system_random(), dir / "a/", {}).error().code() ==
          Errc::invalid_argument);
  }

  TEST_CASE("a name of 255 bytes has room for a temporary one beside it") {
    const testing::TempDir dir;
    const std::string name(255, 'n');
    REQUIRE(write_file_atomically(system_files(), system_random(), dir / name, as_bytes("x")));
    CHECK(list_directory(system_files(), dir.path().string()).value()[0].name == name);
  }

  TEST_CASE("a path can start at an open directory") {
    const testing::TempDir dir;
    const FileSystem& files = system_files();
    const File root = files.open(dir.path().string(), {.directory = true}).value();
    REQUIRE(make_directories(files, {root, "x/y/z"}));
    REQUIRE(make_directories(files, {root, "x/y/z"}));
    REQUIRE(write_file_atomically(files, system_random(), {root, "x/y/z/f"}, as_bytes("deep")));
    CHECK(as_text(read_file(files, dir / "x/y/z/f", 10).value()) == "deep");
    CHECK(make_directories(files, {root, "x/y/z/f"}).error().code() == Errc::already_exists);
    CHECK_FALSE(make_directories(files, {root, "x/y/z/f/g"}));
    CHECK(sync_directory(files, {root, "x"}));
  }

  TEST_CASE("an error names what was done, and to what, on one line") {
    const testing::TempDir dir;
    const FileSystem& files = system_files();
    const auto opened = files.open(dir / "a\nb");
    REQUIRE_FALSE(opened);
    CHECK(opened.error().message() ==
          "open " + dir.path().string() + "/a\\nb: No such file or directory");
    const File root = files.open(dir.path().string(), {.directory = true}).value();
    CHECK(files.stat({root, "c"}).error().message() ==
          "examine " + dir.path().string() + "/c: No such file or directory");
  }

  TEST_CASE("a NUL in a path does not shorten it") {
    const testing::TempDir dir;
    const std::string path = dir / "a" + std::string("\0b", 2);
    CHECK(system_files()
              .open(path, {.access = Access::write, .create = Create::if_missing})
              .error()
              .code() == Errc::invalid_argument);
    CHECK(list_directory(system_files(), dir.path().string()).value().empty());
  }
}

}  // namespace plakar
