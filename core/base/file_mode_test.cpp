#include "core/base/file_mode.h"

#include <doctest/doctest.h>

namespace plakar {

TEST_SUITE("file mode") {
  TEST_CASE("modes print as the reference prints them") {
    CHECK(format_go_mode(to_go_mode(FileType::directory, 0755)) == "drwxr-xr-x");
    CHECK(format_go_mode(to_go_mode(FileType::regular, 0644)) == "-rw-r--r--");
    CHECK(format_go_mode(to_go_mode(FileType::symlink, 0777)) == "Lrwxrwxrwx");
    CHECK(format_go_mode(to_go_mode(FileType::directory, 01777)) == "dtrwxrwxrwx");
    CHECK(format_go_mode(to_go_mode(FileType::regular, 04755)) == "urwxr-xr-x");
    CHECK(format_go_mode(to_go_mode(FileType::regular, 02711)) == "grwx--x--x");
    CHECK(format_go_mode(to_go_mode(FileType::character_device, 0620)) == "Dcrw--w----");
    CHECK(format_go_mode(to_go_mode(FileType::block_device, 0660)) == "Drw-rw----");
    CHECK(format_go_mode(to_go_mode(FileType::fifo, 0600)) == "prw-------");
    CHECK(format_go_mode(to_go_mode(FileType::socket, 0)) == "S---------");
    CHECK(format_go_mode(to_go_mode(FileType::unknown, 0)) == "?---------");
    CHECK(format_go_mode(~0u) == "dalTLDpSugct?rwxrwxrwx");
    CHECK(format_go_mode(0) == "----------");
  }

  TEST_CASE("every type and permission survives the way there and back") {
    for (const FileType type : {FileType::regular, FileType::directory, FileType::symlink,
                                FileType::fifo, FileType::socket, FileType::character_device,
                                FileType::block_device, FileType::unknown}) {
      for (std::uint32_t permissions = 0; permissions <= 07777; ++permissions) {
        const std::uint32_t mode = to_go_mode(type, permissions);
        REQUIRE(type_of_go_mode(mode) == type);
        REQUIRE(permissions_of_go_mode(mode) == permissions);
      }
    }
  }

  TEST_CASE("a directory's bits are those of Go") {
    CHECK(to_go_mode(FileType::directory, 0700) == 0x800001c0);
    CHECK(to_go_mode(FileType::regular, 07777) == 0x00d001ff);
  }
}

}  // namespace plakar
