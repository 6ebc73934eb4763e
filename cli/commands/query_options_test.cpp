#include "cli/commands/query_options.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace plakar::cli {
namespace {

using Texts = std::vector<std::string>;

struct Fixture {
  config::QuerySettings settings;
  FlagSet flags;

  Fixture() { add_query_options(flags, settings); }

  // The message of a mistake; empty when there is none.
  std::string lex(const Texts& words) { return flags.lex(words, FlagSet::Words::anywhere).message; }
};

}  // namespace

TEST_SUITE("query options") {
  TEST_CASE("each option sets what it is called after") {
    Fixture at;
    CHECK(at.lex({"-name",    "n",       "-category=c", "-environment", "e",         "-perimeter",
                  "p",        "-job",    "j",           "-dataset",     "d",         "-since",
                  "30d",      "-before", "2026-01-14",  "-latest",      "-group-by", "tag",
                  "-mondays", "3",       "-per-day",    "0x2",          "-years",    "1"})
              .empty());
    CHECK(at.settings.name == "n");
    CHECK(at.settings.category == "c");
    CHECK(at.settings.environment == "e");
    CHECK(at.settings.perimeter == "p");
    CHECK(at.settings.job == "j");
    CHECK(at.settings.dataset == "d");
    CHECK(at.settings.since.text == "30d");
    CHECK(at.settings.before.text == "2026-01-14");
    CHECK(at.settings.latest);
    CHECK(at.settings.group_by == "tag");
    CHECK(at.settings.retention[config::Period::monday].keep == 3);
    CHECK(at.settings.retention[config::Period::day].cap == 2);
    CHECK(at.settings.retention[config::Period::year].keep == 1);
  }

  TEST_CASE("lists grow with commas and with repeating") {
    Fixture at;
    CHECK(at.lex({"-tag", "a, !b", "-tag", "c", "-root", "/x,/y", "-root", "/z", "-origin", "h",
                  "-type", "fs,s3", "-data-class", "k"})
              .empty());
    CHECK(at.settings.tags == Texts{"a", "c"});
    CHECK(at.settings.ignore_tags == Texts{"b"});
    CHECK(at.settings.roots == Texts{"/x", "/y", "/z"});
    CHECK(at.settings.origins == Texts{"h"});
    CHECK(at.settings.types == Texts{"fs", "s3"});
    CHECK(at.settings.data_classes == Texts{"k"});
  }

  TEST_CASE("what is wrong with a value is said") {
    Fixture at;
    CHECK(at.lex({"-since", "soon"}) ==
          "invalid value \"soon\" for flag -since: invalid time format: \"soon\"");
    CHECK(at.lex({"-group-by", "x"}) ==
          "invalid value \"x\" for flag -group-by: invalid -group-by value \"x\"");
    CHECK(at.lex({"-days", "x"}) == "invalid value \"x\" for flag -days: parse error");
    CHECK(at.lex({"-days", "-1"}) == "invalid value \"-1\" for flag -days: negative value");
    CHECK(at.lex({"-since", ""}).empty());
    CHECK(at.settings == config::QuerySettings());
  }

  TEST_CASE("filters alone have no rules") {
    config::QuerySettings settings;
    FlagSet flags;
    add_filter_options(flags, settings);
    const Texts words = {"-days", "1"};
    CHECK(flags.lex(words, FlagSet::Words::anywhere).end == Lexed::End::invalid);
  }
}

}  // namespace plakar::cli
