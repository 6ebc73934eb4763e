#include "cli/commands/command.h"

#include <algorithm>
#include <map>
#include <ostream>

#include "cli/exit_code.h"
#include "cli/flags/value.h"
#include "core/base/text.h"

namespace plakar::cli {
namespace {

// How many of `words` a command's words take, 0 when they differ.
std::size_t words_taken(std::string_view command, std::span<const std::string> words) {
  std::size_t taken = 0;
  while (!command.empty()) {
    const std::string_view word = command.substr(0, command.find(' '));
    if (taken == words.size() || words[taken] != word) return 0;
    command.remove_prefix(std::min(word.size() + 1, command.size()));
    ++taken;
  }
  return taken;
}

}  // namespace

const Command* find_command(std::span<const Command> commands, std::span<const std::string> words) {
  const Command* best = nullptr;
  std::size_t most = 0;
  for (const Command& command : commands) {
    if (const std::size_t taken = words_taken(command.words, words); taken > most) {
      best = &command;
      most = taken;
    }
  }
  return best;
}

void print_error(Context& context, std::string_view message) {
  context.err << context.program << ": " << escape(message) << '\n';
}

int fail(Context& context, const Error& error) {
  return fail(context, error.code() == Errc::cancelled ? "interrupted" : error.message());
}

int fail(Context& context, std::string_view message) {
  if (context.renderer != nullptr) {
    context.renderer->failed(context.program, message);
  } else {
    print_error(context, message);
  }
  return exit_failure;
}

bool is_set(const Context& context, std::string_view variable) {
  const auto text = context.environment(variable);
  return text && parse_bool(*text).value_or(false);
}

std::string command_list(std::span<const Command> commands) {
  struct Entry {
    bool is_command = false;  // the bare word is a command too
    std::string subcommands;
  };
  std::map<std::string_view, Entry> entries;
  for (const Command& command : commands) {
    const std::size_t space = command.words.find(' ');
    Entry& entry = entries[command.words.substr(0, space)];
    if (space == std::string_view::npos) {
      entry.is_command = true;
    } else {
      entry.subcommands += entry.subcommands.empty() ? "" : " | ";
      entry.subcommands += command.words.substr(space + 1);
    }
  }
  std::string out;
  for (const auto& [word, entry] : entries) {
    out.append("  ").append(word).append(" ");
    if (!entry.subcommands.empty()) {
      out += entry.is_command ? "[" + entry.subcommands + "]" : entry.subcommands;
    }
    out += '\n';
  }
  return out;
}

}  // namespace plakar::cli
