#include "cli/commands/action.h"

#include <doctest/doctest.h>

#include <array>
#include <sstream>
#include <string>
#include <vector>

namespace plakar::cli {
namespace {

constexpr std::array<Action, 2> actions{{{"add", "<name>"}, {"show", "[<name>...]"}}};

struct Fixture {
  std::ostringstream out;
  std::ostringstream err;
  Context context{.program = "plakar", .out = out, .err = err};

  FoundAction find(std::vector<std::string> words) {
    return find_action(context, "thing", actions, words);
  }
};

}  // namespace

TEST_SUITE("action") {
  TEST_CASE("an action is found by its name alone") {
    Fixture at;
    CHECK(at.find({"show", "x"}).action == &actions[1]);
    CHECK(at.find({"sho"}).action == nullptr);
    CHECK(at.err.str() == "plakar: usage: plakar thing [add|show]\n");
  }

  TEST_CASE("nothing, help and options before the action are answered") {
    Fixture at;
    CHECK(at.find({}).code == 1);
    CHECK(at.find({"-h"}).code == 0);
    CHECK(at.find({"--json", "show"}).code == 2);
    CHECK(at.out.str().empty());
    CHECK(at.err.str() ==
          "plakar: no action specified\n"
          "Usage: thing\n       thing add <name>\n       thing show [<name>...]\n"
          "flag provided but not defined: -json\n");
  }

  TEST_CASE("a pair is split at its first equals sign and has a key") {
    CHECK(split_pair("k=v=w")->value == "v=w");
    CHECK(split_pair("k=")->value.empty());
    CHECK_FALSE(split_pair("k"));
    CHECK_FALSE(split_pair("=v"));
    CHECK(place_name("@n") == "n");
    CHECK(place_name("n") == "n");
    CHECK(place_name("@@n") == "@n");
  }

  TEST_CASE("help of an action goes to standard output, mistakes do not") {
    Fixture at;
    bool json = false;
    FlagSet flags;
    flags.boolean("json", json, "JSON");
    std::vector<std::string> words;
    CHECK(lex_action(at.context, "thing", actions[1], flags, std::vector<std::string>{"-h"},
                     words) == 0);
    CHECK(at.out.str() == "Usage: plakar thing show [<name>...]\n  -json\n    \tJSON\n");
    CHECK(lex_action(at.context, "thing", actions[1], flags, std::vector<std::string>{"-x"},
                     words) == 2);
    CHECK(at.err.str() == "flag provided but not defined: -x\n" + at.out.str());
    CHECK_FALSE(lex_action(at.context, "thing", actions[1], flags,
                           std::vector<std::string>{"-json", "a"}, words));
    CHECK(json);
    CHECK(words == std::vector<std::string>{"a"});
  }
}

}  // namespace plakar::cli
