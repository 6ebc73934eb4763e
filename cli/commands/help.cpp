#include <cstdlib>
#include <ostream>

#include "cli/commands/command.h"
#include "cli/commands/lex_options.h"
#include "cli/exit_code.h"
#include "cli/man/page.h"

namespace plakar::cli {
namespace {

// "pkg add" is the page "pkg-add".
std::string page_name(std::span<const std::string> words) {
  std::string name;
  for (const std::string& word : words) {
    if (!name.empty()) name += '-';
    name += word;
  }
  return name;
}

}  // namespace

int run_help(Context& context, std::span<const std::string> arguments) {
  std::string style = "auto";
  FlagSet flags;
  flags.text("style", style, "how to render: auto, plain or markdown");
  std::vector<std::string> words;
  if (const auto done = lex_options(context, "help", flags, arguments, words)) return *done;

  man::Style rendering = context.use_colour ? man::Style::terminal : man::Style::plain;
  if (style == "plain") {
    rendering = man::Style::plain;
  } else if (style == "markdown") {
    rendering = man::Style::markdown;
  } else if (style != "auto") {
    print_error(context, "unknown style '" + style + "': use auto, plain or markdown");
    return exit_failure;
  }

  if (words.empty()) {
    context.out << man::render(man::find_page("plakar").value_or(""), rendering)
                << "\nCommands:\n\n"
                << command_list(context.commands)
                << "\nFor more on one of them: " << context.program << " help COMMAND\n";
    return exit_ok;
  }
  const auto page = man::find_page(page_name(words));
  if (!page) {
    context.err << "unknown command: " << page_name(words) << '\n';
    print_error(context,
                "there is no such page; '" + context.program + " help' lists the commands");
    return exit_failure;
  }
  context.out << man::render(*page, rendering);
  return exit_ok;
}

}  // namespace plakar::cli
