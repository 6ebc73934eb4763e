#include "cli/flags/flag_set.h"

#include <utility>

#include "cli/flags/value.h"
#include "core/base/assert.h"

namespace plakar::cli {
namespace {

// Takes the name in back quotes, if there is one, out of a help text.
std::string take_value_name(std::string& help) {
  const std::size_t begin = help.find('`');
  if (begin == std::string::npos) return {};
  const std::size_t end = help.find('`', begin + 1);
  if (end == std::string::npos) return {};
  std::string name = help.substr(begin + 1, end - begin - 1);
  help.erase(end, 1).erase(begin, 1);
  return name;
}

// A word is an option, an argument, or the `--` after which everything is an argument.
enum class WordKind { argument, option, terminator };

WordKind classify(std::string_view word) noexcept {
  if (word.size() < 2 || word[0] != '-') return WordKind::argument;
  return word == "--" ? WordKind::terminator : WordKind::option;
}

// `-name=value` taken apart; `value` is null when there is no `=`.
struct Option {
  std::string_view name;
  const char* value = nullptr;
};

Option split_option(const std::string& word) noexcept {
  const std::size_t dashes = word[1] == '-' ? 2 : 1;
  // From the second character on: `-=x` has a bad name rather than an empty one.
  const std::size_t equals = word.find('=', dashes + 1);
  if (equals == std::string::npos) return {std::string_view(word).substr(dashes), nullptr};
  return {std::string_view(word).substr(dashes, equals - dashes), word.c_str() + equals + 1};
}

std::string about(std::string_view complaint, std::string_view name) {
  return std::string(complaint).append(": -").append(name);
}

}  // namespace

void FlagSet::add(std::string name, Flag flag) {
  if (std::string named = take_value_name(flag.help); !named.empty()) flag.kind = std::move(named);
  const bool added = flags_.emplace(std::move(name), std::move(flag)).second;
  PLK_ASSERT(added);  // Two options of one name: a mistake of the command's author.
}

void FlagSet::boolean(std::string name, bool& value, std::string help) {
  add(std::move(name), {.kind = "",
                        .help = std::move(help),
                        .shown_default = value ? "true" : "",
                        .is_boolean = true,
                        .take = [&value](std::string_view given) -> Status {
                          value = PLK_TRY(parse_bool(given));
                          return {};
                        }});
}

void FlagSet::text(std::string name, std::string& value, std::string help) {
  add(std::move(name), {.kind = "string",
                        .help = std::move(help),
                        .shown_default = value.empty() ? "" : quote(value),
                        .take = [&value](std::string_view given) -> Status {
                          value = given;
                          return {};
                        }});
}

void FlagSet::integer(std::string name, std::int64_t& value, std::string help) {
  add(std::move(name), {.kind = "int",
                        .help = std::move(help),
                        .shown_default = value == 0 ? "" : std::to_string(value),
                        .take = [&value](std::string_view given) -> Status {
                          value = PLK_TRY(parse_int(given));
                          return {};
                        }});
}

void FlagSet::duration(std::string name, std::chrono::nanoseconds& value, std::string help) {
  // Defaults of options are whole seconds; the general form is not needed here.
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(value).count();
  add(std::move(name), {.kind = "duration",
                        .help = std::move(help),
                        .shown_default = seconds == 0 ? "" : std::to_string(seconds) + "s",
                        .take = [&value](std::string_view given) -> Status {
                          const auto parsed = parse_duration(given);
                          // The convention has one message for every duration it refuses.
                          if (!parsed) return Error(Errc::invalid_argument, "parse error");
                          value = *parsed;
                          return {};
                        }});
}

void FlagSet::value(std::string name, std::function<Status(std::string_view)> take,
                    std::string help) {
  add(std::move(name),
      {.kind = "value", .help = std::move(help), .shown_default = "", .take = std::move(take)});
}

const FlagSet::Flag* FlagSet::find(std::string_view name) const {
  const auto found = flags_.find(name);
  return found == flags_.end() ? nullptr : &found->second;
}

std::vector<std::string> FlagSet::names() const {
  std::vector<std::string> names;
  for (const auto& [name, flag] : flags_) names.push_back(name);
  return names;
}

Lexed FlagSet::lex(std::span<const std::string> words, Words placement,
                   const FlagSet* others) const {
  Lexed lexed;
  const auto invalid = [&](std::string message) {
    lexed.end = Lexed::End::invalid;
    lexed.message = std::move(message);
    return lexed;
  };

  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    const WordKind kind = classify(word);
    if (kind == WordKind::terminator) {
      lexed.words.insert(lexed.words.end(), words.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                         words.end());
      break;
    }
    const bool after_argument = !lexed.words.empty();
    if (kind == WordKind::argument) {
      if (placement == Words::end_options) {
        lexed.words.assign(words.begin() + static_cast<std::ptrdiff_t>(i), words.end());
        break;
      }
      lexed.words.push_back(word);
      continue;
    }

    const Option option = split_option(word);
    const Flag* found = find(option.name);
    if (found == nullptr && others != nullptr) found = others->find(option.name);
    // Behind the first argument only words that are options of this command are taken for
    // options: there, `-x` was always an argument, and must stay one for old scripts.
    if (after_argument && found == nullptr) {
      lexed.words.push_back(word);
      continue;
    }
    if (option.name.empty() || option.name[0] == '-' || option.name[0] == '=') {
      return invalid("bad flag syntax: " + word);
    }
    if (found == nullptr) {
      if (option.name == "h" || option.name == "help") {
        lexed.end = Lexed::End::help;
        return lexed;
      }
      return invalid(about("flag provided but not defined", option.name));
    }

    const Flag& flag = *found;
    std::string_view value;
    if (option.value != nullptr) {
      value = option.value;
    } else if (flag.is_boolean) {
      value = "true";
    } else if (i + 1 < words.size()) {
      value = words[++i];
    } else {
      return invalid(about("flag needs an argument", option.name));
    }
    if (const Status taken = flag.take(value); !taken) {
      std::string message = flag.is_boolean ? "invalid boolean value " : "invalid value ";
      message += quote(value);
      message += flag.is_boolean ? " for -" : " for flag -";
      return invalid(message.append(option.name) + ": " + taken.error().message());
    }
  }
  return lexed;
}

std::string FlagSet::listing() const {
  constexpr std::string_view indent = "\n    \t";
  std::string out;
  for (const auto& [name, flag] : flags_) {
    out += "  -" + name;
    if (!flag.kind.empty()) out += " " + flag.kind;
    // A boolean of one letter is common enough to keep its help on the same line.
    if (flag.kind.empty() && name.size() == 1) {
      out += '\t';
    } else {
      out += indent;
    }
    for (const char c : flag.help) {
      if (c == '\n') {
        out += indent;
      } else {
        out += c;
      }
    }
    if (!flag.shown_default.empty()) out += " (default " + flag.shown_default + ")";
    out += '\n';
  }
  return out;
}

}  // namespace plakar::cli
