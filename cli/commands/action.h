// Commands of several actions: `policy add`, `store show`. Each action has options and words of its
// own.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands/command.h"
#include "cli/flags/flag_set.h"

namespace plakar::cli {

struct Action {
  std::string_view name;
  std::string_view arguments;  // of its usage line: "<name> [<key>=<value>...]"
};

// The action that `arguments` begins with. On -h, on nothing and on something else it says so,
// and returns the exit code.
struct FoundAction {
  const Action* action = nullptr;
  std::vector<std::string> words{};  // behind it
  int code = 0;
};
FoundAction find_action(Context& context, std::string_view command, std::span<const Action> actions,
                        std::span<const std::string> arguments);

// "Usage: plakar store add <name> <location> [<key>=<value>...]", also the error of an action with
// too few words.
std::string action_usage(std::string_view command, const Action& action);

// Reads the words behind the action, as lex_options() does.
std::optional<int> lex_action(Context& context, std::string_view command, const Action& action,
                              const FlagSet& flags, std::span<const std::string> arguments,
                              std::vector<std::string>& words);

struct KeyValue {
  std::string key;
  std::string value;
};
// "KEY=VALUE", split at the first `=`; nothing without one, or without a key.
std::optional<KeyValue> split_pair(std::string_view word);

// A name without the `@` that people type before it.
std::string place_name(std::string_view word);

}  // namespace plakar::cli
