#include "cli/commands/lex_options.h"

#include <algorithm>
#include <ostream>
#include <utility>

#include "cli/exit_code.h"

namespace plakar::cli {
namespace {

void print_usage(Context& context, std::string_view words, const FlagSet& flags) {
  const auto command =
      std::find_if(context.commands.begin(), context.commands.end(),
                   [&](const Command& candidate) { return candidate.words == words; });
  context.err << "Usage: " << context.program << ' '
              << (command == context.commands.end() ? words : command->usage) << '\n';
  if (const std::string options = flags.listing(); !options.empty()) {
    context.err << "\nOPTIONS:\n" << options;
  }
}

}  // namespace

Lexed lex_words(const Context& context, const FlagSet& flags,
                std::span<const std::string> arguments) {
  return flags.lex(arguments, FlagSet::Words::anywhere, context.global_flags);
}

std::optional<int> options_read(const Context& context) {
  return context.options_read ? context.options_read() : std::nullopt;
}

std::optional<int> lex_options(Context& context, std::string_view command, const FlagSet& flags,
                               std::span<const std::string> arguments,
                               std::vector<std::string>& words) {
  Lexed lexed = lex_words(context, flags, arguments);
  switch (lexed.end) {
    case Lexed::End::run:
      words = std::move(lexed.words);
      return options_read(context);
    case Lexed::End::help:
      print_usage(context, command, flags);
      return exit_ok;
    case Lexed::End::invalid:
      context.err << lexed.message << '\n';
      print_usage(context, command, flags);
      return exit_usage;
  }
  return exit_failure;
}

void add_connector_options(FlagSet& flags, config::Options& options, std::string_view connector) {
  flags.value(
      "o",
      [&options](std::string_view text) -> Status {
        const std::size_t equal = text.find('=');
        if (equal == 0 || text.empty()) return Error(Errc::invalid_argument, "no option is named");
        config::set_option(options, text.substr(0, equal),
                           equal == std::string_view::npos ? "true" : text.substr(equal + 1));
        return {};
      },
      "`KEY=VALUE` for the " + std::string(connector) + "'s connector; repeatable");
}

}  // namespace plakar::cli
