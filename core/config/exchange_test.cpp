#include "core/config/exchange.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace plakar::config {
namespace {

const Place s3eu = {"s3eu",
                    {{"use_tls", "true"},
                     {"access_key", "AKxx"},
                     {"location", "s3://s3.eu-west-3.amazonaws.com/bucket"}}};

Places parse(std::string_view text) {
  auto places = parse_places(text);
  if (!places) FAIL(places.error().message());
  return *std::move(places);
}

std::string option(const Places& places, const char* place, const char* key) {
  const Place* found = places.find(place);
  if (found == nullptr) return "(no place)";
  const std::string* value = find_option(found->options, key);
  return value == nullptr ? "(missing)" : *value;
}

}  // namespace

TEST_SUITE("exchange") {
  TEST_CASE("YAML is shown as genuine Plakar shows it") {
    CHECK(render_yaml(s3eu, ShownSecrets::masked) ==
          "s3eu:\n    access_key: '********'\n    location: "
          "s3://s3.eu-west-3.amazonaws.com/bucket\n    use_tls: \"true\"\n");
    CHECK(render_yaml(s3eu, ShownSecrets::plain).find("access_key: AKxx\n") != std::string::npos);
    CHECK(render_yaml({"true", {}}, ShownSecrets::masked) == "\"true\": {}\n");
    CHECK(render_yaml({"a", {{"k10", "1"}, {"k9", "2"}}}, ShownSecrets::masked) ==
          "a:\n    k9: \"2\"\n    k10: \"1\"\n");
  }

  TEST_CASE("JSON is one object a line, with what HTML minds escaped") {
    CHECK(render_json(s3eu, ShownSecrets::masked) ==
          R"({"s3eu":{"access_key":"********",)"
          R"("location":"s3://s3.eu-west-3.amazonaws.com/bucket","use_tls":"true"}})"
          "\n");
    CHECK(render_json({"a", {{"k", "<\"&\n>"}}}, ShownSecrets::masked) ==
          "{\"a\":{\"k\":\"\\u003c\\\"\\u0026\\n\\u003e\"}}\n");
    CHECK(render_json({"a", {}}, ShownSecrets::masked) == "{\"a\":{}}\n");
  }

  TEST_CASE("INI has its equal signs in one column, and quotes what needs them") {
    const Place place = {"n",
                         {{"empty", ""},
                          {"longer_key", "x"},
                          {"hash", "a#b"},
                          {"space", " a"},
                          {"lines", "a\nb"},
                          {"tick", "a`b"},
                          {"a=b", "c"}}};
    CHECK(render_ini(place, ShownSecrets::masked) ==
          "[n]\n`a=b`      = c\nempty      = \nhash       = `a#b`\nlines      = \"\"\"a\nb\"\"\"\n"
          "longer_key = x\nspace      = \" a\"\ntick       = \"\"\"a`b\"\"\"\n");
    CHECK(render_ini(s3eu, ShownSecrets::masked).starts_with("[s3eu]\naccess_key = ********\n"));
  }

  TEST_CASE("passwords inside locations are masked, too") {
    const Place place = {"a", {{"location", "sftp://u:p@h/"}}};
    CHECK(render_yaml(place, ShownSecrets::masked) == "a:\n    location: sftp://u:********@h/\n");
    CHECK(render_ini(place, ShownSecrets::plain) == "[a]\nlocation = sftp://u:p@h/\n");
  }

  TEST_CASE("what is shown plainly can be imported again, in each format") {
    const std::vector<std::string> values = {
        "x",     "true", "12",    "'a'",    "\"a\"",    "a\\", " a ",   "a: b",
        "a#b;c", "a=b",  "<a&b>", "a\nb\n", "\xc3\xa9", "`a`", "%(x)s", "[a]",
        "\"",    "a\"",  "\\n",   "$a{b}",  "---\nx\n", "\tx", "''"};
    Place place{"n", {}};
    for (const std::string& value : values) {
      place.options.push_back({"k" + std::to_string(place.options.size()), value});
    }
    const Place other{"other one", {{"location", "/x"}}};
    for (const auto render : {render_yaml, render_json, render_ini}) {
      const Places places =
          parse(render(place, ShownSecrets::plain) + render(other, ShownSecrets::plain));
      REQUIRE(places.places.size() == 2);
      for (const Option& expected : place.options) {
        CAPTURE(expected.value);
        CHECK(option(places, "n", expected.key.c_str()) == expected.value);
      }
      CHECK(option(places, "other one", "location") == "/x");
    }
  }

  TEST_CASE("YAML, JSON and INI are told apart, and empty values left out") {
    CHECK(option(parse("a:\n  port: 22\n  tls: yes\n  none:\n"), "a", "port") == "22");
    CHECK(option(parse("a:\n  port: 22\n  none:\n"), "a", "none") == "(missing)");
    CHECK(option(parse(R"({"a": {"k": "\/\ud83d\ude00", "n": 1.5}})"), "a", "k") ==
          "/\xf0\x9f\x98\x80");
    CHECK(option(parse("{\"a\": {\"k\": \"v\"}}\n\n{\"b\": {\"k\": 5}}\n"), "b", "k") == "5");
    CHECK(option(parse("[a]\nk = v\nempty =\n"), "a", "k") == "v");
    CHECK(option(parse("[a]\nk = v\nempty =\n"), "a", "empty") == "(missing)");
    CHECK(parse("{}").places.empty());
  }

  TEST_CASE("an option that is a list is an error with its place, and no INI") {
    const auto message = [](std::string_view text) { return parse_places(text).error().message(); };
    CHECK(message("a:\n  location: /a\n  k:\n    - 1\n") ==
          "failed to parse config data: config:4:5: the value of \"k\" should be a single text");
    CHECK(message("a:\n  location: /a\n  k: [1]\n").find("config:3:6") != std::string::npos);
    CHECK(message("a:\n  k: {x: 1}\n").find("single text") != std::string::npos);
    CHECK(message("{\"a\": {\"k\": [1]}}").find("single text") != std::string::npos);
    CHECK(message("a: [1]\n").starts_with("failed to parse config data: config:1:4"));
    // Wrongly indented, and without a section for INI.
    CHECK(
        message("a:\n  location: /a\n k: v\n").starts_with("failed to parse config data: config:"));
  }

  TEST_CASE("a whole configuration file is read for what is in its section") {
    for (const char* kind : {"stores", "sources", "destinations"}) {
      const Places places =
          parse("version: v1.0.0\n" + std::string(kind) + ":\n    a:\n        location: /a\n");
      CHECK(places.places.size() == 1);
      CHECK(option(places, "a", "location") == "/a");
    }
  }

  TEST_CASE("INI is read as genuine Plakar reads it") {
    const Places places = parse(
        "\xef\xbb\xbf; c\r\ntop: 1\r\n[a] ; c\r\n# d\r\nk = v ; c\r\nl = 'x'\r\nm = `q # z`\r\n"
        "n = a \\\r\n  b\r\nn2 = \"x\r\nk = w\r\n\"o p\" = q\r\n[ b ]\r\nr=\"\"\"1\n "
        "2\"\"\"\n[a]\ns:t\n");
    CHECK(places.find("DEFAULT") == nullptr);
    CHECK(option(places, "a", "k") == "w");
    CHECK(option(places, "a", "l") == "x");
    CHECK(option(places, "a", "m") == "q # z");
    CHECK(option(places, "a", "n") == "a b");
    CHECK(option(places, "a", "n2") == "\"x");
    CHECK(option(places, "a", "o p") == "q");
    CHECK(option(places, "a", "s") == "t");
    CHECK(option(places, "b", "r") == "1\n 2");
    CHECK(option(parse("[a]\nk = \"\"\"\n1\n\"\"\"\nl = \"\"\""), "a", "k") == "\n1\n");
    CHECK(option(parse("[a]\nk = a # b \\\n# c\nl = \"\"\""), "a", "k") == "a # b # c");
  }

  TEST_CASE("text that is none of the three is said to be no INI") {
    const auto message = [](std::string_view text) { return parse_places(text).error().message(); };
    CHECK(message("xyz") == "failed to parse config data: key-value delimiter not found: xyz");
    CHECK(message("[a\nk=v") == "failed to parse config data: unclosed section: [a");
    CHECK(message("[]\nk=v") == "failed to parse config data: empty section name: []");
    CHECK(message("[a]\n=v") == "failed to parse config data: empty key name: =v");
    CHECK(message("[a]\nk = `v") == "failed to parse config data: missing closing quotes: v");
    CHECK(message("[a]\n\"k = v") ==
          "failed to parse config data: missing closing key quote: \"k = v");
    CHECK_FALSE(parse_places(std::string((4u << 20) + 1, ' ')));
  }

  TEST_CASE("an rclone remote gets prefixes and a location") {
    CHECK(as_rclone({{"type", "s3"}, {"location", "x"}}) ==
          Options{{"rclone_type", "s3"}, {"rclone_location", "x"}, {"location", "rclone://"}});
  }
}

}  // namespace plakar::config
