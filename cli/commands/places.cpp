// `store`, `source` and `destination`: the same actions on three files.
#include <algorithm>
#include <array>
#include <chrono>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands/action.h"
#include "cli/commands/command.h"
#include "cli/commands/connectors.h"
#include "cli/commands/snapshot_context.h"
#include "cli/exit_code.h"
#include "core/base/file_system.h"
#include "core/base/files.h"
#include "core/base/text.h"
#include "core/base/version.h"
#include "core/config/config_directory.h"
#include "core/config/exchange.h"
#include "core/config/location.h"
#include "core/net/http_get.h"

namespace plakar::cli {
namespace {

using config::Option;
using config::Options;
using config::Place;
using config::PlaceKind;
using config::Places;
using config::PlacesDocument;
using Words = std::span<const std::string>;

constexpr auto actions = std::to_array<Action>({{"add", "<name> <location> [<key>=<value>...]"},
                                                {"check", "<name>"},
                                                {"import", "[OPTIONS] <section>..."},
                                                {"ping", "<name>"},
                                                {"rm", "<name>"},
                                                {"set", "<name> <key>=<value>..."},
                                                {"show", "[<name>...]"},
                                                {"unset", "<name> <key>..."}});

// The same, and what only stores have.
constexpr auto store_actions = std::to_array<Action>({actions[0],
                                                      actions[1],
                                                      {"default", "[-unset | <name>]"},
                                                      actions[2],
                                                      actions[3],
                                                      actions[4],
                                                      actions[5],
                                                      actions[6],
                                                      actions[7]});

constexpr std::size_t import_bytes_max = std::size_t{4} << 20;
constexpr std::chrono::seconds import_timeout{30};

struct ShowFlags {
  bool json = false;
  bool ini = false;
  bool yaml = false;
  bool secrets = false;
};

struct ImportFlags {
  std::string file;
  bool overwrite = false;
  bool rclone = false;
};

std::string in_quotes(std::string_view text) { return '"' + escape(text) + '"'; }

class PlacesCommand {
 public:
  PlacesCommand(Context& context, PlaceKind kind)
      : context_(context),
        kind_(kind),
        word_(to_string(kind)),
        directory_(context.env.files, context.env.random, context.directories.config) {}

  Status add(const Action& action, Words words) const {
    if (words.size() < 2) return usage(action);
    Place place{.name = place_name(words[0]), .options = {}};
    const std::string_view location = words[1];
    constexpr std::string_view key = "location=";
    set_option(place.options, "location",
               location.substr(location.starts_with(key) ? key.size() : 0));
    if (place.options[0].value.empty()) return Error(Errc::invalid_argument, "missing location");
    for (const std::string& word : words.subspan(2)) {
      const auto pair = split_pair(word);
      if (!pair) return usage(action);
      set_option(place.options, pair->key, pair->value);
    }
    return directory_.change(kind_, [&](PlacesDocument& document) { return document.add(place); });
  }

  Status set(const Action& action, Words words) const {
    if (words.size() < 2) return usage(action);
    Options options;
    for (const std::string& word : words.subspan(1)) {
      const auto pair = split_pair(word);
      if (!pair) {
        return Error(Errc::invalid_argument,
                     "usage: plakar " + word_ + " set <name> [<key>=<value>, ...]");
      }
      set_option(options, pair->key, pair->value);
    }
    return directory_.change(kind_, [&](PlacesDocument& document) {
      return document.set(place_name(words[0]), options);
    });
  }

  Status unset(const Action& action, Words words) const {
    if (words.size() < 2) return usage(action);
    const Words keys = words.subspan(1);
    if (std::ranges::find(keys, "location") != keys.end()) {
      return Error(Errc::invalid_argument, "cannot unset location");
    }
    return directory_.change(kind_, [&](PlacesDocument& document) {
      return document.unset(place_name(words[0]), keys);
    });
  }

  Status remove(const Action& action, Words words) const {
    if (words.size() != 1) return usage(action);
    const std::string name = place_name(words[0]);
    bool was_default = false;
    PLK_TRY(directory_.change(kind_, [&](PlacesDocument& document) {
      was_default = document.places().default_name == name;
      return document.remove(name);
    }));
    // It stays the default, so that nobody works on another store without knowing.
    if (was_default) {
      context_.err << "warn: " << in_quotes(name)
                   << " is still the default store: `plakar store default` sets another one\n";
    }
    return {};
  }

  // Shows which store is the default, or changes it.
  Status set_default(const Action& action, bool unset, Words words) const {
    if (words.size() > 1 || (unset && !words.empty())) return usage(action);
    if (!unset && words.empty()) {
      const Places places = PLK_TRY(directory_.load(kind_)).places();
      if (places.default_name) context_.out << *places.default_name << '\n';
      return {};
    }
    return directory_.change(kind_, [&](PlacesDocument& document) -> Status {
      if (unset) return document.set_default(std::nullopt);
      const std::string name = place_name(words[0]);
      if (document.places().find(name) == nullptr) return does_not_exist(name);
      return document.set_default(name);
    });
  }

  Status show(const ShowFlags& flags, Words words) const {
    const Places places = PLK_TRY(directory_.load(kind_)).places();
    std::vector<std::string> names;
    for (const std::string& word : words) names.push_back(place_name(word));
    if (words.empty()) {
      for (const Place& place : places.places) names.push_back(place.name);
      std::ranges::sort(names);
    }
    const auto secrets = flags.secrets ? config::ShownSecrets::plain : config::ShownSecrets::masked;
    bool missing = false;
    for (const std::string& name : names) {
      const Place* place = places.find(name);
      if (place == nullptr) {
        missing = true;
        context_.err << word_ << ' ' << in_quotes(name) << " does not exist\n";
      } else if (flags.json || (context_.options.json && !flags.ini && !flags.yaml)) {
        context_.out << render_json(*place, secrets);
      } else if (flags.ini) {
        context_.out << render_ini(*place, secrets);
      } else {
        context_.out << render_yaml(*place, secrets);
      }
    }
    if (!missing) return {};
    return Error(Errc::not_found, "one or more " + word_ + "s do not exist");
  }

  // The connector takes the options.
  Status check(const Action& action, Words words) const {
    if (words.size() != 1) return lower_case_usage(action);
    Options options = PLK_TRY(options_of(words[0]));
    return connect(std::move(options), Reach::no);
  }

  // And what it connects to is there.
  Status ping(const Action& action, Words words) const {
    if (words.size() != 1) return lower_case_usage(action);
    Options options = PLK_TRY(options_of(words[0]));
    PLK_TRY(connect(std::move(options), Reach::yes));
    context_.out << "configuration OK\n";
    return {};
  }

  Status import(const ImportFlags& flags, Words words) const {
    const Places found = PLK_TRY(read_import(flags));
    const Places wanted = PLK_TRY(choose(found, words));
    return directory_.change(kind_, [&](PlacesDocument& document) -> Status {
      for (const Place& place : wanted.places) {
        const Place* known = document.places().find(place.name);
        if (known == nullptr) {
          PLK_TRY(document.add(place));
        } else if (!flags.overwrite) {
          context_.err << word_ << ' ' << in_quotes(place.name) << " already exists, skipping\n";
        } else {
          PLK_TRY(overwrite(document, Place(*known), place));
        }
      }
      return {};
    });
  }

 private:
  enum class Reach { no, yes };

  Error usage(const Action& action) const {
    return Error(Errc::invalid_argument, action_usage(word_, action));
  }

  // As the reference has it in these two.
  Error lower_case_usage(const Action& action) const {
    std::string text = action_usage(word_, action);
    text[0] = 'u';
    return Error(Errc::invalid_argument, text);
  }

  Result<Options> options_of(std::string_view word) const {
    const Places places = PLK_TRY(directory_.load(kind_)).places();
    const Place* place = places.find(place_name(word));
    if (place != nullptr) return place->options;
    return does_not_exist(place_name(word));
  }

  Error does_not_exist(std::string_view name) const {
    return Error(Errc::not_found, word_ + " " + in_quotes(name) + " does not exist");
  }

  Status connect(Options options, Reach reach) const {
    // No connector gets a passphrase.
    static_cast<void>(config::take_core_options(options));
    switch (kind_) {
      case PlaceKind::store: {
        const auto store = PLK_TRY(make_store(context_, options));
        if (reach == Reach::yes) {
          PLK_TRY(store->ping());
          // What can be reached need not be a store yet.
          PLK_TRY_CONTEXT(store->load_config(), "there is no store at " + store->location());
        }
        return store->close();
      }
      case PlaceKind::source: {
        connectors::SourceSettings settings;
        settings.hostname = host_name();
        const auto source = PLK_TRY(make_source(context_, options, std::move(settings)));
        // Also for a check: a source that is not there is no source.
        return source->ping();
      }
      case PlaceKind::destination: {
        const auto destination = PLK_TRY(make_destination(context_, options));
        if (reach == Reach::yes) PLK_TRY(destination->ping());
        return {};
      }
    }
    return {};
  }

  Result<std::string> import_text(const std::string& file) const {
    if (file.starts_with("http://") || file.starts_with("https://")) {
      return PLK_TRY_CONTEXT(
          net::http_get(
              file, {.user_agent = std::string(client_name()), .body_bytes_max = import_bytes_max},
              context_.cancel.with_timeout(import_timeout)),
          "failed to fetch config from " + in_quotes(config::strip_user_info(file)));
    }
    if (!file.empty()) {
      const auto content =
          read_file(context_.env.files, config::join_path(context_.working_directory, file),
                    import_bytes_max);
      if (content) return to_text(*content);
      return Error(content.error()).context("failed to open file " + in_quotes(file));
    }
    std::string text;
    for (char c = 0; text.size() <= import_bytes_max && std::cin.get(c);) text += c;
    return text;
  }

  Result<Places> read_import(const ImportFlags& flags) const {
    const std::string text = PLK_TRY(import_text(flags.file));
    Places places = PLK_TRY_CONTEXT(config::parse_places(text), "failed to load config");
    if (flags.rclone) {
      for (Place& place : places.places) place.options = config::as_rclone(place.options);
    }
    const auto has_location = [](const Place& place) {
      return config::find_option(place.options, "location") != nullptr;
    };
    if (std::ranges::none_of(places.places, has_location)) {
      return Error(Errc::invalid_argument,
                   "failed to load config: missing 'location' key in config data, `-rclone` import "
                   "option missing ?");
    }
    return places;
  }

  // The sections that are named, by the names they get; all where none is.
  Result<Places> choose(const Places& found, Words words) const {
    if (words.empty()) return found;
    Places chosen;
    for (const std::string& word : words) {
      const std::size_t colon = word.find(':');
      const std::string section = place_name(std::string_view(word).substr(0, colon));
      const std::string name = colon == std::string::npos
                                   ? section
                                   : place_name(std::string_view(word).substr(colon + 1));
      if (section.empty() || name.empty()) {
        context_.err << word_ << " empty section name in " << in_quotes(word) << ", skipping\n";
        continue;
      }
      const Place* place = found.find(section);
      if (place == nullptr) {
        context_.err << word_ << ' ' << in_quotes(section) << " does not exist in config\n";
        continue;
      }
      chosen.places.push_back({.name = name, .options = place->options});
    }
    return chosen;
  }

  static Status overwrite(PlacesDocument& document, const Place& known, const Place& place) {
    std::vector<std::string> gone;
    for (const Option& option : known.options) {
      if (config::find_option(place.options, option.key) == nullptr) gone.push_back(option.key);
    }
    PLK_TRY(document.unset(place.name, gone));
    return document.set(place.name, place.options);
  }

  Context& context_;
  PlaceKind kind_;
  std::string word_;
  config::ConfigDirectory directory_;
};

int run_places(Context& context, PlaceKind kind, std::span<const std::string> arguments) {
  const std::string_view word = to_string(kind);
  const FoundAction found =
      find_action(context, word,
                  kind == PlaceKind::store ? std::span<const Action>(store_actions)
                                           : std::span<const Action>(actions),
                  arguments);
  if (found.action == nullptr) return found.code;
  const Action& action = *found.action;
  ShowFlags shown;
  ImportFlags imported;
  bool unset_default = false;
  FlagSet flags;
  if (action.name == "show") {
    flags.boolean("ini", shown.ini, "print INI");
    flags.boolean("json", shown.json, "print JSON, one entry a line");
    flags.boolean("secrets", shown.secrets, "print secrets, and not ********");
    flags.boolean("yaml", shown.yaml, "print YAML, which is the default");
  } else if (action.name == "default") {
    flags.boolean("unset", unset_default, "have no default store");
  } else if (action.name == "import") {
    flags.text("config", imported.file, "read this `FILE` or URL, and not standard input");
    flags.boolean("overwrite", imported.overwrite, "replace entries that exist");
    flags.boolean("rclone", imported.rclone, "the input is a configuration of rclone");
  }
  std::vector<std::string> words;
  if (const auto done = lex_action(context, word, action, flags, found.words, words)) {
    return *done;
  }
  const PlacesCommand command(context, kind);
  const Status done = action.name == "add"       ? command.add(action, words)
                      : action.name == "check"   ? command.check(action, words)
                      : action.name == "default" ? command.set_default(action, unset_default, words)
                      : action.name == "import"  ? command.import(imported, words)
                      : action.name == "ping"    ? command.ping(action, words)
                      : action.name == "rm"      ? command.remove(action, words)
                      : action.name == "set"     ? command.set(action, words)
                      : action.name == "show"    ? command.show(shown, words)
                                                 : command.unset(action, words);
  return done ? exit_ok : fail(context, done.error());
}

}  // namespace

int run_store(Context& context, std::span<const std::string> arguments) {
  return run_places(context, PlaceKind::store, arguments);
}

int run_source(Context& context, std::span<const std::string> arguments) {
  return run_places(context, PlaceKind::source, arguments);
}

int run_destination(Context& context, std::span<const std::string> arguments) {
  return run_places(context, PlaceKind::destination, arguments);
}

}  // namespace plakar::cli
