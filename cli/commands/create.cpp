#include <optional>
#include <ostream>
#include <string>

#include "cli/commands/command.h"
#include "cli/commands/connectors.h"
#include "cli/commands/lex_options.h"
#include "cli/commands/open_store.h"
#include "cli/commands/passphrase.h"
#include "cli/exit_code.h"
#include "core/codec/json.h"
#include "core/config/location.h"
#include "core/kloset/repository/repository.h"

namespace plakar::cli {
namespace {

struct CreateOptions {
  bool plaintext = false;
  bool weak_passphrase = false;
  bool no_compression = false;
  std::string hashing = "BLAKE3";
};

Status create(Context& context, const CreateOptions& wanted) {
  config::Options options = PLK_TRY(target_options(context));
  const config::CoreOptions secrets = config::take_core_options(options);
  kloset::StoreConfig config = kloset::default_config();
  config.hashing.algorithm = wanted.hashing;
  if (wanted.no_compression) config.compression.reset();

  const auto store = PLK_TRY(make_store(context, options));
  if (store->traits().archive) {
    return Error(Errc::invalid_argument,
                 store->location() + " would be an archive: `plakar ptar` makes those");
  }
  std::optional<Secret> passphrase;
  if (!wanted.plaintext) {
    passphrase = PLK_TRY(find_passphrase(context, secrets));
    if (!passphrase) passphrase = PLK_TRY(ask_new_passphrase(context, wanted.weak_passphrase));
    if (passphrase->empty()) {
      return Error(Errc::invalid_argument, "can't encrypt the repository with an empty passphrase");
    }
  }
  kloset::Repository::Options opening;
  opening.interrupt = [&context] { return context.cancel.check(); };
  const auto repository = PLK_TRY(kloset::Repository::create_open(
      *store, std::move(config), passphrase ? &*passphrase : nullptr,
      PLK_TRY(kloset::default_kdf("ARGON2ID")), context.env, opening));
  context.renderer->summary(
      {.workflow = "create",
       .repository = repository->config().repository_id,
       .job = Uuid::random(context.env.random)},
      codec::Json::object({{"location", config::strip_user_info(store->location())},
                           {"encrypted", passphrase.has_value()}}));
  return {};
}

}  // namespace

int run_create(Context& context, std::span<const std::string> arguments) {
  CreateOptions options;
  FlagSet flags;
  flags.boolean("plaintext", options.plaintext, "disable transparent encryption");
  flags.boolean("weak-passphrase", options.weak_passphrase, "accept any passphrase");
  flags.boolean("no-compression", options.no_compression, "disable transparent compression");
  flags.text("hashing", options.hashing, "hashing `ALGORITHM`: BLAKE3 or SHA256");
  std::vector<std::string> words;
  if (const auto done = lex_options(context, "create", flags, arguments, words)) return *done;
  if (!words.empty()) return fail(context, "too many parameters");
  for (char& c : options.hashing) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  if (options.hashing != "BLAKE3" && options.hashing != "SHA256") {
    return fail(context, "unknown hashing algorithm");
  }
  const Status done = create(context, options);
  return done ? exit_ok : fail(context, done.error());
}

}  // namespace plakar::cli
