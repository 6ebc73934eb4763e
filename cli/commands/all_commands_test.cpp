// What is true of every command: walks through the table of all of them.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "cli/commands/command.h"
#include "cli/exit_code.h"
#include "cli/man/page.h"

namespace plakar::cli {
namespace {

using Strings = std::vector<std::string>;

// What -h prints, on whichever stream.
std::string help_of(const Command& command, const Strings& words) {
  std::ostringstream out;
  std::ostringstream err;
  Context context{
      .program = "plakar", .out = out, .err = err, .commands = all_commands(), .environment = {}};
  CHECK(command.run(context, words) == exit_ok);
  return out.str() + err.str();
}

// The options that a usage text lists: lines that begin with two spaces and a dash.
std::set<std::string> options_in(const std::string& usage) {
  std::set<std::string> options;
  std::istringstream lines(usage);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("  -")) continue;
    options.insert(line.substr(2, line.find_first_of(" \t", 2) - 2));
  }
  return options;
}

// Whether an option stands in a page as a word of its own.
bool names(std::string_view page, const std::string& option) {
  for (std::size_t at = page.find(option); at != std::string_view::npos;
       at = page.find(option, at + 1)) {
    const auto is_word = [](char c) {
      return c == '-' || std::isalnum(static_cast<unsigned char>(c)) != 0;
    };
    const std::size_t end = at + option.size();
    if ((at == 0 || !is_word(page[at - 1])) && (end == page.size() || !is_word(page[end]))) {
      return true;
    }
  }
  return false;
}

// The actions of a command that has some, from its usage line: "store add|check".
Strings actions_of(const Command& command) {
  Strings actions;
  std::istringstream list{std::string(command.usage.substr(command.words.size() + 1))};
  for (std::string action; std::getline(list, action, '|');) actions.push_back(action);
  return actions;
}

// "pkg new" is the page "pkg-new".
std::string page_name(const Command& command) {
  std::string name(command.words);
  std::ranges::replace(name, ' ', '-');
  return name;
}

bool has_actions(const Command& command) {
  return command.usage.find('|') != std::string_view::npos &&
         command.usage.find_first_of("[ ", command.words.size() + 1) == std::string_view::npos;
}

}  // namespace

TEST_SUITE("all commands") {
  TEST_CASE("they are sorted, and their usage begins with their words") {
    CHECK(std::ranges::is_sorted(all_commands(), {}, &Command::words));
    for (const Command& command : all_commands()) CHECK(command.usage.starts_with(command.words));
  }

  TEST_CASE("every option that a command understands is on its page") {
    const std::string_view query = man::find_page("query").value_or("");
    for (const Command& command : all_commands()) {
      CAPTURE(command.words);
      const auto page = man::find_page(page_name(command));
      REQUIRE(page);
      std::set<std::string> options;
      if (has_actions(command)) {
        for (const std::string& action : actions_of(command)) {
          options.merge(options_in(help_of(command, {action, "-h"})));
          CHECK(names(*page, action));
        }
      } else {
        options = options_in(help_of(command, {"-h"}));
      }
      const bool refers = page->find("plakar help query") != std::string_view::npos;
      for (const std::string& option : options) {
        CAPTURE(option);
        CHECK((names(*page, option) || (refers && names(query, option))));
      }
    }
  }

  // `-name` in a list of options: what begins a line of the page behind "- `".
  TEST_CASE("every option that a page lists is understood") {
    for (const Command& command : all_commands()) {
      CAPTURE(command.words);
      std::istringstream lines{std::string(man::find_page(page_name(command)).value_or(""))};
      std::string usage;
      if (has_actions(command)) {
        for (const std::string& action : actions_of(command)) {
          usage += help_of(command, {action, "-h"});
        }
      } else {
        usage = help_of(command, {"-h"});
      }
      const std::set<std::string> options = options_in(usage);
      for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("- `-")) continue;
        const std::string option = line.substr(3, line.find_first_of(" `", 4) - 3);
        CAPTURE(option);
        CHECK(options.contains(option));
      }
    }
  }
}

}  // namespace plakar::cli
