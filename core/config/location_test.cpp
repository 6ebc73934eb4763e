#include "core/config/location.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace plakar::config {

TEST_SUITE("location") {
  TEST_CASE("a scheme is at least two scheme characters before a colon") {
    struct Case {
      const char* text;
      const char* scheme;
      const char* rest;
      bool has_scheme;
    };
    const std::vector<Case> cases = {
        {"", "fs", "", false},
        {"/a", "fs", "/a", false},
        {"a/b", "fs", "a/b", false},
        {"./x", "fs", "./x", false},
        {"fs:/a", "fs", "/a", true},
        {"fs:///a", "fs", "/a", true},
        {"fs://a", "fs", "a", true},
        {"fs:a", "fs", "a", true},
        {"fs:", "fs", "", true},
        {"fs:/", "fs", "/", true},
        {"C:\\x", "fs", "C:\\x", false},
        {"a:b", "fs", "a:b", false},
        {":x", "fs", ":x", false},
        {"s3://h/b", "s3", "h/b", true},
        {"s3:h/b", "s3", "h/b", true},
        {"s3:////x", "s3", "//x", true},
        {"postgres+aws://u:p@h/db", "postgres+aws", "u:p@h/db", true},
        {"tar:x.tar", "tar", "x.tar", true},
        {"tar:tar", "tar", "tar", true},
        {"tar", "fs", "tar", false},
        {"s3:s3", "s3", "s3", true},
        {"notes:today", "notes", "today", true},
        {"..:x", "..", "x", true},
        {"a_b:c", "fs", "a_b:c", false},
        {"a b:c", "fs", "a b:c", false},
        {"S3://h", "S3", "h", true},
        {"12:30", "12", "30", true},
        {"\xff\xfe:x", "fs", "\xff\xfe:x", false},
        {"fs:/a%20b", "fs", "/a%20b", true},
    };
    for (const Case& c : cases) {
      CAPTURE(c.text);
      const Location location = parse_location(c.text);
      CHECK(location.scheme == c.scheme);
      CHECK(location.rest == c.rest);
      CHECK(location.has_scheme == c.has_scheme);
    }
  }

  TEST_CASE("connectors get scheme://rest") {
    CHECK(parse_location("/a").to_string() == "fs:///a");
    CHECK(parse_location("fs:/a").to_string() == "fs:///a");
    CHECK(parse_location("s3:h/b").to_string() == "s3://h/b");
    CHECK(parse_location("stdin:/name").to_string() == "stdin:///name");
    CHECK(parse_location("stdin://dir/name").to_string() == "stdin://dir/name");
  }

  TEST_CASE("a relative path is joined to the directory, an absolute one is not touched") {
    const auto absolute = [](const char* text) {
      return make_absolute(parse_location(text), "/home/u").to_string();
    };
    CHECK(absolute("a/b") == "fs:///home/u/a/b");
    CHECK(absolute("./a/../b/") == "fs:///home/u/b");
    CHECK(absolute("../../../x") == "fs:///x");
    CHECK(absolute("") == "fs:///home/u");
    CHECK(absolute("fs:rel") == "fs:///home/u/rel");
    CHECK(absolute("tar:x.tar") == "tar:///home/u/x.tar");
    CHECK(absolute("C:\\x") == "fs:///home/u/C:\\x");
    CHECK(absolute("/a/../b//") == "fs:///a/../b//");
    CHECK(absolute("a%20\xff") == "fs:///home/u/a%20\xff");
  }

  TEST_CASE("only a path of scheme fs ending in .ptar is an archive") {
    CHECK(redirect_archive(parse_location("/a/b.ptar")).to_string() == "ptar:///a/b.ptar");
    CHECK(redirect_archive(parse_location("fs:b.ptar")).scheme == "ptar");
    CHECK(redirect_archive(parse_location("/a/b.ptar/")).scheme == "fs");
    CHECK(redirect_archive(parse_location("/a/b.PTAR")).scheme == "fs");
    CHECK(redirect_archive(parse_location("sftp://h/b.ptar")).scheme == "sftp");
  }

  TEST_CASE("cleaning gives the shortest path with the same meaning") {
    const std::vector<std::pair<const char*, const char*>> cases = {
        {"", "."},
        {"/", "/"},
        {"//", "/"},
        {"a", "a"},
        {"a/", "a"},
        {"a//b", "a/b"},
        {"./a", "a"},
        {"a/.", "a"},
        {"a/..", "."},
        {"a/../..", ".."},
        {"../a", "../a"},
        {"../../a", "../../a"},
        {"/..", "/"},
        {"/../a", "/a"},
        {"/a/../../b", "/b"},
        {"a/b/../../c", "c"},
        {"../a/../b", "../b"},
        {"...", "..."},
        {"/./", "/"},
        {".", "."},
    };
    for (const auto& [path, expected] : cases) {
      CAPTURE(path);
      CHECK(clean_path(path) == expected);
      CHECK(clean_path(clean_path(path)) == expected);
    }
  }

  TEST_CASE("an override replaces or joins the path, and nothing else") {
    const auto check = [](const char* location, const char* path, const char* expected) {
      CAPTURE(location);
      CAPTURE(path);
      CHECK(override_root(location, path) == expected);
    };
    check("sftp://h/tmp", "etc", "sftp://h/tmp/etc");
    check("sftp://h/tmp", "/etc", "sftp://h/etc");
    check("sftp://h/tmp", "", "sftp://h/tmp");
    check("sftp://u:p@h:22", "etc", "sftp://u:p@h:22/etc");
    check("sftp://u:p@h:22/a?x=1#f", "b", "sftp://u:p@h:22/a/b?x=1#f");
    check("s3:h/bucket/", "../other", "s3:h/other");
    check("s3://h/b%20c", "d e?f%", "s3://h/b%20c/d%20e%3Ff%25");
    check("s3://h/b", "../../../x", "s3://h/x");
    check("/var/backups", "sub", "/var/backups/sub");
    check("/var/backups", "/etc/", "/etc/");
    check("fs:///var", "a b?", "fs:///var/a b?");
    check("fs:/var", "../etc", "fs:/etc");
    check("fs:rel", "sub", "fs:rel/sub");
    check("rel", "sub", "rel/sub");
    check("tar:/x", "/y%", "tar:/y%");
  }

  TEST_CASE("user info is shown to nobody") {
    CHECK(strip_user_info("sftp://user:pw@h/x") == "sftp://h/x");
    CHECK(strip_user_info("sftp:user@h") == "sftp:h");
    CHECK(strip_user_info("postgres://u:p@ss@h:5432/db") == "postgres://h:5432/db");
    CHECK(strip_user_info("postgres://u:p/ss@h/db") == "postgres://h/db");
    CHECK(strip_user_info("s3://h/bucket/a@b") == "s3://h/bucket/a@b");
    CHECK(strip_user_info("s3://h:9000/bucket/a@b") == "s3://h:9000/bucket/a@b");
    CHECK(strip_user_info("/home/a@b") == "/home/a@b");
    CHECK(strip_user_info("fs:///home/u:p@b") == "fs:///home/u:p@b");
    CHECK(strip_user_info("postgres://h/db?password=x&a=b") ==
          "postgres://h/db?password=********&a=b");
  }

  TEST_CASE("showing a location masks its passwords and nothing else") {
    CHECK(mask_passwords("sftp://user:pw@h/x") == "sftp://user:********@h/x");
    CHECK(mask_passwords("sftp://user@h/x") == "sftp://user@h/x");
    CHECK(mask_passwords("postgres://u:p/ss@h/db") == "postgres://u:********@h/db");
    CHECK(mask_passwords("http://h/?a=1&x_token=y&b#token=z") ==
          "http://h/?a=1&x_token=********&b#token=z");
    CHECK(mask_passwords("http://h/?&&") == "http://h/?&&");
    CHECK(mask_passwords("s3://h:9000/b") == "s3://h:9000/b");
    CHECK(mask_passwords("gopass show a:b@c") == "gopass show a:b@c");
  }

  TEST_CASE("a reference is a name and what follows the first colon") {
    CHECK(parse_reference("@foo") == Reference{"foo", ""});
    CHECK(parse_reference("@foo:etc") == Reference{"foo", "etc"});
    CHECK(parse_reference("@foo:/a:b") == Reference{"foo", "/a:b"});
    CHECK(parse_reference("@") == Reference{"", ""});
    CHECK(parse_reference("@:x") == Reference{"", "x"});
    CHECK_FALSE(parse_reference("foo"));
    CHECK_FALSE(parse_reference(""));
  }
}

}  // namespace plakar::config
