#include "cli/commands/command.h"

#include <doctest/doctest.h>

#include <array>
#include <sstream>

#include "cli/exit_code.h"
#include "cli/man/page.h"

namespace plakar::cli {
namespace {

int nothing(Context&, std::span<const std::string>) { return 0; }

using Strings = std::vector<std::string>;

constexpr auto table = std::to_array<Command>({{"pkg", "pkg", nothing},
                                               {"pkg add", "pkg add NAME", nothing},
                                               {"token create", "token create", nothing},
                                               {"help", "help", run_help},
                                               {"version", "version", run_version}});

struct Run {
  int code;
  std::string out;
  std::string err;
};

Run run(const Strings& words) {
  std::ostringstream out;
  std::ostringstream err;
  Context context{
      .program = "plakar", .out = out, .err = err, .use_colour = false, .commands = table};
  const Command* command = find_command(table, words);
  REQUIRE(command != nullptr);
  const int code = command->run(context, std::span(words).subspan(1));
  return {code, out.str(), err.str()};
}

}  // namespace

TEST_SUITE("commands") {
  TEST_CASE("what memory is given bounds the shares of all who want some, and the threads") {
    GlobalOptions options;
    options.cpu = 64;
    CHECK(options.threads() == 6);
    for (const std::uint64_t mebibytes : {16u, 48u, 1000u}) {
      options.memory = mebibytes << 20;
      // Sorting is done when nothing is asked of the index.
      CHECK(options.index_memory() + options.index_mapped() <= options.memory);
      CHECK(options.sort_memory() < options.index_memory());
      CHECK(options.threads() * (8u << 20) <= options.memory);
    }
    CHECK(options.threads() == 64);
    options.cpu = 1;
    CHECK(options.threads() == 1);
    options.memory = 16u << 20;
    options.concurrency = 20;
    CHECK(options.threads() == 20);
  }

  TEST_CASE("two words are matched before one") {
    CHECK(find_command(table, Strings{"pkg", "add", "x"})->words == "pkg add");
    CHECK(find_command(table, Strings{"pkg", "nosuch"})->words == "pkg");
    CHECK(find_command(table, Strings{"token", "create"})->words == "token create");
    CHECK(find_command(table, Strings{"token"}) == nullptr);
    CHECK(find_command(table, Strings{}) == nullptr);
  }

  TEST_CASE("the list of commands puts optional subcommands in brackets") {
    CHECK(command_list(table) == "  help \n  pkg [add]\n  token create\n  version \n");
  }

  TEST_CASE("version prints program and version, and nothing else") {
    const Run version = run({"version"});
    CHECK(version.code == exit_ok);
    CHECK(version.out == "plakar/v1.1.4\n");
    CHECK(version.err.empty());
  }

  TEST_CASE("version refuses arguments and unknown options") {
    const Run argument = run({"version", "x"});
    CHECK(argument.code == exit_failure);
    CHECK(argument.err == "plakar: too many arguments\n");
    const Run option = run({"version", "-x"});
    CHECK(option.code == exit_usage);
    CHECK(option.err == "flag provided but not defined: -x\nUsage: plakar version\n");
    const Run help = run({"version", "-h"});
    CHECK(help.code == exit_ok);
    CHECK(help.err == "Usage: plakar version\n");
  }

  TEST_CASE("help shows a page, or says that there is none") {
    CHECK(run({"help", "version"}).out.find("plakar version") != std::string::npos);
    CHECK(run({"help"}).out.find("  version \n") != std::string::npos);
    const Run unknown = run({"help", "no", "such"});
    CHECK(unknown.code == exit_failure);
    CHECK(unknown.out.empty());
    CHECK(unknown.err.starts_with("unknown command: no-such\n"));
    CHECK(run({"help", "-style", "loud"}).code == exit_failure);
  }

  TEST_CASE("an error line cannot be forged from inside") {
    std::ostringstream out;
    std::ostringstream err;
    Context context{
        .program = "plakar", .out = out, .err = err, .use_colour = false, .commands = {}};
    print_error(context, "open a\nplakar: all is well\x1b[2J: no");
    CHECK(err.str() == "plakar: open a\\nplakar: all is well\\x1b[2J: no\n");
  }

  TEST_CASE("a page is rendered plainly, with attributes, or as it is") {
    const std::string_view page = "# Title\n\nsome `code` and **bold**\n```\n**raw**\n```\n";
    CHECK(man::render(page, man::Style::plain) == "Title\n\nsome code and bold\n    **raw**\n");
    CHECK(man::render(page, man::Style::markdown) == page);
    CHECK(man::render(page, man::Style::terminal) ==
          "\x1b[1mTitle\x1b[0m\n\nsome \x1b[36mcode\x1b[0m and \x1b[1mbold\x1b[0m\n    **raw**\n");
  }
}

}  // namespace plakar::cli
