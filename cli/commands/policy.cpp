#include <algorithm>
#include <array>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands/action.h"
#include "cli/commands/command.h"
#include "cli/exit_code.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/config/config_directory.h"

namespace plakar::cli {
namespace {

constexpr std::array<Action, 5> actions{{{"add", "<name> [<key>=<value>...]"},
                                         {"rm", "<name>"},
                                         {"set", "<name> <key>=<value>..."},
                                         {"show", "[<name>...]"},
                                         {"unset", "<name> <key>..."}}};

config::ConfigDirectory directory_of(Context& context) {
  return {context.env.files, context.env.random, context.directories.config};
}

Error usage_error(const Action& action) {
  return Error(Errc::invalid_argument, action_usage("policy", action));
}

// Sets KEY=VALUE words.
Status set_all(Context& context, std::span<const std::string> words, const Error& usage,
               config::QuerySettings& settings) {
  const UnixTime now = to_unix_time(context.env.clock.wall());
  for (const std::string& word : words) {
    const auto pair = split_pair(word);
    if (!pair) return usage;
    const Status set = config::set_setting(settings, pair->key, pair->value, now);
    if (!set) {
      return Error(set.error()).context("failed to set key \"" + escape(pair->key) + "\"");
    }
  }
  return {};
}

using Words = std::span<const std::string>;

Status add(Context& context, const Action& action, Words words) {
  if (words.empty()) return usage_error(action);
  config::Policy policy{.name = place_name(words[0])};
  PLK_TRY(set_all(context, words.subspan(1), usage_error(action), policy.settings));
  return directory_of(context).change_policies(
      [&](config::PoliciesDocument& document) { return document.add(policy); });
}

// Changes one policy's settings.
template <class Change>
Status change(Context& context, const std::string& name, const Change& change_settings) {
  return directory_of(context).change_policies([&](config::PoliciesDocument& document) -> Status {
    auto policy = document.find(name);
    if (!policy) return document.replace({.name = name});  // has the message
    PLK_TRY(change_settings(policy->settings));
    return document.replace(*policy);
  });
}

Status set(Context& context, const Action& action, Words words) {
  if (words.size() < 2) return usage_error(action);
  const Error usage(Errc::invalid_argument, "usage: plakar policy set <name> [<key>=<value>, ...]");
  return change(context, place_name(words[0]), [&](config::QuerySettings& settings) {
    return set_all(context, words.subspan(1), usage, settings);
  });
}

Status unset(Context& context, const Action& action, Words words) {
  if (words.size() < 2) return usage_error(action);
  return change(context, place_name(words[0]), [&](config::QuerySettings& settings) -> Status {
    for (const std::string& key : words.subspan(1)) config::unset_setting(settings, key);
    return {};
  });
}

Status remove(Context& context, const Action& action, Words words) {
  if (words.size() != 1) return usage_error(action);
  return directory_of(context).change_policies(
      [&](config::PoliciesDocument& document) { return document.remove(place_name(words[0])); });
}

Status show(Context& context, bool json, Words words) {
  const auto document = PLK_TRY(directory_of(context).load_policies());
  const auto print = [&](const config::Policy& policy) {
    context.out << (json ? render_json(policy) : render_yaml(policy));
  };
  if (words.empty()) {
    std::vector<config::Policy> policies = document.policies();
    std::ranges::sort(policies, {}, &config::Policy::name);
    for (const config::Policy& policy : policies) print(policy);
  }
  for (const std::string& word : words) {
    const auto policy = document.find(place_name(word));
    if (!policy) {
      return Error(Errc::not_found, "entry \"" + escape(place_name(word)) + "\" not found");
    }
    print(*policy);
  }
  return {};
}

}  // namespace

int run_policy(Context& context, std::span<const std::string> arguments) {
  const FoundAction found = find_action(context, "policy", actions, arguments);
  if (found.action == nullptr) return found.code;
  const Action& action = *found.action;
  bool json = false;
  bool yaml = false;
  FlagSet flags;
  if (action.name == "show") {
    flags.boolean("json", json, "print JSON, one policy a line");
    flags.boolean("yaml", yaml, "print YAML, which is the default");
  }
  std::vector<std::string> words;
  if (const auto done = lex_action(context, "policy", action, flags, found.words, words)) {
    return *done;
  }
  const bool as_json = json || (context.options.json && !yaml);
  const Status done = action.name == "add"     ? add(context, action, words)
                      : action.name == "set"   ? set(context, action, words)
                      : action.name == "unset" ? unset(context, action, words)
                      : action.name == "rm"    ? remove(context, action, words)
                                               : show(context, as_json, words);
  return done ? exit_ok : fail(context, done.error());
}

}  // namespace plakar::cli
