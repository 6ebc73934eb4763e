// Where passphrases come from: the key file, the options of the configured store, the
// environment, and at last a person at a terminal.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/commands/command.h"
#include "core/base/result.h"
#include "core/base/secret.h"
#include "core/config/places.h"

namespace plakar::cli {

// How often a person may try.
inline constexpr int passphrase_attempts = 3;

// The passphrase that needs nobody to type it: -keyfile, `passphrase`, `passphrase_cmd`,
// $PLAKAR_PASSPHRASE, in this order; nothing where none of them is there. A command that fails is
// an error: what stands behind it was meant not to be used.
Result<std::optional<Secret>> find_passphrase(Context& context, const config::CoreOptions& options);

// The same for a store beside the one that `at` names: `passphrase`, `passphrase_cmd`,
// $PLAKAR_PEER_PASSPHRASE.
Result<std::optional<Secret>> find_peer_passphrase(Context& context,
                                                   const config::CoreOptions& options);

// Asks on the terminal, without echo. Errc::permission_denied where there is no terminal; then
// `otherwise` says how else to give it.
Result<Secret> ask_passphrase(Context& context, std::string_view prompt,
                              std::string_view otherwise);

// Asks for a new one, twice, and refuses weak ones once: typed again, they are accepted.
Result<Secret> ask_new_passphrase(Context& context, bool accept_weak);

// An estimate, in bits, as from a guess of single characters, with runs and repetitions counted
// for little.
double passphrase_entropy(std::string_view passphrase);

}  // namespace plakar::cli
