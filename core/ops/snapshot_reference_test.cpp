#include "core/ops/snapshot_reference.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

namespace plakar::ops {
namespace {

SnapshotReference parsed(std::string_view text) { return SnapshotReference::parse(text).value(); }

std::string path(std::string_view text) { return parsed(text).path_below("/home/u"); }

SnapshotId id(std::string_view begin) {
  std::string hex(begin);
  hex.resize(64, '0');
  return SnapshotId::parse(hex).value();
}

}  // namespace

TEST_SUITE("snapshot reference") {
  TEST_CASE("the first colon divides snapshot and path") {
    CHECK(parsed("abcd").prefix == "abcd");
    CHECK(parsed("abcd").path.empty());
    CHECK(parsed("abcd:a:b").prefix == "abcd");
    CHECK(parsed("abcd:a:b").path == "a:b");
    CHECK(parsed(":/etc").prefix.empty());
    CHECK(parsed("/etc:x").prefix.empty());
    CHECK(parsed("/etc:x").path == "/etc:x");
    CHECK(parsed("").prefix.empty());
  }

  TEST_CASE("a path is below the backup root unless it is absolute") {
    CHECK(path("abcd") == "/home/u");
    CHECK(path("abcd:") == "/home/u");
    CHECK(path("abcd:/") == "/");
    CHECK(path("abcd:docs/x/") == "/home/u/docs/x");
    CHECK(path("abcd:../v") == "/home/v");
    CHECK(path("abcd:../../../..") == "/");
    CHECK(path("abcd:/etc//x/.") == "/etc/x");
    CHECK(path("/etc") == "/etc");
    CHECK(parsed("abcd:x").path_below("") == "/x");
    CHECK(parsed("abcd").path_below("") == "/");
  }

  TEST_CASE("latest and latest~N are no prefixes") {
    CHECK(parsed("latest").latest == 0);
    CHECK(parsed("latest:/etc").latest == 0);
    CHECK(parsed("latest:/etc").path == "/etc");
    CHECK(parsed("latest~2").latest == 2);
    CHECK(parsed("latest~0").latest == 0);
    CHECK_FALSE(parsed("latestx").latest);
    for (const std::string_view text : {"latest~", "latest~-1", "latest~+1", "latest~x",
                                        "latest~1x", "latest~ 1", "latest~99999999999999999999"}) {
      CHECK_MESSAGE(!SnapshotReference::parse(text), text);
    }
  }

  TEST_CASE("a prefix finds exactly one snapshot") {
    const std::vector<SnapshotId> ids = {id("abc1"), id("abd2"), id("0123")};
    CHECK(find_by_prefix("abc", ids).value() == id("abc1"));
    CHECK(find_by_prefix(id("0123").hex(), ids).value() == id("0123"));
    CHECK(find_by_prefix("abe", ids).error().message() == "no snapshot has prefix: abe");
    CHECK(find_by_prefix("ab", ids).error().message() ==
          "snapshot ID is ambiguous: ab (matches 2 snapshots)");
    CHECK(find_by_prefix("", ids).error().message() ==
          "snapshot ID is ambiguous:  (matches 3 snapshots)");
    CHECK(find_by_prefix("", std::vector{id("0123")}).value() == id("0123"));
    CHECK(find_by_prefix("", {}).error().code() == Errc::not_found);
  }

  TEST_CASE("latest counts from the newest") {
    const std::vector<kloset::SnapshotTime> snapshots = {
        {id("bb"), {30, 0}}, {id("cc"), {20, 0}}, {id("aa"), {10, 0}}, {id("ab"), {10, 0}}};
    CHECK(find_latest(0, snapshots).value() == id("bb"));
    CHECK(find_latest(1, snapshots).value() == id("cc"));
    CHECK(find_latest(2, snapshots).value() == id("aa"));
    CHECK(find_latest(3, snapshots).value() == id("ab"));
    CHECK(find_latest(4, snapshots).error().message() ==
          "there is no snapshot latest~4, only 4 snapshots");
    CHECK(find_latest(0, {}).error().message() == "there is no snapshot");
  }
}

}  // namespace plakar::ops
