#include "core/connectors/builtin/builtin.h"

#include <doctest/doctest.h>

#include "core/codec/json.h"
#include "core/connectors/builtin/schemas.h"

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
    // Of a scheme that nobody knows nothing is taken for a path.
    const auto unknown = store_location(at("s3://host/bucket"), "/here");
    REQUIRE(unknown);
    CHECK(unknown->to_string() == "s3://host/bucket");
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
          "fs source: dont_traverse_fs: must be true or false");
  }

  TEST_CASE("options that the connector does not know are refused, and the known ones named") {
    const auto with = [](const char* location, const char* key) {
      config::Options options = at(location);
      options.push_back({.key = key, .value = "1"});
      return options;
    };
    const auto source = make_source(system_env(), with("/a", "tls"), {.directory = "/"}, {});
    REQUIRE_FALSE(source);
    CHECK(source.error().code() == Errc::invalid_argument);
    CHECK(source.error().message() ==
          "fs source: tls: is not known; known are location, dont_traverse_fs");
    const auto typed = make_source(system_env(), with("/a", "dont_travers_fs"), {}, {});
    REQUIRE_FALSE(typed);
    CHECK(typed.error().message() ==
          "fs source: dont_travers_fs: is not known, did you mean dont_traverse_fs?");
    const auto store = make_store(system_env(), with("/a", "dont_traverse_fs"), {}, {});
    REQUIRE_FALSE(store);
    CHECK(store.error().message() ==
          "fs store: dont_traverse_fs: is not known; known are location");
    CHECK_FALSE(make_store(system_env(), with("/a.ptar", "x"), {}, {}));
    CHECK_FALSE(make_destination(system_env(), with("/a", "x"), {}, {}));
    CHECK(make_destination(system_env(), at("/a"), {}, {}));
    CHECK(make_store(system_env(), at("/a.ptar"), {}, {}));
  }

  TEST_CASE("unknown options can be told from others, where there is a connector to ask") {
    config::Options options = at("a");
    options.push_back({.key = "dont_traverse_fs", .value = "perhaps"});
    options.push_back({.key = "b", .value = "1"});
    options.push_back({.key = "a/~b", .value = "x"});
    using config::PlaceKind;
    CHECK(unknown_options(PlaceKind::source, options, "/") ==
          std::vector<std::string>{"b", "a/~b"});
    CHECK(unknown_options(PlaceKind::destination, options, "/").size() == 3);
    config::set_option(options, "location", "s3://host/bucket");
    CHECK(unknown_options(PlaceKind::source, options, "/").empty());
    CHECK(unknown_options(PlaceKind::source, {}, "/").empty());
  }

  TEST_CASE("the schema of a source says what it may be asked, with defaults") {
    const auto schema = connector_schema(config::PlaceKind::source, "fs");
    REQUIRE(schema);
    const auto prepared = schema->prepare(at("fs:///a"));
    CHECK(prepared.errors.empty());
    CHECK(codec::to_json(prepared.value) == R"({"location":"fs:///a","dont_traverse_fs":false})");
    CHECK(schema->prepare(config::Options()).errors.at(0).message == "location: is required");
    CHECK_FALSE(connector_schema(config::PlaceKind::source, "ptar"));
  }
}

}  // namespace
}  // namespace plakar::connectors
