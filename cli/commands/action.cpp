#include "cli/commands/action.h"

#include <algorithm>
#include <ostream>
#include <utility>

#include "cli/commands/lex_options.h"
#include "cli/exit_code.h"

namespace plakar::cli {
namespace {

void print_options(std::ostream& out, const FlagSet& flags) { out << flags.listing(); }

}  // namespace

FoundAction find_action(Context& context, std::string_view command, std::span<const Action> actions,
                        std::span<const std::string> arguments) {
  Lexed lexed = FlagSet().lex(arguments, FlagSet::Words::end_options, context.global_flags);
  switch (lexed.end) {
    case Lexed::End::run:
      break;
    case Lexed::End::help:
      context.err << "Usage: " << command << '\n';
      for (const Action& action : actions) {
        context.err << "       " << command << ' ' << action.name << ' ' << action.arguments
                    << '\n';
      }
      return {.code = exit_ok};
    case Lexed::End::invalid:
      context.err << lexed.message << '\n';
      return {.code = exit_usage};
  }
  if (lexed.words.empty()) return {.code = fail(context, "no action specified")};
  const auto found = std::ranges::find(actions, lexed.words[0], &Action::name);
  if (found != actions.end()) {
    lexed.words.erase(lexed.words.begin());
    return {.action = &*found, .words = std::move(lexed.words)};
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
  Lexed lexed = lex_words(context, flags, arguments);
  switch (lexed.end) {
    case Lexed::End::run:
      words = std::move(lexed.words);
      return options_read(context);
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
