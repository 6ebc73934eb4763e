#include "cli/commands/open_store.h"

#include <functional>
#include <ostream>
#include <utility>

#include "cli/commands/connectors.h"
#include "cli/commands/passphrase.h"
#include "cli/exit_code.h"
#include "core/base/text.h"
#include "core/config/config_directory.h"
#include "core/config/location.h"
#include "core/kloset/repository/key_cache.h"
#include "core/kloset/state/index_cache.h"
#include "core/kloset/state/table_index.h"

namespace plakar::cli {
namespace {

// How the passphrase of a store is found.
struct PassphraseWay {
  Result<std::optional<Secret>> (*find)(Context&, const config::CoreOptions&);
  std::string_view prompt;
  std::string_view otherwise;  // where nobody can be asked
  bool is_peer;
};

Result<config::Places> configured(Context& context, config::PlaceKind kind) {
  const config::ConfigDirectory directory(context.env.files, context.env.random,
                                          context.directories.config);
  return PLK_TRY_CONTEXT(directory.load(kind), "could not load configuration").places();
}

// Without what the connector of the place does not know, of which genuine Plakar takes no notice: a
// file that it shares goes on working, and a misspelt key is heard of.
Result<config::Options> resolve(Context& context, const config::Places& places,
                                config::PlaceKind kind, const config::Reference& reference) {
  config::Options options = PLK_TRY(config::resolve_place(places, kind, reference));
  config::Options others = options;
  static_cast<void>(config::take_core_options(others));
  if (kind != config::PlaceKind::store) options = others;
  for (const std::string& key : unknown_options(context, kind, others)) {
    context.renderer->message(MessageLevel::warn,
                              std::string(to_string(kind)) + " " + reference.name +
                                  ": its connector does not know `" + key +
                                  "`, which is ignored; `plakar " + std::string(to_string(kind)) +
                                  " check " + reference.name + "` says what it knows");
    std::erase_if(options, [&](const config::Option& option) { return option.key == key; });
  }
  return options;
}

Result<std::unique_ptr<kloset::Repository>> unlock(Context& context, kloset::Store& store,
                                                   const config::CoreOptions& secrets,
                                                   const PassphraseWay& way) {
  kloset::Repository::Options options;
  options.interrupt = [&context] { return context.cancel.check(); };
  options.cache_directory = context.directories.cache;
  if (!store.traits().archive) {
    options.make_index = [&context](const Uuid& id) -> Result<std::unique_ptr<kloset::StateIndex>> {
      return kloset::TableIndex::open(
          context.env.files, context.env.random,
          {.directory = kloset::cache_directory_of(context.directories.cache, id),
           .repository_id = id,
           .delta_bytes_max = context.options.index_memory(),
           .resident_bytes_max = context.options.index_mapped()});
    };
  }
  std::unique_ptr<kloset::KeyCache> keys;
  if (context.options.key_cache > std::chrono::nanoseconds(0)) {
    keys = PLK_TRY_CONTEXT(
        kloset::open_keyring(std::chrono::ceil<std::chrono::seconds>(context.options.key_cache)),
        "-key-cache");
    options.key_cache = keys.get();
  }
  // A passphrase that was given is tried once; a person may mistype.
  bool asked = false;
  const kloset::PassphraseSource source = [&]() -> Result<Secret> {
    if (!asked) {
      if (auto found = PLK_TRY(way.find(context, secrets))) return std::move(*found);
    }
    asked = true;
    return ask_passphrase(context, way.prompt, way.otherwise);
  };
  for (int attempt = 1;; ++attempt) {
    auto opened = kloset::Repository::open(store, context.env, source, options);
    const bool again = !opened && opened.error().code() == Errc::permission_denied && asked &&
                       attempt < passphrase_attempts && context.cancel.check();
    if (!again) return opened;
  }
}

int fail_to_open(Context& context, bool is_peer, const std::string& location, const Error& error) {
  if (error.code() == Errc::cancelled) return fail(context, error);
  if (is_peer)
    return fail(context, "could not open peer store " + location + ": " + error.message());
  static_cast<void>(
      fail(context, "failed to open the repository at " + location + ": " + error.message()));
  context.err << "To specify an alternative repository, please use \"" << context.program
              << " at <location> <command>\"." << std::endl;
  return exit_no_store;
}

std::optional<int> open(Context& context, config::Options options, const PassphraseWay& way,
                        States states, OpenStore& store) {
  const config::CoreOptions secrets = config::take_core_options(options);
  const bool is_peer = way.is_peer;
  store.options = std::move(options);
  const auto location = store_location(context, store.options);
  if (!location) return fail(context, location.error());
  store.location = config::strip_user_info(location->to_string());

  auto medium = make_store(context, store.options);
  if (!medium) return fail_to_open(context, is_peer, store.location, medium.error());
  store.medium = *std::move(medium);
  // What cannot be reached is told from what cannot be unlocked.
  if (const auto config = store.medium->load_config(); !config) {
    return fail_to_open(context, is_peer, store.location, config.error());
  }
  store.store = std::make_unique<kloset::MeteredStore>(*store.medium);

  auto opened = unlock(context, *store.store, secrets, way);
  if (!opened) {
    const Error& error = opened.error();
    switch (error.code()) {
      case Errc::permission_denied:
        static_cast<void>(fail(context, is_peer
                                            ? "could not open peer repository " + store.location +
                                                  ": " + error.message()
                                            : "failed to unlock repository: " + error.message()));
        return exit_locked;
      case Errc::unsupported:
        static_cast<void>(fail(context, "incompatible repository: " + error.message()));
        return exit_version;
      default:
        return fail(context, Error(error).context("the store at " + store.location));
    }
  }
  store.repository = *std::move(opened);
  if (states == States::left_alone) return std::nullopt;
  if (const Status refreshed = store.repository->refresh(); !refreshed) {
    return fail(context, "reading the index of " + store.location + ": " +
                             refreshed.error().message() +
                             "; `plakar repair` makes damaged states again from packfiles");
  }
  return std::nullopt;
}

}  // namespace

Result<config::Options> target_options(Context& context) {
  std::optional<std::string> word = context.at;
  if (!word) word = context.environment("PLAKAR_REPOSITORY");
  if (word && !word->empty()) return place_options(context, config::PlaceKind::store, *word);

  const config::Places stores = PLK_TRY(configured(context, config::PlaceKind::store));
  if (stores.default_name) {
    return resolve(context, stores, config::PlaceKind::store,
                   {.name = *stores.default_name, .path = {}});
  }
  const auto home = config::account_home();
  if (!home) return Error(Errc::not_found, "no store is named, and the account has no home");
  return config::Options{{.key = "location", .value = config::default_store_location(*home)}};
}

Result<config::Options> place_options(Context& context, config::PlaceKind kind,
                                      std::string_view word) {
  const auto reference = config::parse_reference(word);
  if (!reference) return config::Options{{.key = "location", .value = std::string(word)}};
  return resolve(context, PLK_TRY(configured(context, kind)), kind, *reference);
}

std::optional<int> open_store(Context& context, OpenStore& store, States states) {
  auto options = target_options(context);
  if (!options) return fail(context, options.error());
  return open(context, *std::move(options),
              {.find = find_passphrase,
               .prompt = "repository passphrase: ",
               .otherwise = "-keyfile, PLAKAR_PASSPHRASE, or the store's passphrase_cmd",
               .is_peer = false},
              states, store);
}

std::optional<int> open_peer_store(Context& context, std::string_view word, std::string_view prompt,
                                   OpenStore& store, std::string_view noun) {
  auto options = place_options(context, config::PlaceKind::store, word);
  if (!options) return fail(context, Error(options.error()).context(noun));
  return open(context, *std::move(options),
              {.find = find_peer_passphrase,
               .prompt = prompt,
               .otherwise = "PLAKAR_PEER_PASSPHRASE, or the store's passphrase_cmd",
               .is_peer = true},
              States::merged, store);
}

std::optional<int> refuse_read_only(Context& context, const OpenStore& store) {
  const kloset::StoreTraits& traits = store.store->traits();
  if (traits.writable) return std::nullopt;
  return fail(context, "storage is not writable: " + store.location +
                           (traits.archive ? " is an archive, which is written once" : ""));
}

}  // namespace plakar::cli
