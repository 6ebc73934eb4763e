#include "core/host/manifest/manifest.h"

#include <doctest/doctest.h>
#include <plakar/connector.h>

namespace plakar::host {
namespace {

constexpr std::string_view whole = R"(# A package.
name: s3
version: v1.4.2
display_name: S3
license: ISC
tags: [object-storage, cloud]
api_version: "1.0"
isolation: worker
permissions: {network: ["*:443"], process: [], filesystem: []}
x-note: anything
connectors:
- id: s3-storage
  type: storage
  protocols: [s3, s3+minio]
  class: object-storage
  library: lib/s3.so
  validator: ./storage/schema.json
  protocol_validators: {s3+minio: ./minio.json}
  config_schema_version: 3
  location_flags: [file]
  caps: [concurrent, range]
- {id: s3-source, type: importer, protocols: [s3], library: lib/s3.so, odd: 1}
)";

std::string with(std::string_view from, std::string_view to) {
  std::string text(whole);
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

std::string error_of(std::string_view text) {
  const auto manifest = parse_manifest(text);
  REQUIRE_FALSE(manifest);
  return manifest.error().message();
}

TEST_SUITE("manifest") {
  TEST_CASE("a manifest says what there is") {
    const auto manifest = parse_manifest(whole);
    REQUIRE(manifest);
    CHECK(manifest->name == "s3");
    CHECK(manifest->version == "1.4.2");
    CHECK(manifest->tags == std::vector<std::string>{"object-storage", "cloud"});
    CHECK(manifest->isolation == "worker");
    CHECK(manifest->permissions.network == std::vector<std::string>{"*:443"});
    REQUIRE(manifest->connectors.size() == 2);
    const ManifestConnector& store = manifest->connectors[0];
    CHECK(store.kind == PLK_KIND_STORAGE);
    CHECK(store.protocols == std::vector<std::string>{"s3", "s3+minio"});
    CHECK(store.validator == "storage/schema.json");
    CHECK(store.validators.at("s3+minio") == "minio.json");
    CHECK(store.config_schema_version == 3);
    CHECK(store.location_flags == PLK_LOC_FILE);
    CHECK(store.caps == (PLK_CAP_CONCURRENT | PLK_CAP_RANGE));
    CHECK(manifest->connectors[1].config_schema_version == 1);
    CHECK(manifest->unknown_keys == std::vector<std::string>{"connectors/1/odd"});
  }

  TEST_CASE("what is wrong is said with its place") {
    CHECK(error_of(with("name: s3", "name: S3!")) ==
          "manifest.yaml: name: 1 to 64 of a-z, 0-9 and - are expected");
    CHECK(error_of(with("version: v1.4.2", "version: new")) ==
          "manifest.yaml: version: a version like 1.4.2 is expected");
    CHECK(error_of(with("type: storage", "type: stor"))
              .starts_with("manifest.yaml: connectors/0/type: one of importer"));
    CHECK(error_of(with("[concurrent, range]", "[fast]")) ==
          "manifest.yaml: connectors/0/caps: \"fast\" is not known");
    CHECK(error_of(with("id: s3-source", "id: s3-storage")) ==
          "manifest.yaml: connectors/1/id: it is there twice");
    CHECK(error_of(with("type: importer", "type: storage")) ==
          "manifest.yaml: connectors/1/protocols: \"s3\" is another connector's already");
    CHECK(error_of(with("[s3, s3+minio]", "[s]")) ==
          "manifest.yaml: connectors/0/protocols: \"s\" is no protocol");
    CHECK(error_of(with("isolation: worker", "isolation: none"))
              .starts_with("manifest.yaml: isolation: one of in_process"));
    CHECK(error_of(with("version: 3", "version: 3x")) ==
          "manifest.yaml: connectors/0/config_schema_version: a number is expected");
  }

  TEST_CASE("a path that leads out of the package is refused") {
    for (const char* path :
         {"../s3.so", "/lib/s3.so", "lib/../../s3.so", "lib//s3.so", "\"\"", "lib/./s3.so", "./"}) {
      CAPTURE(path);
      CHECK(error_of(with("lib/s3.so", path))
                .starts_with("manifest.yaml: connectors/0/library: a path within"));
    }
  }

  TEST_CASE("what readers of YAML disagree about is refused, and where it is") {
    CHECK(error_of("name: a\nname: b\n") == "manifest.yaml:2:1: a key twice: name");
    CHECK(error_of("name: &x a\n").find("an anchor") != std::string::npos);
    CHECK(error_of("name: !!str a\n").find("a tag") != std::string::npos);
    CHECK(error_of("a: 1\n---\nb: 2\n").find("a second document") != std::string::npos);
    CHECK(error_of("name: \"a\x01\"\n") == "manifest.yaml: it is not text in UTF-8");
    CHECK(error_of("- a\n") == "manifest.yaml: a mapping is expected");
    CHECK(error_of("") == "manifest.yaml: a mapping is expected");
    CHECK(error_of(std::string(100, '[')).find("too deep") != std::string::npos);
    CHECK(error_of(std::string(manifest_bytes_max + 1, ' ')).find("larger") != std::string::npos);
  }
}

}  // namespace
}  // namespace plakar::host
