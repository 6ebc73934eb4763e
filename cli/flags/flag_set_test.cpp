#include "cli/flags/flag_set.h"

#include <doctest/doctest.h>

namespace plakar::cli {
namespace {

struct Options {
  bool json = false;
  bool q = false;
  std::string to = "/tmp";
  std::string name;
  std::int64_t cpu = 2;
  std::chrono::nanoseconds every{};
  std::vector<std::string> tags;
};

FlagSet flag_set(Options& options) {
  FlagSet flags;
  flags.boolean("json", options.json, "print JSON");
  flags.boolean("q", options.q, "say less");
  flags.text("to", options.to, "restore into `DIRECTORY`");
  flags.text("name", options.name, "name");
  flags.integer("cpu", options.cpu, "cores\nto use");
  flags.duration("every", options.every, "how often");
  flags.value(
      "tag",
      [&options](std::string_view given) -> Status {
        if (given.empty()) return Error(Errc::invalid_argument, "a tag has at least one character");
        options.tags.emplace_back(given);
        return {};
      },
      "add a tag");
  return flags;
}

Lexed lex(Options& options, std::vector<std::string> words,
          FlagSet::Words placement = FlagSet::Words::anywhere) {
  return flag_set(options).lex(words, placement);
}

using Strings = std::vector<std::string>;

}  // namespace

TEST_SUITE("options") {
  TEST_CASE("one dash, two dashes, the next word and an equals sign mean the same") {
    for (const Strings& words :
         {Strings{"-to", "x"}, Strings{"--to", "x"}, Strings{"-to=x"}, Strings{"--to=x"}}) {
      Options options;
      const Lexed lexed = lex(options, words);
      CHECK(lexed.end == Lexed::End::run);
      CHECK(options.to == "x");
      CHECK(lexed.words.empty());
    }
  }

  TEST_CASE("a value may begin with a dash, be empty or hold another equals sign") {
    Options options;
    CHECK(lex(options, {"-to", "-json", "-name="}).end == Lexed::End::run);
    CHECK(options.to == "-json");
    CHECK(options.name.empty());
    CHECK_FALSE(options.json);
    lex(options, {"-to=a=b"});
    CHECK(options.to == "a=b");
  }

  TEST_CASE("a boolean never takes the next word") {
    Options options;
    const Lexed lexed = lex(options, {"-json", "false"});
    CHECK(options.json);
    CHECK(lexed.words == Strings{"false"});
    lex(options, {"-json=F"});
    CHECK_FALSE(options.json);
  }

  TEST_CASE("the last of a repeated scalar wins, a multi option sees each") {
    Options options;
    lex(options, {"-cpu", "1", "-cpu=0x10", "-tag", "a", "-tag=b"});
    CHECK(options.cpu == 16);
    CHECK(options.tags == Strings{"a", "b"});
  }

  TEST_CASE("the options end at the first other word where a command follows") {
    Options options;
    const Lexed lexed = lex(options, {"-json", "ls", "-q"}, FlagSet::Words::end_options);
    CHECK(options.json);
    CHECK_FALSE(options.q);
    CHECK(lexed.words == Strings{"ls", "-q"});
  }

  TEST_CASE("behind an argument defined options are options, other words stay arguments") {
    Options options;
    const Lexed lexed = lex(options, {"abcd", "-q", "-nosuch", "-h", "-", "--to", "x", "y"});
    CHECK(lexed.end == Lexed::End::run);
    CHECK(options.q);
    CHECK(options.to == "x");
    CHECK(lexed.words == Strings{"abcd", "-nosuch", "-h", "-", "y"});
  }

  TEST_CASE("options of another set are understood where this one has none of the name") {
    Options options;
    const FlagSet own = flag_set(options);
    bool quiet = false;
    bool others_json = false;
    FlagSet others;
    others.boolean("quiet", quiet, "say less");
    others.boolean("json", others_json, "of the others");
    const auto read = [&](const Strings& words) {
      return own.lex(words, FlagSet::Words::anywhere, &others);
    };
    CHECK(read({"-json", "a", "-quiet", "b"}).words == Strings{"a", "b"});
    CHECK(quiet);
    CHECK(options.json);
    CHECK_FALSE(others_json);
    CHECK(read({"a", "--", "-quiet"}).words == Strings{"a", "-quiet"});
    CHECK(read({"-nosuch"}).message == "flag provided but not defined: -nosuch");
    CHECK(own.listing().find("quiet") == std::string::npos);
  }

  TEST_CASE("nothing behind two dashes is an option") {
    Options options;
    const Lexed lexed = lex(options, {"a", "--", "-q", "--", "-to"});
    CHECK_FALSE(options.q);
    CHECK(lexed.words == Strings{"a", "-q", "--", "-to"});
  }

  TEST_CASE("a lone dash is an argument") {
    Options options;
    CHECK(lex(options, {"-"}).words == Strings{"-"});
  }

  TEST_CASE("mistakes are named in the words scripts know") {
    const auto message = [](Strings words) {
      Options options;
      const Lexed lexed = lex(options, std::move(words));
      CHECK(lexed.end == Lexed::End::invalid);
      return lexed.message;
    };
    CHECK(message({"-x"}) == "flag provided but not defined: -x");
    CHECK(message({"-qj"}) == "flag provided but not defined: -qj");
    CHECK(message({"-JSON"}) == "flag provided but not defined: -JSON");
    CHECK(message({"-to"}) == "flag needs an argument: -to");
    CHECK(message({"---x"}) == "bad flag syntax: ---x");
    CHECK(message({"-=x"}) == "bad flag syntax: -=x");
    CHECK(message({"--=x"}) == "bad flag syntax: --=x");
    CHECK(message({"-cpu", "abc"}) == "invalid value \"abc\" for flag -cpu: parse error");
    CHECK(message({"-cpu=99999999999999999999"}) ==
          "invalid value \"99999999999999999999\" for flag -cpu: value out of range");
    CHECK(message({"-json=maybe"}) == "invalid boolean value \"maybe\" for -json: parse error");
    CHECK(message({"-every", "5"}) == "invalid value \"5\" for flag -every: parse error");
    CHECK(message({"-tag="}) ==
          "invalid value \"\" for flag -tag: a tag has at least one character");
  }

  TEST_CASE("-h asks for help unless the command defines it") {
    Options options;
    for (const char* word : {"-h", "-help", "--help"}) {
      CHECK(lex(options, {word}).end == Lexed::End::help);
    }
    bool human = false;
    FlagSet flags;
    flags.boolean("h", human, "for people");
    CHECK(flags.lex(Strings{"-h"}, FlagSet::Words::anywhere).end == Lexed::End::run);
    CHECK(human);
  }

  TEST_CASE("the listing is sorted and shows kinds and defaults") {
    Options options;
    CHECK(flag_set(options).listing() ==
          "  -cpu int\n    \tcores\n    \tto use (default 2)\n"
          "  -every duration\n    \thow often\n"
          "  -json\n    \tprint JSON\n"
          "  -name string\n    \tname\n"
          "  -q\tsay less\n"
          "  -tag value\n    \tadd a tag\n"
          "  -to DIRECTORY\n    \trestore into DIRECTORY (default \"/tmp\")\n");
  }
}

}  // namespace plakar::cli
