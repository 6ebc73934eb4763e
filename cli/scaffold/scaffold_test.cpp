#include "cli/scaffold/scaffold.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "core/base/files.h"
#include "tests/support/temp_dir.h"

namespace plakar::cli {
namespace {

Scaffold wanted(std::string name, std::vector<std::string> kinds = {"storage"}) {
  return {.language = "c", .kinds = std::move(kinds), .name = std::move(name)};
}

std::string text_of(std::span<const ScaffoldFile> files, std::string_view path) {
  const auto found = std::ranges::find(files, path, &ScaffoldFile::path);
  return found == files.end() ? "" : found->text;
}

}  // namespace

TEST_SUITE("scaffold") {
  TEST_CASE("a name is what manifests and modules take") {
    CHECK(check_scaffold(wanted("s3")));
    CHECK(check_scaffold(wanted("9-lives")));
    CHECK(check_scaffold(wanted(std::string(47, 'a'))));
    for (const std::string name : {"", "-s3", "S3", "s_3", "s3/x", "..", "s 3", "s\xc3\xa9"}) {
      CAPTURE(name);
      CHECK_FALSE(check_scaffold(wanted(name)));
    }
    CHECK_FALSE(check_scaffold(wanted(std::string(48, 'a'))));
  }

  TEST_CASE("kinds are known, and there once") {
    for (const std::string_view kind : scaffold_kinds()) {
      CHECK(check_scaffold(wanted("x", {std::string(kind)})));
    }
    CHECK_FALSE(check_scaffold(wanted("x", {})));
    CHECK_FALSE(check_scaffold(wanted("x", {""})));
    CHECK_FALSE(check_scaffold(wanted("x", {"store"})));
    CHECK_FALSE(check_scaffold(wanted("x", {"storage", "importer", "storage"})));
  }

  TEST_CASE("an identifier does not begin with a digit, and has no two underscores") {
    CHECK(identifier_of("my-s3") == "my_s3");
    CHECK(identifier_of("9-lives") == "p9_lives");
    CHECK(identifier_of("a--b-") == "a_b_");
  }

  TEST_CASE("a line about a kind is there for each that is wanted, and brackets close once") {
    Scaffold both = wanted("pair", {"importer", "secret_provider"});
    both.language = "cpp";
    const std::string module = text_of(render_scaffold(both), "src/module.cpp");
    CHECK(module.find("extern const plk_connector importer_connector;\n"
                      "extern const plk_connector secret_provider_connector;\n") !=
          std::string::npos);
    CHECK(module.find("&importer_connector,\n           &secret_provider_connector)\n") !=
          std::string::npos);
  }

  TEST_CASE("the manifest has a connector for each kind, and files are only those of the kinds") {
    const auto files = render_scaffold(wanted("pair", {"importer", "exporter"}));
    const std::string manifest = text_of(files, "manifest.yaml");
    CHECK(manifest.starts_with("name: pair\n"));
    CHECK(manifest.find("- id: pair-importer\n  type: importer\n") != std::string::npos);
    CHECK(manifest.find("- id: pair-exporter\n  type: exporter\n") != std::string::npos);
    CHECK(text_of(files, "src/exporter.c") != "");
    CHECK(text_of(files, "src/storage.c") == "");
    CHECK(text_of(files, "tests/drive.c") != "");
  }

  TEST_CASE("a directory that exists is left as it is") {
    const plakar::testing::TempDir scratch;
    const std::string directory = (scratch.path() / "made").string();
    const auto files = render_scaffold(wanted("made"));
    REQUIRE(write_scaffold(system_files(), directory, files));
    const auto before = list_directory(system_files(), directory);
    const Status again = write_scaffold(system_files(), directory, files);
    REQUIRE_FALSE(again);
    CHECK(again.error().code() == Errc::already_exists);
    CHECK(list_directory(system_files(), directory)->size() == before->size());
  }

  TEST_CASE("a failure in the middle leaves nothing") {
    const plakar::testing::TempDir scratch;
    const std::string directory = (scratch.path() / "made").string();
    std::vector<ScaffoldFile> files = render_scaffold(wanted("made"));
    files.push_back({.path = "README.md/inside-a-file", .text = "x"});
    CHECK_FALSE(write_scaffold(system_files(), directory, files));
    CHECK_FALSE(*system_files().find(directory));
  }
}

}  // namespace plakar::cli
