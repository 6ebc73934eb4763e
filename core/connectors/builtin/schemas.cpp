#include "core/connectors/builtin/schemas.h"

#include <array>
#include <utility>

#include "core/base/assert.h"
#include "core/codec/json.h"

namespace plakar::connectors {
namespace {

using config::PlaceKind;

struct BuiltIn {
  PlaceKind kind;
  std::string_view scheme;
  std::string_view schema;
};

constexpr std::string_view fs_source = R"({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "required": ["location"],
  "properties": {
    "location": {
      "type": "string",
      "pattern": "^fs://",
      "description": "Directory or file",
      "examples": ["fs:///var/www"],
      "x-order": 1
    },
    "dont_traverse_fs": {
      "type": "boolean",
      "default": false,
      "description": "Stay on the file system of the root",
      "x-order": 2
    }
  }
})";

constexpr std::string_view fs_place = R"({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "required": ["location"],
  "properties": {
    "location": {
      "type": "string",
      "pattern": "^fs://",
      "description": "Directory",
      "examples": ["fs:///var/backups"],
      "x-order": 1
    }
  }
})";

constexpr std::string_view ptar_store = R"({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "required": ["location"],
  "properties": {
    "location": {
      "type": "string",
      "pattern": "^ptar://",
      "description": "Archive in a single file",
      "examples": ["ptar:///var/backups/www.ptar"],
      "x-order": 1
    }
  }
})";

constexpr std::array<BuiltIn, 4> all{{
    {.kind = PlaceKind::store, .scheme = "fs", .schema = fs_place},
    {.kind = PlaceKind::store, .scheme = "ptar", .schema = ptar_store},
    {.kind = PlaceKind::source, .scheme = "fs", .schema = fs_source},
    {.kind = PlaceKind::destination, .scheme = "fs", .schema = fs_place},
}};

}  // namespace

std::optional<config::Schema> connector_schema(PlaceKind kind, std::string_view scheme) {
  for (const BuiltIn& connector : all) {
    if (connector.kind != kind || connector.scheme != scheme) continue;
    const auto json = codec::parse_json(connector.schema);
    PLK_ASSERT(json);
    auto schema = config::Schema::compile(*json);
    PLK_ASSERT(schema);
    return *std::move(schema);
  }
  return std::nullopt;
}

}  // namespace plakar::connectors
