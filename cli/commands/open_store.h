// Opens the store a command works on: finds where it is, makes its connector, asks for its
// passphrase, and reads its index. Says itself what went wrong, as lex_options() does.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cli/commands/command.h"
#include "core/base/result.h"
#include "core/config/places.h"
#include "core/kloset/metered_store.h"
#include "core/kloset/repository/repository.h"
#include "core/kloset/store.h"

namespace plakar::cli {

// In the order in which they refer to each other.
struct OpenStore {
  config::Options options{};  // as configured, without what is the core's
  std::string location{};     // for messages
  std::unique_ptr<kloset::Store> medium{};
  std::unique_ptr<kloset::MeteredStore> store{};
  std::unique_ptr<kloset::Repository> repository{};
};

// The options of the store that the command is about: `at`, else $PLAKAR_REPOSITORY, else the
// configured default, else ~/.plakar.
Result<config::Options> target_options(Context& context);

// The options that a word of the command line stands for: `@name[:path]`, or a location.
Result<config::Options> place_options(Context& context, config::PlaceKind kind,
                                      std::string_view word);

// Whether the states are merged, so that everything in the store can be found; with a damaged
// one that fails.
enum class States : std::uint8_t { merged, left_alone };

// Opens the target. On failure the exit code.
std::optional<int> open_store(Context& context, OpenStore& store, States states = States::merged);

// For commands that write: says so, and returns the exit code, where nothing can be written.
std::optional<int> refuse_read_only(Context& context, const OpenStore& store);

// The same for another store than the target: `word` as it was typed, `prompt` for its passphrase.
// `noun` is what an error about that word begins with.
std::optional<int> open_peer_store(Context& context, std::string_view word, std::string_view prompt,
                                   OpenStore& store, std::string_view noun = "peer store");

}  // namespace plakar::cli
