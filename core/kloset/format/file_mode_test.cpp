#include "core/kloset/format/file_mode.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <array>

namespace plakar::kloset {

TEST_SUITE("file mode") {
  TEST_CASE("types and special bits have the format's own places") {
    CHECK(bits(mode_from_posix(S_IFREG | 0644)) == 0x000001a4);
    CHECK(bits(mode_from_posix(S_IFDIR | 0755)) == 0x800001ed);
    CHECK(bits(mode_from_posix(S_IFREG | 04755)) == 0x008001ed);
    CHECK(bits(mode_from_posix(S_IFLNK | 0777)) == 0x080001ff);
    CHECK(bits(mode_from_posix(S_IFIFO | 0644)) == 0x020001a4);
    CHECK(bits(mode_from_posix(S_IFDIR | 01777)) == 0x801001ff);
  }

  TEST_CASE("every mode survives the way there and back") {
    constexpr auto types = std::to_array<std::uint32_t>(
        {S_IFREG, S_IFDIR, S_IFLNK, S_IFBLK, S_IFCHR, S_IFIFO, S_IFSOCK});
    for (const std::uint32_t type : types) {
      for (std::uint32_t permissions = 0; permissions <= 07777; ++permissions) {
        REQUIRE(mode_to_posix(mode_from_posix(type | permissions)) == (type | permissions));
      }
    }
  }

  TEST_CASE("regular means none of the type bits") {
    CHECK(is_regular(mode_from_posix(S_IFREG | 06755)));
    CHECK_FALSE(is_regular(mode_from_posix(S_IFLNK | 0777)));
    CHECK(is_directory(mode_from_posix(S_IFDIR)));
  }
}

}  // namespace plakar::kloset
