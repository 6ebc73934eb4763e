#include "core/kloset/format/file_mode.h"

#include <doctest/doctest.h>

#include <array>

namespace plakar::kloset {

TEST_SUITE("file mode") {
  TEST_CASE("types and special bits have the format's own places") {
    CHECK(bits(make_file_mode(FileType::regular, 0644)) == 0x000001a4);
    CHECK(bits(make_file_mode(FileType::directory, 0755)) == 0x800001ed);
    CHECK(bits(make_file_mode(FileType::regular, 04755)) == 0x008001ed);
    CHECK(bits(make_file_mode(FileType::symlink, 0777)) == 0x080001ff);
    CHECK(bits(make_file_mode(FileType::fifo, 0644)) == 0x020001a4);
    CHECK(bits(make_file_mode(FileType::directory, 01777)) == 0x801001ff);
  }

  TEST_CASE("every type and permission survives the way there and back") {
    constexpr auto types = std::to_array<FileType>(
        {FileType::regular, FileType::directory, FileType::symlink, FileType::fifo,
         FileType::socket, FileType::character_device, FileType::block_device, FileType::unknown});
    for (const FileType type : types) {
      for (std::uint32_t bits = 0; bits <= 07777; ++bits) {
        const FileMode mode = make_file_mode(type, bits);
        REQUIRE(file_type(mode) == type);
        REQUIRE(permissions(mode) == bits);
      }
    }
  }

  TEST_CASE("regular means none of the type bits") {
    CHECK(is_regular(make_file_mode(FileType::regular, 06755)));
    CHECK_FALSE(is_regular(make_file_mode(FileType::symlink, 0777)));
    CHECK(is_directory(make_file_mode(FileType::directory, 0)));
  }

  TEST_CASE("modes print as the reference prints them") {
    const auto text = [](FileType type, std::uint32_t bits) {
      return to_text(make_file_mode(type, bits));
    };
    CHECK(text(FileType::directory, 0755) == "drwxr-xr-x");
    CHECK(text(FileType::regular, 0644) == "-rw-r--r--");
    CHECK(text(FileType::symlink, 0777) == "Lrwxrwxrwx");
    CHECK(text(FileType::directory, 01777) == "dtrwxrwxrwx");
    CHECK(text(FileType::regular, 04755) == "urwxr-xr-x");
    CHECK(text(FileType::character_device, 0620) == "Dcrw--w----");
    CHECK(text(FileType::unknown, 0) == "?---------");
    CHECK(to_text(FileMode{0xffffffff}) == "dalTLDpSugct?rwxrwxrwx");
  }
}

}  // namespace plakar::kloset
