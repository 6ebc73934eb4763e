#include "core/config/form.h"

#include <doctest/doctest.h>

#include <string>

namespace plakar::config {
namespace {

using codec::Json;

Json form(std::string_view schema) {
  const auto json = codec::parse_json(schema);
  REQUIRE(json);
  const auto compiled = Schema::compile(*json);
  if (!compiled) FAIL(compiled.error().message());
  return form_descriptor(*compiled);
}

// One member of one field as JSON text.
std::string field(const Json& form, std::string_view key, std::string_view member) {
  for (const Json& candidate : form.find("fields")->items()) {
    if (candidate.find("key")->as_string() != key) continue;
    const Json* value = candidate.find(member);
    return value == nullptr ? "(none)" : codec::to_json(*value);
  }
  return "(no field)";
}

std::string keys(const Json& form) {
  std::string all;
  for (const Json& candidate : form.find("fields")->items()) {
    all += std::string(*candidate.find("key")->as_string()) + " ";
  }
  return all;
}

}  // namespace

TEST_SUITE("form") {
  TEST_CASE("a field says all that its schema does") {
    const Json f = form(R"({"required": ["port"], "properties": {
        "location": {"type": "string"},
        "tls_insecure_no_verify": {"type": "boolean", "default": false, "x-advanced": true},
        "port": {"title": "TCP port", "type": "integer", "minimum": 1, "maximum": 65535,
                 "description": "d", "x-placeholder": "22", "examples": [22]},
        "name": {"type": "string", "minLength": 1, "maxLength": 9, "pattern": "^a",
                 "format": "hostname", "x-group": "Names", "x-choices": "dynamic"},
        "password": {"type": "string", "writeOnly": true, "default": "x", "examples": ["y"]},
        "old": {"deprecated": true}}})");
    CHECK(keys(f) == "location tls_insecure_no_verify port name password old ");
    CHECK(field(f, "location", "hidden") == "true");
    CHECK(field(f, "port", "hidden") == "false");
    CHECK(field(f, "tls_insecure_no_verify", "label") == "\"Tls Insecure No Verify\"");
    CHECK(field(f, "tls_insecure_no_verify", "group") == "\"advanced\"");
    CHECK(field(f, "tls_insecure_no_verify", "advanced") == "true");
    CHECK(field(f, "tls_insecure_no_verify", "default") == "false");
    CHECK(field(f, "port", "label") == "\"TCP port\"");
    CHECK(field(f, "port", "required") == "true");
    CHECK(field(f, "port", "minimum") == "1");
    CHECK(field(f, "port", "maximum") == "65535");
    CHECK(field(f, "port", "placeholder") == "\"22\"");
    CHECK(field(f, "port", "examples") == "[22]");
    CHECK(field(f, "port", "group") == "\"main\"");
    CHECK(field(f, "name", "group") == "\"Names\"");
    CHECK(field(f, "name", "dynamic_choices") == "true");
    CHECK(field(f, "name", "pattern") == "\"^a\"");
    CHECK(field(f, "name", "format") == "\"hostname\"");
    CHECK(field(f, "name", "min_length") == "1");
    CHECK(field(f, "name", "max_length") == "9");
    CHECK(field(f, "password", "secret") == "true");
    CHECK(field(f, "password", "default") == "(none)");
    CHECK(field(f, "password", "examples") == "(none)");
    CHECK(field(f, "old", "deprecated") == "true");
  }

  TEST_CASE("the kind follows the type, the choices and the medium") {
    const Json f = form(R"({"$defs": {"pem": {"type": "string",
                                              "contentMediaType": "application/x-pem-file"}},
      "properties": {
        "s": {"type": "string"}, "i": {"type": "integer"}, "n": {"type": "number"},
        "b": {"type": "boolean"}, "e": {"type": "string", "enum": ["x"]},
        "l": {"type": "array", "items": {"type": "string"}}, "o": {"type": "object"},
        "lo": {"type": "array", "items": {"type": "object"}}, "p": {"$ref": "#/$defs/pem"},
        "j": {"type": "string", "contentMediaType": "application/json"},
        "t": {"type": "string", "contentMediaType": "text/plain"},
        "ssh_private_key": {"type": "string"}, "ssh_private_key_ttl": {"type": "string"}}})");
    const auto kind = [&](const char* key) { return field(f, key, "kind"); };
    CHECK(kind("s") == "\"string\"");
    CHECK(kind("i") == "\"integer\"");
    CHECK(kind("n") == "\"number\"");
    CHECK(kind("b") == "\"boolean\"");
    CHECK(kind("e") == "\"enum\"");
    CHECK(kind("l") == "\"list\"");
    CHECK(kind("o") == "\"json\"");
    CHECK(kind("lo") == "\"json\"");
    CHECK(kind("p") == "\"pem\"");
    CHECK(kind("j") == "\"json\"");
    CHECK(kind("t") == "\"text\"");
    CHECK(kind("ssh_private_key") == "\"pem\"");
    CHECK(kind("ssh_private_key_ttl") == "\"string\"");
  }

  TEST_CASE("fields are in the order asked for, the others after them") {
    CHECK(keys(form(R"({"properties": {"a": {}, "b": {"x-order": 2}, "c": {"x-order": 1}, "d": {}},
                        "allOf": [{"properties": {"e": {"x-order": 0}}}]})")) == "e c b a d ");
  }

  TEST_CASE("fields of a branch are shown and required when its condition holds") {
    const Json f = form(R"({"properties": {"mode": {"enum": ["x", "y"]}, "key": true, "a": {}},
        "if": {"properties": {"mode": {"const": "y"}}, "required": ["mode"]},
        "then": {"required": ["key", "a"], "properties": {"key": {"type": "integer"}}}})");
    CHECK(field(f, "key", "visible_when") == R"({"field":"mode","equals":["y"]})");
    CHECK(field(f, "key", "required_when") == R"([{"field":"mode","equals":["y"]}])");
    CHECK(field(f, "key", "kind") == "\"integer\"");
    CHECK(field(f, "a", "visible_when") == "(none)");
    CHECK(field(f, "a", "required_when") == R"([{"field":"mode","equals":["y"]}])");
  }

  TEST_CASE("rules between fields are listed") {
    const Json f = form(R"({"properties": {"a": {}, "b": {}, "c": {}},
        "dependentRequired": {"a": ["b"]},
        "not": {"required": ["a", "c"], "description": "not a with c"},
        "allOf": [{"not": {"anyOf": [{"required": ["b", "c"]}]}},
                  {"anyOf": [{"required": ["a"]}, {"required": ["b", "c"]}]},
                  {"oneOf": [{"required": ["a"]}, {"required": ["c"]}], "description": "one"}]})");
    CHECK(codec::to_json(*f.find("rules")) ==
          R"([{"kind":"requires","fields":["a","b"]},)"
          R"({"kind":"not_both","fields":["a","c"],"message":"not a with c"},)"
          R"({"kind":"not_both","fields":["b","c"]},)"
          R"({"kind":"one_of","fields":["a","b","c"],"forms":[["a"],["b","c"]],"any":true},)"
          R"({"kind":"one_of","fields":["a","c"],"forms":[["a"],["c"]],"message":"one"}])");
  }
}

}  // namespace plakar::config
