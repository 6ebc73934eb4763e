// A command of `plakar`: its words, its help page, and the function that runs it. The table
// of all of them is made in main() and passed down.
#pragma once

#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace plakar::cli {

struct Command;

// What a command may use. stdout is the answer, stderr the conversation.
struct Context {
  std::string program;  // as the process was called
  std::ostream& out;
  std::ostream& err;
  bool use_colour;
  std::span<const Command> commands;
};

struct Command {
  std::string_view words;  // "version", "pkg add"
  std::string_view usage;  // what follows the program's name in `Usage:`
  int (*run)(Context& context, std::span<const std::string> arguments);
};

// The command whose words begin `words`, the longest first ("pkg add" before "pkg");
// null when there is none.
const Command* find_command(std::span<const Command> commands, std::span<const std::string> words);

// The error line of a command, for people: `plakar: message`, with nothing in it that a
// terminal or a line-oriented reader could take for something else.
void print_error(Context& context, std::string_view message);

int run_version(Context& context, std::span<const std::string> arguments);
int run_help(Context& context, std::span<const std::string> arguments);

// The lines of `COMMANDS:` in the usage text, one per first word.
std::string command_list(std::span<const Command> commands);

}  // namespace plakar::cli
