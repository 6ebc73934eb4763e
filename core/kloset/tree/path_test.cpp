#include "core/kloset/tree/path.h"

#include <doctest/doctest.h>

#include <string>

namespace plakar::kloset {

TEST_SUITE("snapshot paths") {
  TEST_CASE("fewer slashes come first, then bytes decide") {
    CHECK(compare_paths("/", "/etc") < 0);
    CHECK(compare_paths("/zzz", "/a/b") < 0);
    CHECK(compare_paths("/a/b", "/a/c") < 0);
    CHECK(compare_paths("/a", "/a") == 0);
    CHECK(compare_paths("/\xff", "/a") > 0);
  }

  TEST_CASE("only absolute paths without detours are clean") {
    for (const char* clean : {"/", "/a", "/a/b.c", "/..a", "/a\n"}) CHECK(is_clean_path(clean));
    for (const char* other : {"", "a", "//", "/a/", "/a//b", "/.", "/a/..", "/../a"}) {
      CAPTURE(other);
      CHECK_FALSE(is_clean_path(other));
    }
    CHECK_FALSE(is_clean_path(std::string_view("/a\0b", 4)));
  }

  TEST_CASE("joining and taking apart are each other's inverse") {
    for (const std::string path : {"/", "/a", "/a/b", "/a/b/c"}) {
      CHECK(join(parent_of(path), name_of(path)) == path);
    }
    CHECK(parent_of("/a") == "/");
    CHECK(parent_of("/") == "/");
    CHECK(name_of("/a/b") == "b");
  }

  TEST_CASE("a directory contains itself and what is below, not its namesakes") {
    CHECK(is_within("/a/b", "/a"));
    CHECK(is_within("/a", "/a"));
    CHECK(is_within("/a", "/"));
    CHECK_FALSE(is_within("/ab", "/a"));
    CHECK_FALSE(is_within("/", "/a"));
  }
}

}  // namespace plakar::kloset
