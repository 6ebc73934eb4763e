// The first thing every command does: read its options, and answer -h and mistakes.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands/command.h"
#include "cli/flags/flag_set.h"
#include "core/config/places.h"

namespace plakar::cli {

// Reads `arguments` into the variables of `flags` and the other words into `words`. Returns
// the exit code when the command is over: 0 after the usage text that -h asked for, 2 after a
// message about an option and the usage text.
std::optional<int> lex_options(Context& context, std::string_view command, const FlagSet& flags,
                               std::span<const std::string> arguments,
                               std::vector<std::string>& words);

// The first half of that, for a command that prints its usage itself: reads the words with the
// options of `flags`, and global ones.
Lexed lex_words(const Context& context, const FlagSet& flags,
                std::span<const std::string> arguments);
// The second half: what was read counts from here on. Returns the exit code when it cannot.
std::optional<int> options_read(const Context& context);

// Declares -o KEY[=VALUE], repeatable: options for a connector, over what is configured. Without
// a value it is "true".
void add_connector_options(FlagSet& flags, config::Options& options, std::string_view connector);

}  // namespace plakar::cli
