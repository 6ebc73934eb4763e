#include "core/config/places_document.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "core/base/text.h"
#include "core/config/location.h"

namespace plakar::config {
namespace {

PlacesDocument parse(const std::string& text, PlaceKind kind = PlaceKind::store) {
  auto document = PlacesDocument::parse(text, kind, "stores.yml");
  if (!document) FAIL(document.error().message());
  return *std::move(document);
}

Error parse_error(const std::string& text, PlaceKind kind = PlaceKind::store) {
  auto document = PlacesDocument::parse(text, kind, "stores.yml");
  REQUIRE_FALSE(document);
  return document.error();
}

std::string option(const PlacesDocument& document, const char* place, const char* key) {
  const Place* found = document.places().find(place);
  REQUIRE(found != nullptr);
  const std::string* value = find_option(found->options, key);
  return value == nullptr ? "(missing)" : *value;
}

// The text after a change that must succeed.
template <class Change>
std::string after(const std::string& text, Change change, PlaceKind kind = PlaceKind::store) {
  PlacesDocument document = parse(text, kind);
  const Status status = change(document);
  if (!status) FAIL(status.error().message());
  return document.text();
}

// The error of a change that must fail and leave the document alone.
template <class Change>
Error refusal(const std::string& text, Change change) {
  PlacesDocument document = parse(text);
  const Status status = change(document);
  REQUIRE_FALSE(status);
  CHECK(document.text() == text);
  return status.error();
}

auto set(const char* name, const char* key, std::string value) {
  return [=](PlacesDocument& document) {
    const std::vector<Option> options = {{key, value}};
    return document.set(name, options);
  };
}

auto unset(const char* name, const char* key) {
  return [=](PlacesDocument& document) {
    const std::vector<std::string> keys = {key};
    return document.unset(name, keys);
  };
}

auto add(const char* name, Options options) {
  return [=](PlacesDocument& document) { return document.add({name, options}); };
}

auto remove(const char* name) {
  return [=](PlacesDocument& document) { return document.remove(name); };
}

// What somebody's file looks like after a while.
const std::string lived_in = R"(# My stores.   (do not lose!)
version: v1.0.0

default: "home"          # the NAS
x-notes: [keep, {me: "as I am"}]
stores:
  # The NAS in the cellar.
  home:
    location: 'sftp://nas/backups'   # wired only
    port: 0022
    # passphrase: old one

  cloud:
    location:   s3://s3.example.com/bucket
    access_key: "AKxx"
    use_tls: yes
  # last: {location: /tmp}
# end
)";

}  // namespace

TEST_SUITE("places document: reading") {
  TEST_CASE("scalars of every kind are the text they were written as") {
    const PlacesDocument document = parse(R"(version: v1.0.0
stores:
  a:
    n: 0x10
    b: TRUE
    d: 2001-01-01
    f: 1e3
    none: ~
    empty:
    quoted: "x\ty"
    single: 'it''s'
    block: |
      one
      two
    folded: >-
      one
      two
    lines: one
      two
    tagged: !!str 12
    hash: x#y
    binary: !!binary /wA=
  12: {location: 5}
  b:
)");
    CHECK(option(document, "a", "n") == "0x10");
    CHECK(option(document, "a", "b") == "TRUE");
    CHECK(option(document, "a", "d") == "2001-01-01");
    CHECK(option(document, "a", "f") == "1e3");
    CHECK(option(document, "a", "none") == "");
    CHECK(option(document, "a", "empty") == "");
    CHECK(option(document, "a", "quoted") == "x\ty");
    CHECK(option(document, "a", "single") == "it's");
    CHECK(option(document, "a", "block") == "one\ntwo\n");
    CHECK(option(document, "a", "folded") == "one two");
    CHECK(option(document, "a", "lines") == "one two");
    CHECK(option(document, "a", "tagged") == "12");
    CHECK(option(document, "a", "hash") == "x#y");
    CHECK(option(document, "a", "binary") == std::string("\xff\0", 2));
    CHECK(option(document, "12", "location") == "5");
    CHECK(document.places().find("b")->options.empty());
    CHECK(document.places().places.size() == 3);
  }

  TEST_CASE("aliases and merges are followed, and a place's own options win") {
    const PlacesDocument document = parse(R"(version: v1.0.0
stores:
  base: &base {region: eu, port: &p "22"}
  same: *base
  a:
    location: /a
    port: 1
    <<: *base
    other: *p
  b:
    <<: [{x: 1, y: 1}, {y: 2, z: 2}]
  c:
    "<<": literally
)");
    CHECK(option(document, "same", "region") == "eu");
    CHECK(option(document, "a", "region") == "eu");
    CHECK(option(document, "a", "port") == "1");
    CHECK(option(document, "a", "other") == "22");
    CHECK(option(document, "b", "y") == "1");
    CHECK(option(document, "b", "z") == "2");
    CHECK(option(document, "c", "<<") == "literally");
  }

  TEST_CASE("an empty file, a comment, an empty document and an empty section are no places") {
    for (const char* text : {"", "\n\n", "# nothing\n", "---\n", "--- # x\n...\n", "{}\n", "null\n",
                             "~", "version: v1.0.0\n", "version: v1.0.0\nstores:\n",
                             "version: v1.0.0\nstores: {}\n", "stores: ~\n", "stores: {}"}) {
      CAPTURE(text);
      CHECK(parse(text).places().places.empty());
    }
  }

  TEST_CASE("the default store is read, from stores only") {
    CHECK(parse("version: v1.0.0\ndefault: 12\nstores: {}\n").places().default_name == "12");
    CHECK_FALSE(parse("version: v1.0.0\ndefault:\n").places().default_name);
    CHECK_FALSE(parse("version: v1.0.0\ndefault: x\nsources: {}\n", PlaceKind::source)
                    .places()
                    .default_name);
  }

  TEST_CASE("the former layout has the names at the top, and a mark for the default") {
    const PlacesDocument document =
        parse("a:\n  location: /a\nb:\n  location: /b\n  .isDefault: yes\n");
    CHECK(document.places().places.size() == 2);
    CHECK(document.places().default_name == "b");
    CHECK(option(document, "b", ".isDefault") == "(missing)");
    CHECK(parse_error("a: {.isDefault: 1}\nb: {.isDefault: 1}\n").message() ==
          "stores.yml:1:1: multiple default store");
    // A place may have the name of a section.
    CHECK(option(parse("stores:\n  location: /x\n"), "stores", "location") == "/x");
    CHECK(option(parse("version:\n  location: /x\n"), "version", "location") == "/x");
    // The new layout whose author forgot the version.
    CHECK(option(parse("stores:\n  a:\n    location: /x\n"), "a", "location") == "/x");
  }

  TEST_CASE("what is wrong is said with file, line and column") {
    CHECK(parse_error("version: v1.0.0\nstores:\n  a:\n    k: [1\n").message().substr(0, 15) ==
          "stores.yml:5:1:");
    CHECK(parse_error("version: v1.0.0\nstores:\n  a: x\n").message() ==
          "stores.yml:3:6: the options of \"a\" should be here");
    CHECK(parse_error("version: v1.0.0\nstores:\n  a: {k: [1]}\n").message() ==
          "stores.yml:3:10: the value of \"k\" should be a single text");
    CHECK(parse_error("version: v1.0.0\nstores: []\n").message() ==
          "stores.yml:2:9: a list of names should be here");
    CHECK(parse_error("just text\n").message() == "stores.yml:1:1: a list of names should be here");
    CHECK(parse_error("version: v1.0.0\nstores:\n  a: {}\n  b: {}\n  a: {}\n").message() ==
          "stores.yml:5:3: \"a\" is already defined in line 3");
    CHECK(parse_error("version: v1.0.0\nstores:\n  a: {\xc3\xa9: 1, k: 1, k: 2}\n").message() ==
          "stores.yml:3:19: \"k\" is already defined in line 3");
    CHECK(parse_error("version: v1.0.0\nstores: {a: *b}\n").message().substr(0, 16) ==
          "stores.yml:2:13:");
    CHECK(parse_error("a: \xff\n").message() == "stores.yml:1:4: not UTF-8");
    CHECK(parse_error("a:\n  k: \x01\n").message() == "stores.yml:2:6: a control character");
    CHECK(parse_error(std::string("a: {}\n\0b: {}\n", 12)).message() ==
          "stores.yml:2:1: a control character");
    CHECK(parse_error("a: {}\rb: {}\n").message() ==
          "stores.yml:1:6: a carriage return without a newline");
    // Yaml-cpp takes it for the end of the file.
    CHECK(parse_error("a: {k: v}\n\x04\nb: {}\n").message() ==
          "stores.yml:2:1: a control character");
    CHECK(parse_error("a:\n  k: x\xe2\x80\xa8y\n").code() == Errc::invalid_argument);
    CHECK(parse_error("version: v1.0.0\nstores:\n  a: {<<: 5}\n").message() ==
          "stores.yml:3:11: only names with options can be merged");
    CHECK(parse_error("version: v1.0.0\nstores:\n  ~: {}\n").message() ==
          "stores.yml:3:3: a name should be here");
  }

  TEST_CASE("a file that was cut off is an error, although yaml-cpp accepts it") {
    CHECK(parse_error("version: v1.0.0\nstores:\n  a:\n    k: 'cut o\n").message() ==
          "stores.yml:4:8: the quotes are not closed");
    CHECK(parse_error("version: v1.0.0\nstores:\n  a:\n    k: \"cut o\\\"\n").message() ==
          "stores.yml:4:8: the quotes are not closed");
    CHECK(parse_error("version: v1.0.0\nstores:\n  a:\n    k: v\n    pass").message() ==
          "stores.yml:5:9: a colon should be here");
    CHECK(parse_error("version: v1.0.0\nstores:\n  a: {}\n%b: {}\n").message() ==
          "stores.yml:4:1: a directive inside a document");
  }

  TEST_CASE("another version is refused, not guessed") {
    const Error error = parse_error("version: v2.0.0\nstores: {}\n");
    CHECK(error.code() == Errc::unsupported);
    CHECK(error.message() ==
          "stores.yml:1:10: this program knows version v1.0.0 of this file, not \"v2.0.0\"");
  }

  TEST_CASE("limits hold") {
    CHECK(parse_error(std::string(200'000, '[')).code() == Errc::invalid_argument);
    CHECK(parse_error(std::string(50'000, '{')).code() == Errc::invalid_argument);
    std::string deep;
    for (int i = 0; i < 40; ++i) deep += std::string(static_cast<std::size_t>(i), ' ') + "k:\n";
    CHECK(parse_error(deep).message() == "stores.yml:32:32: nested too deeply");

    CHECK(parse_error(std::string((4u << 20) + 1, '#')).message() ==
          "stores.yml: larger than 4 MiB");

    std::string many = "version: v1.0.0\nstores:\n";
    for (int i = 0; i <= 10'000; ++i) many += "  s" + std::to_string(i) + ":\n";
    CHECK(parse_error(many).message() == "stores.yml:3:3: more than 10000 names");

    // A large value multiplied by aliases.
    std::string bomb =
        "version: v1.0.0\nstores:\n  a: &a {k: " + std::string(1u << 20, 'x') + "}\n";
    for (int i = 0; i < 100; ++i) bomb += "  b" + std::to_string(i) + ": *a\n";
    CHECK(parse_error(bomb).message() == "stores.yml:3:10: more than 16 MiB of options");

    // Merges of merges, each doubling the work.
    std::string laughs = "version: v1.0.0\nstores:\n  a0: &a0 {k: v}\n";
    for (int i = 1; i < 40; ++i) {
      const std::string below = "*a" + std::to_string(i - 1);
      laughs += "  a" + std::to_string(i) + ": &a" + std::to_string(i) + "\n    <<: [" + below;
      for (int j = 0; j < 9; ++j) laughs += ", " + below;
      laughs += "]\n";
    }
    CHECK(parse_error(laughs).code() == Errc::invalid_argument);
    // Of itself.
    CHECK(parse_error("version: v1.0.0\nstores: {a: &a {<<: *a}}\n").code() ==
          Errc::invalid_argument);
  }
}

TEST_SUITE("places document: changing") {
  TEST_CASE("a new file is what genuine Plakar writes") {
    auto document = PlacesDocument::create({}, PlaceKind::store, "stores.yml");
    REQUIRE(document);
    CHECK(document->text() == "version: v1.0.0\nstores: {}\n");
    REQUIRE(document->add({"s3eu",
                           {{"location", "s3://s3.eu-west-3.amazonaws.com/bucket"},
                            {"access_key", "********"},
                            {"use_tls", "true"},
                            {"passphrase", "correct horse"},
                            {"empty", ""},
                            {"pem", "-----BEGIN-----\nabc\n-----END-----\n"}}}));
    REQUIRE(document->add({"b10", {{"location", "/b"}}}));
    REQUIRE(document->add({"b9", {{"location", "fs:/b"}}}));
    REQUIRE(document->set_default("b9"));
    const std::string expected = R"(version: v1.0.0
default: b9
stores:
    b9:
        location: fs:/b
    b10:
        location: /b
    s3eu:
        access_key: '********'
        empty: ""
        location: s3://s3.eu-west-3.amazonaws.com/bucket
        passphrase: correct horse
        pem: |
            -----BEGIN-----
            abc
            -----END-----
        use_tls: "true"
)";
    CHECK(document->text() == expected);
    auto written_at_once =
        PlacesDocument::create(document->places(), PlaceKind::store, "stores.yml");
    REQUIRE(written_at_once);
    CHECK(written_at_once->text() == expected);

    for (const char* name : {"b9", "s3eu", "b10"}) REQUIRE(document->remove(name));
    CHECK(document->text() == "version: v1.0.0\ndefault: b9\nstores: {}\n");
    REQUIRE(document->set_default(std::nullopt));
    CHECK(document->text() == "version: v1.0.0\nstores: {}\n");
  }

  TEST_CASE("setting an option changes its value and nothing else") {
    std::string expected = lived_in;
    const auto replace = [&](const char* old, const char* with) {
      std::string text = lived_in;
      return text.replace(text.find(old), std::string(old).size(), with);
    };
    CHECK(after(lived_in, set("home", "location", "/mnt")) ==
          replace("'sftp://nas/backups'", "/mnt"));
    CHECK(after(lived_in, set("home", "port", "22")) == replace("0022", "\"22\""));
    CHECK(after(lived_in, set("cloud", "location", "s3://x")) ==
          replace("s3://s3.example.com/bucket", "s3://x"));
    CHECK(after(lived_in, set("cloud", "use_tls", "yes")) == lived_in);
    CHECK(after(lived_in, [](PlacesDocument& d) { return d.set_default("cloud"); }) ==
          replace("\"home\"", "cloud"));
  }

  TEST_CASE("a new option goes below the others, or in order where they are in order") {
    const auto insert = [&](const char* before, const char* line) {
      std::string text = lived_in;
      return text.insert(text.find(before), line);
    };
    CHECK(after(lived_in, set("home", "root", "/x")) ==
          insert("    # passphrase", "    root: /x\n"));
    CHECK(after(lived_in, set("cloud", "root", "/x")) == insert("  # last", "    root: /x\n"));
    CHECK(after("version: v1.0.0\nstores:\n a:\n  b: 1\n  d: 1\n", set("a", "c", "x")) ==
          "version: v1.0.0\nstores:\n a:\n  b: 1\n  c: x\n  d: 1\n");
    CHECK(after("version: v1.0.0\nstores:\n a:\n  b: 1\n  d: 1\n", set("a", "a", "x")) ==
          "version: v1.0.0\nstores:\n a:\n  a: x\n  b: 1\n  d: 1\n");
  }

  TEST_CASE("a new place is indented as its neighbours are") {
    std::string expected = lived_in;
    expected.insert(expected.find("  # last"), "  tape:\n    location: /dev/st0\n");
    CHECK(after(lived_in, add("tape", {{"location", "/dev/st0"}})) == expected);
  }

  TEST_CASE("removing takes a place and what is inside it, and no other comment") {
    std::string expected = lived_in;
    std::size_t begin = expected.find("  home:");
    expected.erase(begin, expected.find("\n  cloud:") - begin);
    // "# passphrase: old one" is no deeper than the options: it stays with what follows.
    CHECK(after(lived_in, remove("home")) ==
          std::string(lived_in).erase(begin, lived_in.find("\n\n  cloud:") + 1 - begin));
    begin = lived_in.find("  cloud:");
    CHECK(after(lived_in, remove("cloud")) ==
          std::string(lived_in).erase(begin, lived_in.find("  # last") - begin));
    CHECK(after(lived_in, unset("home", "port")) ==
          std::string(lived_in).erase(lived_in.find("    port"), 15));
    CHECK(after(lived_in, unset("home", "nothing")) == lived_in);
  }

  TEST_CASE("renaming changes the name, and the default where it is meant") {
    std::string expected = lived_in;
    expected.replace(expected.find("  home:"), 7, "  nas:");
    expected.replace(expected.find("\"home\""), 6, "nas");
    CHECK(after(lived_in, [](PlacesDocument& d) { return d.rename("home", "nas"); }) == expected);
    CHECK(refusal(lived_in, [](PlacesDocument& d) { return d.rename("home", "cloud"); }).code() ==
          Errc::already_exists);
    CHECK(refusal(lived_in, [](PlacesDocument& d) { return d.rename("x", "y"); }).code() ==
          Errc::not_found);
  }

  TEST_CASE("all layouts of an empty section can be added to") {
    const auto added = [](const char* text) { return after(text, add("a", {{"location", "/a"}})); };
    const std::string fresh = "version: v1.0.0\nstores:\n    a:\n        location: /a\n";
    CHECK(added("") == fresh);
    CHECK(added("{}") == fresh);
    CHECK(added("version: v1.0.0\nstores: {}\n") == fresh);
    CHECK(added("version: v1.0.0\nstores: {}") == fresh);
    CHECK(added("version: v1.0.0\nstores: ~\n") == fresh);
    CHECK(added("version: v1.0.0\nstores:\n") == fresh);
    CHECK(added("version: v1.0.0\nstores:") == fresh);
    CHECK(added("version: v1.0.0\n") == fresh);
    CHECK(added("version: v1.0.0") == fresh);
    CHECK(added("stores: {}\n") == fresh);
    CHECK(added("# mine\n") == "# mine\n" + fresh);
    CHECK(added("# mine") == "# mine\n" + fresh);
    CHECK(added("---\n") == "---\n" + fresh);
    CHECK(added("---\n# mine\n...\n") == "---\n# mine\n" + fresh + "...\n");
    CHECK(added("\xef\xbb\xbf") == "\xef\xbb\xbf" + fresh);
    CHECK(added("version: v1.0.0\nstores: {} # none yet\nx: 1\n") ==
          "version: v1.0.0\nstores: # none yet\n    a:\n        location: /a\nx: 1\n");
    CHECK(
        added("version: v1.0.0\nstores: # none yet\n  # a comment\nx: 1\n") ==
        "version: v1.0.0\nstores: # none yet\n    a:\n        location: /a\n  # a comment\nx: 1\n");
    CHECK(added("{version: v1.0.0, stores: {}}\n") ==
          "{version: v1.0.0, stores: {a: {location: /a}}}\n");
    CHECK(added("{version: v1.0.0, stores: }\n") ==
          "{version: v1.0.0, stores: {a: {location: /a}} }\n");
    CHECK(added("{version: v1.0.0}\n") == "{version: v1.0.0, stores: {a: {location: /a}}}\n");
  }

  TEST_CASE("line ends stay what they are") {
    CHECK(after("version: v1.0.0\r\nstores:\r\n  a:\r\n    b: 1\r\n    c: 2 # x\r\n",
                set("a", "d", "two\nlines\n")) ==
          "version: v1.0.0\r\nstores:\r\n  a:\r\n    b: 1\r\n    c: 2 # x\r\n    d: |\r\n      "
          "two\r\n      lines\r\n");
    CHECK(after("version: v1.0.0\r\nstores:\r\n  a:\r\n    b: 1\r\n    c: 2\r\n",
                unset("a", "c")) == "version: v1.0.0\r\nstores:\r\n  a:\r\n    b: 1\r\n");
    CHECK(after("version: v1.0.0\r\nstores:\r\n  a:\r\n    b: 1", set("a", "c", "x")) ==
          "version: v1.0.0\r\nstores:\r\n  a:\r\n    b: 1\r\n    c: x\r\n");
    CHECK(after("version: v1.0.0\r\nstores: {}\r\n", add("a", {{"k", "v"}})) ==
          "version: v1.0.0\r\nstores:\r\n    a:\r\n        k: v\r\n");
  }

  TEST_CASE("brackets stay brackets") {
    const std::string text =
        "version: v1.0.0\nstores: {a: {k: v, l: \"w\", m: }, \"b\": {}, c}  # mine\n";
    CHECK(after(text, set("a", "k", "x: y, z")) ==
          "version: v1.0.0\nstores: {a: {k: 'x: y, z', l: \"w\", m: }, \"b\": {}, c}  # mine\n");
    CHECK(after(text, set("a", "m", "1")) ==
          "version: v1.0.0\nstores: {a: {k: v, l: \"w\", m: \"1\" }, \"b\": {}, c}  # mine\n");
    CHECK(after(text, set("a", "p", "one\ntwo")) ==
          "version: v1.0.0\nstores: {a: {k: v, l: \"w\", m: , p: \"one\\ntwo\" }, \"b\": {}, c}  # "
          "mine\n");
    CHECK(after(text, set("b", "p", "1")) ==
          "version: v1.0.0\nstores: {a: {k: v, l: \"w\", m: }, \"b\": {p: \"1\"}, c}  # mine\n");
    CHECK(after(text, unset("a", "k")) ==
          "version: v1.0.0\nstores: {a: {l: \"w\", m: }, \"b\": {}, c}  # mine\n");
    CHECK(after(text, unset("a", "m")) ==
          "version: v1.0.0\nstores: {a: {k: v, l: \"w\" }, \"b\": {}, c}  # mine\n");
    CHECK(after(text, remove("a")) == "version: v1.0.0\nstores: {\"b\": {}, c}  # mine\n");
    CHECK(after(text, remove("c")) ==
          "version: v1.0.0\nstores: {a: {k: v, l: \"w\", m: }, \"b\": {}}  # mine\n");
    CHECK(
        after(text, add("d", {{"k", "v"}})) ==
        "version: v1.0.0\nstores: {a: {k: v, l: \"w\", m: }, \"b\": {}, c , d: {k: v}}  # mine\n");
    CHECK(after("version: v1.0.0\nstores: {a: {}}\n", remove("a")) ==
          "version: v1.0.0\nstores: {}\n");
    CHECK(after("version: v1.0.0\nstores: {a: {},}\n", remove("a")) ==
          "version: v1.0.0\nstores: {}\n");
    const std::string lines =
        "version: v1.0.0\nstores: {\n  a: {k: v},  # first, of two\n  b: {k: w}  # second\n}\n";
    CHECK(after(lines, remove("a")) ==
          "version: v1.0.0\nstores: {\n    # first, of two\n  b: {k: w}  # second\n}\n");
    CHECK(after(lines, remove("b")) ==
          "version: v1.0.0\nstores: {\n  a: {k: v}  # first, of two\n    # second\n}\n");
    CHECK(after(lines, add("c", {{"k", "x"}})) ==
          "version: v1.0.0\nstores: {\n  a: {k: v},  # first, of two\n  b: {k: w}, c: {k: x}  # "
          "second\n}\n");
  }

  TEST_CASE("values of several lines are replaced and removed whole") {
    const std::string text = R"(version: v1.0.0
stores:
  a:
    one: |
      x
        # not a comment

      y
    two: >+
      folded

    # a comment
    three: "quoted
      on"
    four: plain
      too   # really
    five: 5
)";
    const auto cut = [&](const char* from, const char* to, const char* with) {
      std::string expected = text;
      const std::size_t begin = expected.find(from);
      return expected.replace(begin, expected.find(to) - begin, with);
    };
    CHECK(after(text, set("a", "one", "1")) == cut("|\n", "\n    two", "\"1\""));
    CHECK(after(text, set("a", "two", "2")) == cut(">+", "\n    # a comment", "\"2\""));
    CHECK(after(text, set("a", "three", "3")) == cut("\"quoted", "\n    four", "\"3\""));
    CHECK(after(text, set("a", "four", "4")) == cut("plain", "   # really", "\"4\""));
    CHECK(after(text, unset("a", "one")) == cut("    one", "    two", ""));
    CHECK(after(text, unset("a", "three")) == cut("    three", "    four", ""));
    CHECK(after(text, unset("a", "four")) == cut("    four", "    five", ""));
    // A comment after the value would become part of a literal block.
    CHECK(after(text, set("a", "four", "x\ny\n")) == cut("plain", "   # really", "\"x\\ny\\n\""));
    CHECK(after(text, set("a", "five", "x\ny\n")) ==
          cut("5\n", "~", "|\n      x\n      y\n").substr(0, text.size() + 18));
  }

  TEST_CASE("what shares anchors is not changed behind anybody's back") {
    const std::string text = R"(version: v1.0.0
stores:
  base: &base
    region: eu
    key: &key secret
  same: *base
  a:
    <<: *base
    location: /a
    password: *key
)";
    const auto refused = [&](auto change) {
      const Error error = refusal(text, change);
      CHECK(error.code() == Errc::unsupported);
      return error.message();
    };
    CHECK(refused(set("base", "region", "us")) ==
          "stores.yml: this would also change what anchors and aliases share; edit the file by "
          "hand");
    CHECK(refused(set("base", "key", "x")) ==
          "stores.yml:5:10: cannot be changed without rewriting what is around it (line 10 refers "
          "to its anchor); edit the file by hand");
    CHECK(refused(remove("base")) ==
          "stores.yml:3:9: cannot be changed without rewriting what is around it (line 6 refers to "
          "its anchor); edit the file by hand");
    CHECK(refused(set("same", "x", "1")) ==
          "stores.yml:6:9: cannot be changed without rewriting what is around it (an alias); edit "
          "the file by hand");
    CHECK(refused(unset("a", "region")) ==
          "stores.yml: option \"region\" of \"a\" comes from an alias or a merge; edit the file by "
          "hand");
    // But what only they use is theirs.
    CHECK(after(text, set("a", "region", "us")).find("    password: *key\n    region: us\n") !=
          std::string::npos);
    CHECK(after(text, set("a", "password", "x")).find("    password: x\n") != std::string::npos);
    CHECK(after(text, remove("same")).find("same") == std::string::npos);
    CHECK(after(text, add("z", {{"k", "v"}})).ends_with("  z:\n    k: v\n"));
  }

  TEST_CASE("unusual notation is refused where it is in the way, and only there") {
    const std::string text = "version: v1.0.0\nstores:\n  ? a\n  : k: v\n  b: {k: v}\n";
    CHECK(refusal(text, remove("a")).code() == Errc::unsupported);
    CHECK(refusal(text, remove("a")).message() ==
          "stores.yml:3:5: cannot be changed without rewriting what is around it (a key that does "
          "not begin its line); edit the file by hand");
    CHECK(after(text, remove("b")) == "version: v1.0.0\nstores:\n  ? a\n  : k: v\n");
    CHECK(refusal("version: v1.0.0\nstores: {}\n---\nx: 1\n", add("a", {})).message() ==
          "stores.yml: has several YAML documents; edit the file by hand");
  }

  TEST_CASE("a file of the former layout becomes one of the new, with its comments") {
    CHECK(
        after(
            "# top\na: # first\n  location: /a\n\n  # inside\nb: {location: /b, .isDefault: yes}\n"
            "c:\n  pem: |\n   x\n    y\n",
            set("a", "k", "v")) ==
        "# top\nversion: v1.0.0\ndefault: b\nstores:\n    a: # first\n      k: v\n      location: "
        "/a\n\n      # inside\n    b: {location: /b}\n    c:\n      pem: |\n       x\n        y\n");
    CHECK(after("---\na:\n  .isDefault: 1\n...\n", add("b", {{"location", "/b"}})) ==
          "---\nversion: v1.0.0\ndefault: a\nstores:\n    a: {}\n    b:\n        location: "
          "/b\n...\n");
    CHECK(after("a: {k: v}\n", remove("a"), PlaceKind::source) == "version: v1.0.0\nsources: {}\n");
    CHECK(refusal("a: {<<: {.isDefault: 1}}\n", add("b", {})).code() == Errc::unsupported);
  }

  TEST_CASE("values of any octets read back as they were given") {
    const std::vector<std::string> values = {"",
                                             " ",
                                             "  x  ",
                                             "\t",
                                             "\n",
                                             "\n\n",
                                             "a\n",
                                             "a\n\n",
                                             "\na",
                                             " a\nb",
                                             "a \nb",
                                             "a\n b",
                                             "a\r\nb",
                                             "a\rb",
                                             "\xff\xfe",
                                             "\xc2\x85",
                                             "\xe2\x80\xa8",
                                             "\xef\xbb\xbf",
                                             "\x01\x7f",
                                             "null",
                                             "~",
                                             "true",
                                             "0x10",
                                             "1e3",
                                             "- a",
                                             "# a",
                                             "a # b",
                                             "a: b",
                                             "a:",
                                             "'",
                                             "\"",
                                             "\\",
                                             "%x",
                                             "@x",
                                             "`x",
                                             "{a}",
                                             "[a]",
                                             "a,b",
                                             "*x",
                                             "&x",
                                             "!x",
                                             "|",
                                             ">",
                                             "?",
                                             "-",
                                             "---",
                                             "...",
                                             "--- a",
                                             "<<",
                                             "=",
                                             "\xf0\x9f\x98\x80",
                                             std::string("\0x", 2),
                                             "---\n",
                                             "...\nx\n",
                                             "a\t\nb",
                                             "\ta\nb",
                                             "# a\nb\n",
                                             "a\n# b\n",
                                             "a\n\n\nb",
                                             "a:\nb:\n",
                                             "x\n---\ny\n",
                                             "a\n...\n",
                                             std::string(5000, 'x') + " y"};
    for (const char* text : {"version: v1.0.0\nstores:\n    a:\n        k: old\n        z: last\n",
                             "version: v1.0.0\nstores:\n  a:\n    k: old # c\n\n\n# end",
                             "version: v1.0.0\nstores: {a: {k: old}}\n"}) {
      for (const std::string& value : values) {
        CAPTURE(std::string(text));
        CAPTURE(escape(value));
        PlacesDocument document = parse(text);
        const std::vector<Option> options = {{"k", value}, {"new", value}};
        const Status status = document.set("a", options);
        if (!status) FAIL(status.error().message());
        const PlacesDocument again = parse(document.text());
        CHECK(option(again, "a", "k") == value);
        CHECK(option(again, "a", "new") == value);
      }
    }
  }

  TEST_CASE("names that need quotes get them; names that cannot be written are refused") {
    for (const char* name : {"true", "12", "a: b", "#", "- x", "<<", "~", "null", "a b", "\xc3\xa9",
                             "'", "\"", "@x", "*", "version"}) {
      CAPTURE(name);
      PlacesDocument document = parse("");
      REQUIRE(document.add({name, {{name, "v"}}}));
      CHECK(option(parse(document.text()), name, name) == "v");
      REQUIRE(document.remove(name));
    }
    const auto bad = [](const std::string& name) {
      return refusal("", [&](PlacesDocument& d) { return d.add({name, {}}); }).message();
    };
    CHECK(bad("") == "name is empty");
    CHECK(bad("a\nb") == "name \"a\\nb\" has control characters");
    CHECK(bad("\xff") == "name \"\\xff\" is not UTF-8");
    CHECK(bad(std::string(129, 'x')).ends_with("is longer than 128 bytes"));
    CHECK(refusal("", add("a", {{"", "v"}})).message() == "option is empty");
  }

  TEST_CASE("several options are set together or not at all") {
    PlacesDocument document = parse(lived_in);
    const std::vector<Option> options = {{"port", "1"}, {"", "x"}};
    CHECK_FALSE(document.set("home", options));
    CHECK(document.text() == lived_in);
  }

  TEST_CASE("a last line that cannot be continued is asked for its newline") {
    const std::string text = "version: v1.0.0\nstores:\n  a:\n    pem: |+\n      x";
    CHECK(refusal(text, add("b", {})).message() ==
          "stores.yml: the last line has no newline; add one and try again");
    CHECK(after(text + "\n", add("b", {})) == text + "\n  b: {}\n");
  }

  TEST_CASE("what exists is not added, and what does not is not changed") {
    CHECK(refusal(lived_in, add("home", {})).message() == "store \"home\" already exists");
    CHECK(refusal(lived_in, remove("x")).message() == "store \"x\" does not exist");
    CHECK(refusal(lived_in, set("x", "k", "v")).code() == Errc::not_found);
    CHECK(refusal(lived_in, unset("x", "k")).code() == Errc::not_found);
    PlacesDocument sources = parse("", PlaceKind::source);
    CHECK_FALSE(sources.set_default("x"));
  }
}

TEST_SUITE("places") {
  TEST_CASE("a reference stands for the options of its place, with the root overridden") {
    const PlacesDocument document = parse(lived_in);
    auto options = resolve_place(document.places(), PlaceKind::store, {"home", "etc"});
    REQUIRE(options);
    CHECK(*find_option(*options, "location") == "sftp://nas/backups/etc");
    CHECK(*find_option(*options, "port") == "0022");
  }

  TEST_CASE("passphrases are taken out before a connector sees the options") {
    Options options = {{"passphrase", "x"}, {"location", "/a"}, {"passphrase_cmd", ""}};
    const CoreOptions core = take_core_options(options);
    CHECK(core.passphrase == "x");
    CHECK(core.passphrase_cmd == "");
    CHECK(options == Options{{"location", "/a"}});
    CHECK_FALSE(take_core_options(options).passphrase);
  }

  TEST_CASE("an unknown name and a place without location have the genuine messages") {
    const PlacesDocument document = parse("version: v1.0.0\nstores: {a: {}}\n");
    const auto message = [&](PlaceKind kind, const char* name) {
      return resolve_place(document.places(), kind, {name, ""}).error().message();
    };
    CHECK(message(PlaceKind::store, "foo") == "could not resolve repository: @foo");
    CHECK(message(PlaceKind::store, "a") == "repository @a has no location");
    CHECK(message(PlaceKind::source, "foo") == "could not resolve importer: @foo");
    CHECK(message(PlaceKind::destination, "a") == "could not resolve exporter location: @a");
  }
}

}  // namespace plakar::config
