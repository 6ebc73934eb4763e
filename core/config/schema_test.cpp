#include "core/config/schema.h"

#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <vector>

namespace plakar::config {
namespace {

using codec::Json;

Json json(std::string_view text) {
  auto value = codec::parse_json(text);
  if (!value) FAIL(std::string(text) << ": " << value.error().message());
  return *std::move(value);
}

Schema compile(std::string_view text) {
  auto schema = Schema::compile(json(text));
  if (!schema) FAIL(schema.error().message());
  return *std::move(schema);
}

std::string compile_error(std::string_view text) {
  auto schema = Schema::compile(json(text));
  REQUIRE_FALSE(schema);
  CHECK(schema.error().code() == Errc::invalid_argument);
  return schema.error().message();
}

// "pointer keyword|pointer keyword": where what is wrong.
std::string addresses(const std::vector<FieldError>& errors) {
  std::string all;
  for (const FieldError& error : errors) {
    if (!all.empty()) all += '|';
    all += error.pointer + " " + error.keyword;
  }
  return all;
}

std::string check(std::string_view schema, std::string_view instance) {
  return addresses(compile(schema).validate(json(instance)));
}

// The messages, one a line.
std::string messages(std::string_view schema, std::string_view instance) {
  std::string all;
  for (const FieldError& error : compile(schema).validate(json(instance))) {
    if (!all.empty()) all += '\n';
    all += error.message;
  }
  return all;
}

std::string prepared(std::string_view schema, std::string_view instance) {
  const auto result = compile(schema).prepare(json(instance));
  return codec::to_json(result.value) +
         (result.errors.empty() ? "" : " " + addresses(result.errors));
}

}  // namespace

TEST_SUITE("schema: checking") {
  TEST_CASE("each keyword accepts what is right, and says where what is wrong") {
    struct Case {
      const char* schema;
      const char* right;
      const char* wrong;
      const char* where;
    };
    const std::vector<Case> cases = {
        {R"({"type": "string"})", R"("x")", "5", " type"},
        {R"({"type": "integer"})", "5", "5.5", " type"},
        {R"({"type": "integer"})", "5.0", R"("5")", " type"},
        {R"({"type": "integer"})", "18446744073709551615", "1e400000000", ""},
        {R"({"type": "number"})", "5", R"("5")", " type"},
        {R"({"type": "boolean"})", "true", "1", " type"},
        {R"({"type": "array"})", "[]", "{}", " type"},
        {R"({"type": "object"})", "{}", "[]", " type"},
        {R"({"type": "null"})", "null", "0", " type"},
        {R"({"type": ["integer", "string"]})", R"("x")", "true", " type"},
        {R"({"properties": {"a": {"type": "string"}}})", R"({"a": "x", "b": 1})", R"({"a": 1})",
         "/a type"},
        {R"({"required": ["a", "b~/"]})", R"({"a": 1, "b~/": 2})", "{}",
         "/a required|/b~0~1 required"},
        {R"({"properties": {"a": true}, "additionalProperties": false})", R"({"a": 1})",
         R"({"a": 1, "b": 2})", "/b additionalProperties"},
        {R"({"additionalProperties": {"type": "string"}})", R"({"a": "x"})", R"({"a": 1})",
         "/a type"},
        {R"({"patternProperties": {"^x_": {"type": "string"}}, "additionalProperties": false})",
         R"({"x_a": "1"})", R"({"x_a": 1, "a": 1})", "/x_a type|/a additionalProperties"},
        {R"({"dependentRequired": {"a": ["b"]}})", R"({"b": 1})", R"({"a": 1})",
         "/b dependentRequired"},
        {R"({"enum": ["a", 5, null]})", "5.0", R"("b")", " enum"},
        {R"({"const": {"a": [1]}})", R"({"a": [1.0]})", R"({"a": [2]})", " const"},
        {R"({"pattern": "^a+$"})", R"("aa")", R"("ab")", " pattern"},
        {R"({"minimum": 1})", "1", "0.5", " minimum"},
        {R"({"maximum": 18446744073709551614})", "18446744073709551614", "18446744073709551615",
         " maximum"},
        {R"({"exclusiveMinimum": 1})", "1.1", "1", " exclusiveMinimum"},
        {R"({"exclusiveMaximum": 1})", "-1", "1", " exclusiveMaximum"},
        {R"({"multipleOf": 3})", "-6", "7", " multipleOf"},
        {R"({"multipleOf": 0.1})", "0.3", "0.35", " multipleOf"},
        {R"({"minLength": 2})", R"("\u00e9\u00e9")", R"("\u00e9")", " minLength"},
        {R"({"maxLength": 2})", R"("\u00e9\u00e9")", R"("\u00e9\u00e9a")", " maxLength"},
        {R"({"items": {"type": "string"}})", R"(["a"])", R"(["a", 1, 2])", "/1 type|/2 type"},
        {R"({"minItems": 1})", "[1]", "[]", " minItems"},
        {R"({"maxItems": 1})", "[1]", "[1, 2]", " maxItems"},
        {R"({"uniqueItems": true})", "[1, 2]", "[1, 2, 1.0]", " uniqueItems"},
        {R"({"format": "email"})", R"("a@b.c")", R"("a b@c")", " format"},
        {R"({"format": "made-up"})", R"("x")", nullptr, ""},
        {R"({"allOf": [{"minimum": 1}, {"maximum": 3}]})", "2", "5", " maximum"},
        {R"({"anyOf": [{"type": "string"}, {"minimum": 3}]})", R"("x")", "1", " type"},
        {R"({"oneOf": [{"type": "integer"}, {"minimum": 3}]})", "1", "5", " oneOf"},
        {R"({"not": {"type": "string"}})", "1", R"("x")", " not"},
        {R"({"if": {"minimum": 5}, "then": {"multipleOf": 5}, "else": {"maximum": 3}})", "10", "7",
         " multipleOf"},
        {R"({"if": {"minimum": 5}, "then": {"multipleOf": 5}, "else": {"maximum": 3}})", "3", "4",
         " maximum"},
        {R"({"$defs": {"s": {"type": "string"}}, "items": {"$ref": "#/$defs/s"}})", R"(["a"])",
         "[1]", "/0 type"},
        {R"({"properties": {"next": {"$ref": "#"}}, "additionalProperties": false})",
         R"({"next": {"next": {}}})", R"({"next": {"x": 1}})", "/next/x additionalProperties"},
        {"true", "1", nullptr, ""},
        {"false", nullptr, "1", " false"},
        {R"({"title": "t", "description": "d", "default": 1, "examples": [1], "deprecated": true,
             "readOnly": true, "writeOnly": true, "contentMediaType": "text/plain",
             "contentEncoding": "base64", "$comment": "c", "x-anything": {}, "x-order": 1,
             "x-group": "g", "x-advanced": true, "x-placeholder": "p", "x-choices": "dynamic",
             "x-aliases": ["a"], "x-ignore-case": true, "x-secret": true})",
         "1", nullptr, ""},
    };
    for (const Case& c : cases) {
      CAPTURE(std::string(c.schema));
      if (c.right != nullptr) CHECK(check(c.schema, c.right) == "");
      if (c.wrong != nullptr && codec::parse_json(c.wrong)) {
        CHECK(check(c.schema, c.wrong) == c.where);
      }
    }
  }

  TEST_CASE("formats that are checked are checked") {
    struct Case {
      const char* format;
      std::vector<const char*> right;
      std::vector<const char*> wrong;
    };
    const std::vector<Case> cases = {
        {"uri", {"http://h/p?q#f", "mailto:x", "s3://b"}, {"", "/path", "a b:c", "1x:y", "x:"}},
        {"email", {"a@b", "a.b+c@d.example"}, {"a", "@b", "a@", "a@-b", "a b@c", "a@b@c"}},
        {"hostname", {"a", "a-b.c1", "localhost."}, {"", ".", "-a", "a..b", "a_b", "a b"}},
        {"ipv4", {"0.0.0.0", "255.255.255.255"}, {"1.2.3", "1.2.3.4.5", "256.1.1.1", "01.1.1.1"}},
        {"ipv6",
         {"::", "::1", "1::", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4", "fe80::1:2"},
         {"", ":", ":::", "1::2::3", "1:2:3", "12345::", "1:2:3:4:5:6:7:8:9", "g::"}},
        {"date", {"2024-02-29"}, {"2023-02-29", "2024-13-01", "2024-1-1", "2024-01-01T"}},
        {"date-time",
         {"2024-01-01T00:00:00Z", "2024-01-01t23:59:60.5+02:00"},
         {"2024-01-01", "2024-01-01T24:00:00Z", "2024-01-01T00:00:00", "2024-01-01T00:00:00.Z"}},
        {"uuid",
         {"123e4567-e89b-12d3-a456-426614174000"},
         {"123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400g"}},
    };
    for (const Case& c : cases) {
      CAPTURE(c.format);
      const Schema schema = *Schema::compile(Json::object({{"format", c.format}}));
      for (const char* text : c.right) {
        CAPTURE(text);
        CHECK(schema.validate(Json(text)).empty());
      }
      for (const char* text : c.wrong) {
        CAPTURE(text);
        CHECK(schema.validate(Json(text)).size() == 1);
      }
    }
  }

  TEST_CASE("messages name the field and the reason, and what may have been meant") {
    const char* schema = R"({"properties": {
        "port": {"type": "integer", "minimum": 1, "maximum": 65535},
        "ssl_mode": {"enum": ["disable", "prefer", "require"]},
        "location": {"type": "string", "pattern": "^s3://", "examples": ["s3://host/bucket"]},
        "name": {"type": "string", "minLength": 1, "maxLength": 3},
        "list": {"type": ["array", "null"], "minItems": 2}},
      "required": ["location"], "additionalProperties": false})";
    CHECK(messages(schema, R"({"prot": 1})") ==
          "location: is required\nprot: is not known, did you mean port?");
    CHECK(messages(schema, R"({"location": "x", "port": 70000, "name": "", "list": [1]})") ==
          "location: must match ^s3://, for example s3://host/bucket\nport: must be at most 65535\n"
          "name: must not be empty\nlist: must have at least 2 items");
    CHECK(messages(schema, R"({"location": "s3://", "port": "x", "name": "abcd", "list": 1})") ==
          "port: must be a whole number\nname: must have at most 3 characters\n"
          "list: must be a list or nothing");
    CHECK(messages(schema, R"({"location": "s3://", "zzz": 1})") ==
          "zzz: is not known; known are port, ssl_mode, location, name, list");
    const auto errors =
        compile(schema).validate(json(R"({"location": "s3://", "ssl_mode": "perfer"})"));
    REQUIRE(errors.size() == 1);
    CHECK(errors[0] == FieldError{"/ssl_mode", "enum",
                                  "ssl_mode: must be one of disable, prefer, require", "prefer"});
    CHECK(messages(R"({"items": {"properties": {"a/b": {"type": "string"}}}})",
                   R"([{"a/b": 1}])") == "0.a/b: must be a text");
    CHECK(messages(R"({"additionalProperties": false})", R"({"a\n\u001b": 1})") ==
          "a\\n\\x1b: is not known");
  }

  TEST_CASE("what excludes or needs each other is said in words") {
    CHECK(messages(R"({"not": {"required": ["a", "b"]}})", R"({"a": 1, "b": 1})") ==
          "b: cannot be given together with a");
    CHECK(messages(R"({"not": {"anyOf": [{"required": ["a", "b"]}, {"required": ["c", "d"]}]}})",
                   R"({"a": 1, "c": 1, "d": 1})") == "d: cannot be given together with c");
    CHECK(messages(R"({"not": {"required": ["a"]}})", R"({"a": 1})") == "a: is not allowed here");
    CHECK(messages(R"({"not": {"type": "object", "description": "objects are out"}})", "{}") ==
          "objects are out");
    CHECK(messages(R"({"anyOf": [{"required": ["a"]}, {"required": ["b", "c"]}]})",
                   R"({"b": 1})") == "one of these is required: a, or b and c");
    CHECK(messages(R"({"oneOf": [{"required": ["a"]}, {"required": ["b"]}]})",
                   R"({"a": 1, "b": 1})") == "only one can be given: a, or b");
    CHECK(messages(R"({"dependentRequired": {"a": ["b"]}})", R"({"a": 1})") ==
          "b: is required together with a");
    // The form that fits best says what is wrong with it.
    CHECK(messages(R"({"anyOf": [{"required": ["a", "b", "c"]}, {"properties": {"p":
                   {"minimum": 5}}}]})",
                   R"({"p": 1})") == "p: must be at least 5");
  }

  TEST_CASE("a value never gets into a message") {
    const char* schema = R"({"properties": {
        "password": {"type": "string", "writeOnly": true, "pattern": "^x$", "minLength": 20,
                     "enum": ["aaaa"], "format": "uri", "const": "b"},
        "list": {"items": {"type": "integer"}, "uniqueItems": true},
        "n": {"minimum": 5, "multipleOf": 7, "not": {"const": 3}}},
      "not": {"required": ["password"]}, "additionalProperties": {"type": "null"}})";
    const auto errors = compile(schema).validate(
        json(R"({"password": "hunter2aaa", "list": ["hunter2", "hunter2"], "n": 3,
                 "x": "hunter2"})"));
    CHECK(errors.size() > 8);
    for (const FieldError& error : errors) {
      CHECK(error.message.find("hunter2") == std::string::npos);
      CHECK(error.suggestion.find("hunter2") == std::string::npos);
    }
  }

  TEST_CASE("a reference to a secret is present, and right for every schema") {
    const char* schema = R"({"properties": {
        "a": {"type": "integer", "enum": [1]}, "b": {"not": {"type": "object"}},
        "c": {"oneOf": [{"type": "string"}, {"type": "integer"}]}},
      "required": ["a"], "additionalProperties": false,
      "if": {"properties": {"a": {"const": 1}}}, "then": {"required": ["z"]},
      "else": {"required": ["z"]}})";
    const char* reference = R"({"$secret": "vault:prod/db#password"})";
    const std::string instance = std::string(R"({"a": )") + reference + R"(, "b": )" + reference +
                                 R"(, "c": )" + reference + "}";
    CHECK(check(schema, instance) == "");
    CHECK(check(schema, R"({"a": {"$secret": "nothing"}})") == "/a $secret|/z required");
    CHECK(check(schema, R"({"a": {"$secret": 1}})") == "/a $secret|/z required");
    CHECK(check(schema, R"({"a": {"$secret": "v:x", "y": 1}})") == "/a $secret|/z required");
    CHECK(check(R"({"not": {"required": ["a", "b"]}})",
                R"({"a": {"$secret": "v:x"}, "b": {"$secret": "v:x"}})") == "/b not");
    for (const char* bad : {"v:", ":x", "v:#f", "", "x"}) {
      CHECK_FALSE(is_secret_reference(Json::object({{"$secret", bad}})));
    }
  }

  TEST_CASE("a schema costs no more than its limits") {
    // Each level tries both branches twice.
    std::string text = R"({"$defs": {"d0": {"type": "string"})";
    for (int i = 1; i <= 40; ++i) {
      const std::string below = R"({"$ref": "#/$defs/d)" + std::to_string(i - 1) + R"("})";
      text += R"(, "d)" + std::to_string(i) + R"(": {"anyOf": [)" + below + ", " + below + "]}";
    }
    text += R"(}, "$ref": "#/$defs/d40"})";
    CHECK(check(text, "1") == " limit");

    std::string items = "[0";
    for (int i = 1; i < 2000; ++i) items += "," + std::to_string(i);
    items += "]";
    CHECK(check(R"({"uniqueItems": true})", items) == " limit");
    CHECK(compile(R"({"items": {"type": "string"}})").validate(json(items)).size() ==
          field_errors_max);
  }

  TEST_CASE("threads may share one schema") {
    const Schema schema =
        compile(R"({"properties": {"a": {"pattern": "^x+$", "type": "string"}}})");
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int round = 0; round < 50; ++round) {
          CHECK(schema.validate(json(R"({"a": "y"})")).size() == 1);
          CHECK(schema.prepare(json(R"({"a": "xx"})")).errors.empty());
        }
      });
    }
  }
}

TEST_SUITE("schema: compiling") {
  TEST_CASE("what is wrong in a schema is refused with its place") {
    CHECK(compile_error(R"({"properties": {"a": {"minimun": 1}}})") ==
          "/properties/a/minimun: unknown keyword, did you mean minimum?");
    CHECK(compile_error(R"({"zzzzzz": 1})") == "/zzzzzz: unknown keyword");
    CHECK(compile_error("5") == "schema: a schema is an object, true or false");
    CHECK(compile_error(R"({"items": [1]})") == "/items: a schema is an object, true or false");
    CHECK(compile_error(R"({"type": "text"})") == "/type: there is no type text");
    CHECK(compile_error(R"({"type": []})") == "/type: must name a type");
    CHECK(compile_error(R"({"enum": []})") == "/enum: must be a list of values, not empty");
    CHECK(compile_error(R"({"allOf": []})") == "/allOf: must be a list of schemas, not empty");
    CHECK(compile_error(R"re({"pattern": "("})re").starts_with("/pattern: "));
    CHECK(compile_error(R"re({"pattern": "(?=x)"})re").starts_with("/pattern: "));
    CHECK(compile_error(R"re({"patternProperties": {"(": true}})re")
              .starts_with("/patternProperties/(: "));
    CHECK(compile_error(R"({"minLength": -1})") == "/minLength: must be a whole number, 0 or more");
    CHECK(compile_error(R"({"minimum": "1"})") == "/minimum: must be a number");
    CHECK(compile_error(R"({"multipleOf": 0})") == "/multipleOf: must be more than 0");
    CHECK(compile_error(R"({"required": ["a", "a"]})") == "/required: names a twice");
    CHECK(compile_error(R"({"required": [1]})") == "/required/0: must be a text");
    CHECK(compile_error(R"({"uniqueItems": 1})") == "/uniqueItems: must be true or false");
    CHECK(compile_error(R"({"x-choices": "static"})") == "/x-choices: must be \"dynamic\"");
    CHECK(compile_error(R"({"properties": {"a": {"x-aliases": ["b"]}, "b": {}}})") ==
          "/properties: b is the name or alias of two fields");
  }

  TEST_CASE("references lead to schemas inside, and never in a circle") {
    CHECK(compile_error(R"({"$ref": "other.json"})") ==
          "/$ref: only references within the schema (\"#/...\") work");
    CHECK(compile_error(R"({"$ref": "#/$defs/x"})") ==
          "/$ref: #/$defs/x does not lead to a schema");
    CHECK(compile_error(R"({"$defs": {"a": true}, "$ref": "#/$defs"})") ==
          "/$ref: #/$defs does not lead to a schema");
    CHECK(compile_error(R"({"$ref": "#"})") == "schema: refers to itself");
    CHECK(compile_error(R"({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"anyOf": [
                             {"not": {"$ref": "#/$defs/a"}}]}}})")
              .ends_with(": refers to itself"));
    CHECK(check(R"({"$defs": {"a/b c~": {"type": "string"}}, "$ref": "#/$defs/a~1b%20c~0"})",
                "1") == " type");
    CHECK(check(R"({"properties": {"a": {"type": "string"}, "b": {"$ref": "#/properties/a"}}})",
                R"({"b": 1})") == "/b type");
  }

  TEST_CASE("size and depth are limited") {
    Json deep = true;
    for (std::size_t i = 0; i <= schema_depth_max; ++i) deep = Json::object({{"not", deep}});
    CHECK_FALSE(Schema::compile(deep));

    std::string chain = R"({"$defs": {"d0": true)";
    for (int i = 1; i < 200; ++i) {
      chain += R"(, "d)" + std::to_string(i) + R"(": {"$ref": "#/$defs/d)" + std::to_string(i - 1) +
               R"("})";
    }
    CHECK(compile_error(chain + "}}").ends_with(": nested too deeply"));

    Json many = Json::array();
    for (std::size_t i = 0; i < schema_nodes_max; ++i) many.push_back(true);
    CHECK_FALSE(Schema::compile(Json::object({{"anyOf", many}})));

    Json patterns = Json::object();
    for (std::size_t i = 0; i <= schema_patterns_max; ++i) {
      patterns.set("p" + std::to_string(i), Json::object({{"pattern", "a"}}));
    }
    CHECK_FALSE(Schema::compile(Json::object({{"properties", patterns}})));
  }
}

TEST_SUITE("schema: preparing") {
  TEST_CASE("texts become what the schema says they are") {
    const char* schema = R"({"properties": {
        "i": {"type": "integer"}, "n": {"type": "number"}, "b": {"type": "boolean"},
        "s": {"type": "string"}, "is": {"type": ["integer", "string"]},
        "l": {"type": "array", "items": {"type": "string"}},
        "li": {"type": "array", "items": {"type": "integer"}},
        "o": {"type": "object", "properties": {"x": {"type": "integer"}}},
        "z": {"type": ["null", "integer"]}, "any": {}}})";
    const auto field = [&](const char* name, std::string_view value) {
      return prepared(schema, std::string("{\"") + name + "\": " + std::string(value) + "}");
    };
    CHECK(field("i", R"("5432")") == R"({"i":5432})");
    CHECK(field("i", R"(" +7 ")") == R"({"i":7})");
    CHECK(field("i", R"("18446744073709551615")") == R"({"i":18446744073709551615})");
    CHECK(field("i", "5.0") == R"({"i":5})");
    CHECK(field("i", R"("5x")") == R"({"i":"5x"} /i type)");
    CHECK(field("i", R"("0x10")") == R"({"i":"0x10"} /i type)");
    CHECK(field("i", R"("--5")") == R"({"i":"--5"} /i type)");
    CHECK(field("n", R"("1.5")") == R"({"n":1.5})");
    CHECK(field("n", R"("nan")") == R"({"n":"nan"} /n type)");
    for (const char* yes : {"1", "t", "T", "true", "True", "TRUE"}) {
      CHECK(field("b", '"' + std::string(yes) + '"') == R"({"b":true})");
    }
    for (const char* no : {"0", "f", "F", "false", "False", "FALSE"}) {
      CHECK(field("b", '"' + std::string(no) + '"') == R"({"b":false})");
    }
    CHECK(field("b", R"("yes")") == R"({"b":"yes"} /b type)");
    CHECK(field("s", "5432") == R"({"s":"5432"})");
    CHECK(field("s", "true") == R"({"s":"true"})");
    CHECK(field("s", "1.5") == R"({"s":"1.5"})");
    CHECK(field("s", "[]") == R"({"s":[]} /s type)");
    CHECK(field("is", R"("5")") == R"({"is":"5"})");
    CHECK(field("is", "5") == R"({"is":5})");
    CHECK(field("l", R"("a, b ,,c")") == R"({"l":["a","b","c"]})");
    CHECK(field("l", R"("[\"a,b\"]")") == R"({"l":["a,b"]})");
    CHECK(field("l", R"("[a")") == R"({"l":"[a"} /l type)");
    CHECK(field("li", R"("1,2")") == R"({"li":[1,2]})");
    CHECK(field("li", R"(["1", 2])") == R"({"li":[1,2]})");
    CHECK(field("li", R"("1,x")") == R"({"li":[1,"x"]} /li/1 type)");
    CHECK(field("o", R"("{\"x\": \"1\"}")") == R"({"o":{"x":1}})");
    CHECK(field("o", R"({"x": "1"})") == R"({"o":{"x":1}})");
    CHECK(field("z", R"("null")") == R"({"z":null})");
    CHECK(field("any", R"("5")") == R"({"any":"5"})");
  }

  TEST_CASE("types are found through references and allOf") {
    CHECK(prepared(R"({"$defs": {"p": {"allOf": [{"type": ["integer", "boolean"]},
                       {"type": ["integer", "null"]}]}}, "allOf": [{"properties": {"a":
                       {"$ref": "#/$defs/p"}}}]})",
                   R"({"a": "1"})") == R"({"a":1})");
  }

  TEST_CASE("an empty text is not set, but for texts that may be empty") {
    const char* schema = R"({"properties": {
        "i": {"type": "integer"}, "s": {"type": "string"}, "m": {"type": "string", "minLength": 1},
        "e": {"enum": ["a", "b"], "default": "a"}, "secret": {"type": "string", "writeOnly": true}},
      "required": ["secret"]})";
    CHECK(prepared(schema, R"({"i": "", "s": "", "m": "", "e": "", "secret": ""})") ==
          R"({"s":"","e":"a"} /secret required)");
  }

  TEST_CASE("defaults are added at every depth, but no object is made for them") {
    CHECK(prepared(R"({"properties": {
        "a": {"default": 1}, "b": {"default": {"x": 5}, "properties": {"y": {"default": 6}}},
        "c": {"properties": {"z": {"default": 7}}},
        "d": {"items": {"properties": {"w": {"default": 8}}}}}})",
                   R"({"d": [{}, {"w": 0}], "a": null})") ==
          R"({"d":[{"w":8},{"w":0}],"a":null,"b":{"x":5,"y":6}})");
    const char* branches = R"({"properties": {"mode": {"default": "x"}},
        "if": {"properties": {"mode": {"const": "y"}}, "required": ["mode"]},
        "then": {"properties": {"a": {"default": 1}}},
        "else": {"properties": {"a": {"default": 2}}}})";
    CHECK(prepared(branches, R"({"mode": "y"})") == R"({"mode":"y","a":1})");
    CHECK(prepared(branches, "{}") == R"({"mode":"x","a":2})");
  }

  TEST_CASE("an alias is the field, and both together are an error") {
    const char* schema = R"({"properties": {
        "secret_key": {"type": "string", "x-aliases": ["secret_access_key", "sk"]},
        "o": {"properties": {"n": {"type": "integer", "x-aliases": ["m"]}}}},
      "additionalProperties": false})";
    CHECK(prepared(schema, R"({"secret_access_key": "x", "o": {"m": "1"}})") ==
          R"({"secret_key":"x","o":{"n":1}})");
    CHECK(prepared(schema, R"({"sk": "x", "secret_key": "y"})") ==
          R"({"secret_key":"y"} /sk x-aliases)");
    CHECK(prepared(schema, R"({"sk": "x", "secret_access_key": "y"})") ==
          R"({"secret_key":"x"} /secret_access_key x-aliases)");
    CHECK(compile(schema)
              .prepare(json(R"({"sk": "hunter2", "secret_key": "y"})"))
              .errors[0]
              .message == "sk: is another name of secret_key, which is given too");
  }

  TEST_CASE("choices in any case come out as the schema spells them") {
    const char* schema =
        R"({"properties": {"c": {"enum": ["STANDARD", "GLACIER"], "x-ignore-case": true},
                           "d": {"enum": ["A"]}}})";
    CHECK(prepared(schema, R"({"c": "glacier"})") == R"({"c":"GLACIER"})");
    CHECK(prepared(schema, R"({"d": "b"})") == R"({"d":"b"} /d enum)");
  }

  TEST_CASE("a reference to a secret is kept as it is, also as text") {
    const char* schema = R"({"properties": {"a": {"type": "integer"}, "b": {"type": "string"}}})";
    const char* reference = R"({"a":{"$secret":"v:p#f"},"b":{"$secret":"v:q"}})";
    CHECK(prepared(schema, reference) == reference);
    CHECK(prepared(schema, R"({"a": "{\"$secret\": \"v:p#f\"}", "b": " {\"$secret\":\"v:q\"}"})") ==
          reference);
    CHECK(prepared(schema, R"({"b": "{\"$secret\" is not one"})") ==
          R"({"b":"{\"$secret\" is not one"})");
  }

  TEST_CASE("the options of a place are an instance of texts") {
    const Schema schema = compile(R"({"properties": {"port": {"type": "integer"}}})");
    const auto result = schema.prepare(Options{{"port", "22"}, {"location", "x"}});
    CHECK(codec::to_json(result.value) == R"({"port":22,"location":"x"})");
  }

  TEST_CASE("connectors get texts") {
    CHECK(option_text(json("true")) == "true");
    CHECK(option_text(json("5")) == "5");
    CHECK(option_text(json(R"("x")")) == "x");
    CHECK(option_text(json(R"(["a", 1])")) == "a,1");
    CHECK(option_text(json(R"([{"a": 1}])")) == R"([{"a":1}])");
    CHECK(option_text(json(R"({"a": 1})")) == R"({"a":1})");
  }

  TEST_CASE("secrets are masked at any depth; without marks, by their names") {
    const Schema marked = compile(R"({"$defs": {"s": {"writeOnly": true}}, "properties": {
        "a": {"$ref": "#/$defs/s"}, "password": {}, "l": {"items": {"properties":
        {"x": {"x-secret": true}}}}, "url": {"type": "string"}}})");
    CHECK(codec::to_json(marked.masked(json(
              R"({"a": "x", "password": "p", "l": [{"x": 1, "y": 2}], "url": "http://u:p@h/",
                  "unknown": 1})"))) ==
          R"({"a":"********","password":"p","l":[{"x":"********","y":2}],)"
          R"("url":"http://u:********@h/","unknown":1})");
    CHECK(marked.is_secret("a"));
    CHECK_FALSE(marked.is_secret("password"));
    const Schema unmarked = compile(R"({"properties": {"password": {}, "port": {}}})");
    CHECK(unmarked.is_secret("password"));
    CHECK(unmarked.is_secret("tls_key_data"));
    CHECK_FALSE(unmarked.is_secret("port"));
    CHECK(codec::to_json(unmarked.masked(json(R"({"password": {"$secret": "v:x"}})"))) ==
          R"({"password":{"$secret":"v:x"}})");
  }
}

}  // namespace plakar::config
