#include "core/connectors/builtin/builtin.h"

#include <doctest/doctest.h>

namespace plakar::connectors {
namespace {

config::Options at(std::string location) {
  return {{.key = "location", .value = std::move(location)}};
}

TEST_SUITE("built-in connectors") {
  TEST_CASE("a path that ends in .ptar is an archive, and anything else a directory") {
    const auto archive = store_location(at("x.ptar"), "/here");
    REQUIRE(archive);
    CHECK(archive->to_string() == "ptar:///here/x.ptar");
    const auto directory = store_location(at("x"), "/here");
    REQUIRE(directory);
    CHECK(directory->to_string() == "fs:///here/x");
  }

  TEST_CASE("options without a location, and schemes nobody serves, are refused by name") {
    const auto missing = make_store(system_env(), {}, {}, {});
    REQUIRE_FALSE(missing);
    CHECK(missing.error().message() == "missing location");
    const auto store = make_store(system_env(), at("s3://host/bucket"), {}, {});
    REQUIRE_FALSE(store);
    CHECK(store.error().message() == "backend 's3' does not exist");
    const auto source = make_source(system_env(), at("ptar:/x"), {}, {});
    REQUIRE_FALSE(source);
    CHECK(source.error().message() == "unsupported importer protocol 'ptar'");
    const auto destination = make_destination(system_env(), at("sftp://h/x"), {}, {});
    REQUIRE_FALSE(destination);
    CHECK(destination.error().message() == "unsupported exporter protocol 'sftp'");
  }

  TEST_CASE("a source knows its root and its origin before anything is read") {
    auto source = make_source(system_env(), at("a/../b"), {.directory = "/r", .hostname = "h"}, {});
    REQUIRE(source);
    CHECK((*source)->identity() ==
          kloset::SourceIdentity{.type = "fs", .origin = "h", .root = "/r/b"});
  }

  TEST_CASE("dont_traverse_fs keeps a source on the file system of its root") {
    const auto finds_processes = [](const char* value) -> Result<bool> {
      // /proc is a file system of its own.
      config::Options options = at("/");
      options.push_back({.key = "dont_traverse_fs", .value = value});
      SourceSettings settings{.xattrs = false};
      settings.excluded = [](std::string_view path, bool) {
        return path != "/proc" && path != "/proc/self" && path != "/proc/version";
      };
      const auto source = PLK_TRY(make_source(system_env(), options, std::move(settings), {}));
      std::vector<kloset::Record> batch;
      bool found = false;
      while (PLK_TRY(source->next(batch))) {
        for (const kloset::Record& record : batch) {
          found = found || record.path == "/proc/version";
        }
      }
      return found;
    };
    CHECK_FALSE(finds_processes("true").value());
    CHECK(finds_processes("0").value());
    CHECK(finds_processes("").value());
    CHECK(finds_processes("yes").error().message() ==
          "dont_traverse_fs: 'yes' is neither true nor false");
  }
}

}  // namespace
}  // namespace plakar::connectors
