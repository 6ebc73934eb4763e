#include "cli/commands/action.h"

#include <algorithm>
#include <ostream>
#include <utility>

#include "cli/exit_code.h"

namespace plakar::cli {
namespace {

bool asks_for_help(std::string_view word) {
  return word == "-h" || word == "-help" || word == "--h" || word == "--help";
}

void print_options(std::ostream& out, const FlagSet& flags) { out << flags.listing(); }

}  // namespace

FoundAction find_action(Context& context, std::string_view command, std::span<const Action> actions,
                        std::span<const std::string> arguments) {
  if (arguments.empty()) return {.code = fail(context, "no action specified")};
  if (asks_for_help(arguments[0])) {
    context.err << "Usage: " << command << '\n';
    for (const Action& action : actions) {
      context.err << "       " << command << ' ' << action.name << ' ' << action.arguments << '\n';
    }
    return {.code = exit_ok};
  }
  const auto found = std::ranges::find(actions, arguments[0], &Action::name);
  if (found != actions.end()) return {.action = &*found};
  if (arguments[0].starts_with('-')) {
    context.err << "flag provided but not defined: -"
                << arguments[0].substr(arguments[0].starts_with("--") ? 2 : 1) << '\n';
    return {.code = exit_usage};
  }
  std::string names;
  for (const Action& action : actions) {
    names += (names.empty() ? "" : "|") + std::string(action.name);
  }
  return {.code = fail(context, "usage: plakar " + std::string(command) + " [" + names + "]")};
}

std::string action_usage(std::string_view command, const Action& action) {
  return "Usage: plakar " + std::string(command) + ' ' + std::string(action.name) + ' ' +
         std::string(action.arguments);
}

std::optional<int> lex_action(Context& context, std::string_view command, const Action& action,
                              const FlagSet& flags, std::span<const std::string> arguments,
                              std::vector<std::string>& words) {
  Lexed lexed = flags.lex(arguments, FlagSet::Words::anywhere);
  switch (lexed.end) {
    case Lexed::End::run:
      words = std::move(lexed.words);
      return std::nullopt;
    case Lexed::End::help:
      context.out << action_usage(command, action) << '\n';
      print_options(context.out, flags);
      return exit_ok;
    case Lexed::End::invalid:
      context.err << lexed.message << '\n' << action_usage(command, action) << '\n';
      print_options(context.err, flags);
      return exit_usage;
  }
  return exit_failure;
}

std::optional<KeyValue> split_pair(std::string_view word) {
  const std::size_t equals = word.find('=');
  if (equals == std::string_view::npos || equals == 0) return std::nullopt;
  return KeyValue{.key = std::string(word.substr(0, equals)),
                  .value = std::string(word.substr(equals + 1))};
}

std::string place_name(std::string_view word) {
  return std::string(word.substr(word.starts_with('@') ? 1 : 0));
}

}  // namespace plakar::cli
