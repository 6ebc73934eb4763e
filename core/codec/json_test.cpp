#include "core/codec/json.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

namespace plakar::codec {
namespace {

Json parsed(std::string_view text) {
  auto json = parse_json(text);
  INFO(text);
  REQUIRE_MESSAGE(json, (json ? "" : json.error().message()));
  return std::move(json).take();
}

std::string refusal(std::string_view text, const JsonLimits& limits = {}) {
  const auto json = parse_json(text, limits);
  INFO(text);
  REQUIRE_FALSE(json);
  CHECK(json.error().code() == Errc::invalid_argument);
  return json.error().message();
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

TEST_SUITE("json reader") {
  TEST_CASE("every type is read as itself") {
    const Json json = parsed(
        R"( {"n":null,"t":true,"f":false,"i":-7,"u":18446744073709551615,"d":1.0,"s":"ä\u00e4\n","a":[1,[]],"o":{}} )");
    CHECK(json.find("n")->is_null());
    CHECK(json.find("t")->as_bool() == true);
    CHECK(json.find("f")->as_bool() == false);
    CHECK(json.find("i")->as_int64() == -7);
    CHECK(json.find("u")->as_uint64() == std::numeric_limits<std::uint64_t>::max());
    CHECK(json.find("d")->type() == JsonType::number);
    CHECK(json.find("s")->as_string() == "ää\n");
    CHECK(json.find("a")->size() == 2);
    CHECK(json.find("o")->is_object());
    CHECK(json.find("absent") == nullptr);
  }

  TEST_CASE("members keep the order of the text") {
    const Json json = parsed(R"({"z":1,"a":2,"m":3})");
    REQUIRE(json.members().size() == 3);
    CHECK(json.members()[0].name == "z");
    CHECK(json.members()[1].name == "a");
    CHECK(json.members()[2].name == "m");
  }

  TEST_CASE("what RFC 8259 does not allow is refused") {
    for (const char* text : {"",
                             " ",
                             "nul",
                             "tru",
                             "[1,]",
                             "{\"a\":1,}",
                             "{a:1}",
                             "{'a':1}",
                             "[1 2]",
                             "01",
                             "+1",
                             "1.",
                             ".5",
                             "1e",
                             "-",
                             "0x10",
                             "NaN",
                             "Infinity",
                             "-Infinity",
                             "[1]]",
                             "{} {}",
                             "1 2",
                             "[",
                             "{",
                             "\"",
                             "\"\n\"",
                             "\"\t\"",
                             "\"\\x\"",
                             "\"\\u12\"",
                             "\"\\ud800\"",
                             "\"\\udc00x\"",
                             "// c\n1",
                             "/* c */ 1",
                             "\xef\xbb\xbf{}",
                             "\"\xff\"",
                             "\"\xc0\xaf\"",
                             "\"\xed\xa0\x80\"",
                             "\"\xf4\x90\x80\x80\"",
                             "{\"a\"}",
                             "{\"a\":}",
                             "{1:2}",
                             "[,]",
                             "]"}) {
      refusal(text);
    }
    using namespace std::string_view_literals;
    refusal("1\0"sv);
    refusal("\"\0\""sv);
  }

  TEST_CASE("a duplicate name is refused in small and in large objects, escaped or not") {
    CHECK(contains(refusal(R"({"a":1,"b":2,"a":3})"), "\"a\" occurs twice"));
    CHECK(contains(refusal(R"({"a":1,"\u0061":3})"), "\"a\" occurs twice"));
    std::string large = "{";
    for (int i = 0; i < 100; ++i) large += "\"k" + std::to_string(i) + "\":0,";
    parsed(large + "\"last\":0}");
    CHECK(contains(refusal(large + "\"k42\":0}"), "\"k42\" occurs twice"));
    parsed(R"([{"a":1},{"a":{"a":2}}])");
  }

  TEST_CASE("an error names line and column, counted in characters") {
    CHECK(contains(refusal("[1,\n 2,\n ä]"), "line 3, column 2"));
    CHECK(contains(refusal("{\"äöü\": x}"), "line 1, column 9"));
    CHECK(contains(refusal("{} x"), "line 1, column 4"));
  }

  TEST_CASE("limits are exact and named") {
    const auto nested = [](std::size_t depth) {
      return std::string(depth, '[') + std::string(depth, ']');
    };
    CHECK(parse_json(nested(64)));
    refusal(nested(65));
    CHECK(parse_json(nested(512), {.max_depth = 100'000}));
    refusal(nested(513), {.max_depth = 100'000});
    refusal(std::string(10'000'000, '['));
    CHECK(parse_json("[1,2,3]", {.max_nodes = 4}));
    CHECK(contains(refusal("[1,2,3]", {.max_nodes = 3}), "too many values"));
    CHECK(parse_json("[1]", {.max_bytes = 3}));
    CHECK(contains(refusal("[1]", {.max_bytes = 2}), "limit of 2"));
  }

  TEST_CASE("integers are exact to both ends, and beyond them an error") {
    CHECK(parsed("9223372036854775807").as_int64() == std::numeric_limits<std::int64_t>::max());
    CHECK(parsed("-9223372036854775808").as_int64() == std::numeric_limits<std::int64_t>::min());
    CHECK(parsed("9223372036854775808").as_uint64() == std::uint64_t{1} << 63);
    CHECK(parsed("18446744073709551615").as_uint64() == std::numeric_limits<std::uint64_t>::max());
    for (const char* large :
         {"18446744073709551616", "-9223372036854775809", "[1,1000000000000000000000]"}) {
      CHECK(contains(refusal(large), "integer too large"));
    }
    CHECK(parsed("18446744073709551616.0").type() == JsonType::number);
    CHECK(parsed("1e20").type() == JsonType::number);
    CHECK(parsed("1e2").type() == JsonType::number);
    CHECK(parsed("-0").as_double() == 0);
  }

  TEST_CASE("doubles are the nearest ones, and overflow is an error") {
    CHECK(parsed("0.1").as_double() == 0.1);
    CHECK(parsed("1.7976931348623157e308").as_double() == std::numeric_limits<double>::max());
    CHECK(parsed("5e-324").as_double() == std::numeric_limits<double>::denorm_min());
    CHECK(parsed("1e-400").as_double() == 0.0);
    CHECK(parsed("9007199254740993.0").as_double() == 9007199254740992.0);
    CHECK(parsed("[3.0000000000000000000000000000000000000000000004]").items()[0].as_double() ==
          3.0);
    refusal("1e400");
    refusal("-1e400");
    refusal("1" + std::string(400, '0'));
    refusal("1e99999999999999999999");
  }

  TEST_CASE("random doubles and integers survive being written and read") {
    const auto seed = std::random_device{}();
    INFO("seed ", seed);
    std::mt19937_64 random(seed);
    for (int i = 0; i < 20'000; ++i) {
      const std::uint64_t bits = random();
      const auto value = std::bit_cast<double>(bits);
      if (std::isfinite(value)) {
        const Json back = parsed(to_json(Json(value)));
        REQUIRE(back.type() == JsonType::number);
        REQUIRE(std::bit_cast<std::uint64_t>(*back.as_double()) == bits);
        REQUIRE(parsed("[" + to_json(Json(value)) + "]").items()[0] == back);
      }
      const auto number = static_cast<std::int64_t>(bits >> (bits & 63));
      REQUIRE(parsed(to_json(Json(number))).as_int64() == number);
      REQUIRE(parsed(to_json(Json(bits))).as_uint64() == bits);
    }
  }
}

TEST_SUITE("json value") {
  TEST_CASE("an integer is one value whatever type it came from") {
    CHECK(Json(7) == Json(7u));
    CHECK(Json(7) == Json(std::int8_t{7}));
    CHECK(Json(7u).as_int64() == 7);
    CHECK(Json(7).as_uint64() == 7u);
    CHECK(Json(7).as_double() == 7.0);
    CHECK_FALSE(Json(-1).as_uint64());
    CHECK_FALSE(Json(std::uint64_t{1} << 63).as_int64());
    CHECK(Json(7) != Json(7.0));
    CHECK_FALSE(Json(7.0).as_int64());
  }

  TEST_CASE("text and booleans do not turn into each other") {
    CHECK(Json("yes").type() == JsonType::string);
    CHECK(Json(true).type() == JsonType::boolean);
    CHECK_FALSE(Json(1).as_bool());
    CHECK_FALSE(Json("true").as_bool());
    CHECK_FALSE(Json().as_string());
  }

  TEST_CASE("a copy shares nothing with its original") {
    Json json = Json::object({{"list", Json::array({1, 2})}, {"name", "x"}});
    const Json copy = json;
    json.find("list")->items()[0] = 9;
    json.set("name", "y");
    CHECK(copy == Json::object({{"list", Json::array({1, 2})}, {"name", "x"}}));
    CHECK(json != copy);
  }

  TEST_CASE("a value may be replaced by a part of itself") {
    for (const char* part : {"7", "0.5", "\"long enough to be on the heap, or so\"", "[1,[2]]"}) {
      const std::string text = "{\"a\":[0,{\"x\":" + std::string(part) + "}]}";
      Json moved = parsed(text);
      moved = std::move(const_cast<Json&>(*moved.at_pointer("/a/1/x")));
      CHECK(moved == parsed(part));
      Json copied = parsed(text);
      copied = *copied.at_pointer("/a/1/x");
      CHECK(copied == parsed(part));
    }
  }

  TEST_CASE("set replaces in place and keeps names unique") {
    Json json;
    json.set("a", 1);
    json.set("b", 2);
    json.set("a", 3);
    CHECK(to_json(json) == R"({"a":3,"b":2})");
    CHECK(json.erase("a"));
    CHECK_FALSE(json.erase("a"));
    CHECK(to_json(json) == R"({"b":2})");
    CHECK(to_json(Json::object({{"x", 1}, {"x", 2}})) == R"({"x":2})");
  }

  TEST_CASE("push_back makes an array of null") {
    Json json;
    json.push_back(Json()).set("name", 0) = 2;
    CHECK(to_json(json) == R"([{"name":2}])");
  }

  TEST_CASE("pointers follow RFC 6901") {
    const Json json = parsed(
        R"({"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"m~n":8," ":7,"~1":9,"deep":{"0":[[5]]}})");
    CHECK(json.at_pointer("") == &json);
    CHECK(json.at_pointer("/foo/0")->as_string() == "bar");
    CHECK(json.at_pointer("/")->as_int64() == 0);
    CHECK(json.at_pointer("/a~1b")->as_int64() == 1);
    CHECK(json.at_pointer("/c%d")->as_int64() == 2);
    CHECK(json.at_pointer("/m~0n")->as_int64() == 8);
    CHECK(json.at_pointer("/~01")->as_int64() == 9);
    CHECK(json.at_pointer("/ ")->as_int64() == 7);
    CHECK(json.at_pointer("/deep/0/0/0")->as_int64() == 5);
    for (const char* nothing :
         {"foo", "/foo/2", "/foo/-", "/foo/00", "/foo/01", "/foo/+1", "/foo/", "/foo/0/x",
          "/foo/18446744073709551616", "/m~n", "/m~2n", "/m~", "/absent", "//", "/foo/1x"}) {
      INFO(nothing);
      CHECK(json.at_pointer(nothing) == nullptr);
    }
  }

  TEST_CASE("require says which member is missing or of the wrong type") {
    const Json json = parsed(R"({"s":"x","i":-1,"b":true,"d":0.5,"a":[1],"o":{"k":1}})");
    CHECK(json.require_string("s").value() == "x");
    CHECK(json.require_int64("i").value() == -1);
    CHECK(json.require_bool("b").value());
    CHECK(json.require_double("d").value() == 0.5);
    CHECK(json.require_double("i").value() == -1);
    CHECK(json.require_array("a").value().size() == 1);
    CHECK(json.require_object("o").value()->size() == 1);
    CHECK(json.require_string("gone").error().message() ==
          "member \"gone\" is missing, expected string");
    CHECK(json.require_string("i").error().message() == "member \"i\" is integer, expected string");
    CHECK_FALSE(json.require_uint64("i"));
    CHECK_FALSE(json.require_array("o"));
    CHECK_FALSE(json.require_object("a"));
    CHECK_FALSE(Json(1).require_bool("b"));
  }
}

TEST_SUITE("json writer") {
  TEST_CASE("compact text has no spaces and keeps types apart") {
    CHECK(to_json(Json()) == "null");
    CHECK(to_json(Json::array()) == "[]");
    CHECK(to_json(Json::object()) == "{}");
    CHECK(to_json(Json::array({nullptr, true, 1, 1.0, -0.0, 0.1, 1e300, "x"})) ==
          "[null,true,1,1.0,-0.0,0.1,1e+300,\"x\"]");
  }

  TEST_CASE("pretty text is indented by two and empty containers stay on their line") {
    const Json json = parsed(R"({"a":[1,{"b":[]}],"c":{}})");
    CHECK(to_json(json, JsonStyle::pretty) ==
          "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    }\n  ],\n  \"c\": {}\n}");
    CHECK(parsed(to_json(json, JsonStyle::pretty)) == json);
  }

  TEST_CASE("numbers JSON cannot spell become null") {
    CHECK(to_json(Json(std::nan(""))) == "null");
    CHECK(to_json(Json(HUGE_VAL)) == "null");
  }

  TEST_CASE("control characters are escaped, those of C1 too") {
    using namespace std::string_view_literals;
    CHECK(to_json(Json("\0\b\t\n\f\r\x1b\x1f\"\\/\x7f"sv)) ==
          R"("\u0000\b\t\n\f\r\u001b\u001f\"\\/\u007f")");
    CHECK(to_json(Json("\xc2\x80\xc2\x9b\xc2\xa0")) == "\"\\u0080\\u009b\xc2\xa0\"");
    const std::string every = [] {
      std::string text;
      for (char c = 0; c < 127; ++c) text.push_back(c);
      return text;
    }();
    CHECK(parsed(to_json(Json(every))).as_string() == every);
  }

  TEST_CASE("each octet that is no UTF-8 becomes one replacement character") {
    const std::string r = "\xef\xbf\xbd";
    CHECK(to_json(Json("a\xff\xfe"
                       "b")) == "\"a" + r + r + "b\"");
    CHECK(to_json(Json("\xe2\x82")) == "\"" + r + r + "\"");
    CHECK(to_json(Json("\xed\xa0\x80")) == "\"" + r + r + r + "\"");
    CHECK(to_json(Json("\xc0\xaf")) == "\"" + r + r + "\"");
    CHECK(to_json(Json("\xf0\x9f\x92\xbe\xc3")) == "\"\xf0\x9f\x92\xbe" + r + "\"");
  }

  TEST_CASE("random octets are always written as text that can be read") {
    const auto seed = std::random_device{}();
    INFO("seed ", seed);
    std::mt19937 random(seed);
    for (int i = 0; i < 5'000; ++i) {
      std::string octets(random() % 12, '\0');
      for (char& c : octets)
        c = static_cast<char>(random() % 2 == 0 ? random() : 0xc0 + random() % 64);
      const Json once = parsed(to_json(Json(octets)));
      REQUIRE(parsed(to_json(once)) == once);
    }
  }

  TEST_CASE("JSON lines are written piece by piece") {
    std::string out;
    JsonWriter writer(out);
    writer.begin_object()
        .member("type", "a")
        .member("n", std::uint64_t{1})
        .key("list")
        .begin_array();
    writer.value(1).value(true).value(nullptr).value(0.5).value(Json::array({2}));
    writer.end_array().end_object().end_line();
    writer.begin_object().end_object().end_line();
    CHECK(out == "{\"type\":\"a\",\"n\":1,\"list\":[1,true,null,0.5,[2]]}\n{}\n");
  }
}

}  // namespace
}  // namespace plakar::codec
