#include <algorithm>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands/command.h"
#include "cli/commands/connectors.h"
#include "cli/commands/lex_options.h"
#include "cli/commands/open_store.h"
#include "cli/commands/passphrase.h"
#include "cli/commands/snapshot_argument.h"
#include "cli/commands/snapshot_context.h"
#include "cli/exit_code.h"
#include "core/base/file_system.h"
#include "core/codec/json.h"
#include "core/config/location.h"
#include "core/kloset/tree/path.h"
#include "core/ops/archive.h"

namespace plakar::cli {
namespace {

struct PtarFlags {
  std::string file;
  bool plaintext = false;
  bool no_compression = false;
  bool overwrite = false;
  bool partial = false;
  bool strict = false;
  std::string hashing = "BLAKE3";
  std::vector<std::string> stores;
};

void declare(FlagSet& flags, PtarFlags& options) {
  const auto add_store = [&options](std::string_view store) -> Status {
    options.stores.emplace_back(store);
    return {};
  };
  flags.text("o", options.file, "the archive to make, a `FILE`");
  flags.boolean("plaintext", options.plaintext, "make an archive without encryption");
  flags.boolean("no-compression", options.no_compression, "make an archive without compression");
  flags.boolean("overwrite", options.overwrite, "replace the archive if there is one");
  flags.boolean("partial", options.partial,
                "take damaged snapshots of stores without what cannot be read");
  flags.boolean("strict", options.strict, "make no archive when anything could not be read");
  flags.text("hashing", options.hashing, "hashing `ALGORITHM`: BLAKE3 or SHA256");
  flags.value("k", add_store, "put in all snapshots of `STORE`; repeatable");
  flags.value("kloset", add_store, "the same as -k");
}

// One line for each path, wherever it comes from.
class SourceObserver final : public ops::BackupObserver {
 public:
  SourceObserver(Renderer& renderer, const EventScope& scope, const SnapshotId& id)
      : renderer_(renderer), scope_(scope) {
    scope_.snapshot = id;
  }

  void stored(const kloset::Record& record, std::uint64_t bytes, bool reused) override {
    renderer_.path_ok(scope_, {.path = record.path, .bytes = bytes, .cached = reused});
  }
  void failed(std::string_view path, std::string_view error) override {
    renderer_.path_failed(scope_, path, error);
  }

 private:
  Renderer& renderer_;
  EventScope scope_;
};

class StoreObserver final : public ops::SyncObserver {
 public:
  StoreObserver(Renderer& renderer, const EventScope& scope) : renderer_(renderer), scope_(scope) {}

  void started(const SnapshotId& id) override { scope_.snapshot = id; }
  void stored(const SnapshotId&, std::string_view path, std::uint64_t bytes, bool) override {
    renderer_.path_ok(scope_, {.path = path, .bytes = bytes});
  }
  void failed(const SnapshotId&, std::string_view path, std::string_view error) override {
    renderer_.path_failed(scope_, path, error);
  }
  void finished(const ops::SyncedSnapshot&) override {}
  void given_up(const SnapshotId&, const Error&) override {}

 private:
  Renderer& renderer_;
  EventScope scope_;
};

Result<std::optional<Secret>> archive_passphrase(Context& context, bool plaintext) {
  if (plaintext) return std::optional<Secret>();
  config::Options options = PLK_TRY(target_options(context));
  auto passphrase = PLK_TRY(find_passphrase(context, config::take_core_options(options)));
  if (!passphrase) passphrase = PLK_TRY(ask_new_passphrase(context, true));
  if (passphrase->empty()) {
    return Error(Errc::invalid_argument, "can't encrypt the repository with an empty passphrase");
  }
  return passphrase;
}

Result<std::unique_ptr<kloset::Source>> open_source(Context& context, kloset::Store& archive,
                                                    const std::string& directory,
                                                    const std::string& place) {
  auto options = PLK_TRY(place_options(context, config::PlaceKind::source, place));
  connectors::SourceSettings settings{.hostname = host_name()};
  // The archive, which may be made in the middle of what goes into it: its temporary file has no
  // name before it is begun.
  settings.excluded = [&archive, directory](std::string_view path, bool is_directory) {
    if (is_directory || kloset::parent_of(path) != directory) return false;
    const auto own = archive.traits().local_paths;
    return std::find(own.begin(), own.end(), path) != own.end();
  };
  return PLK_TRY_CONTEXT(make_source(context, options, std::move(settings)),
                         "failed to create an importer for " + place);
}

// Opens the stores whose snapshots go in; on failure the exit code.
std::optional<int> open_stores(Context& context, const std::vector<std::string>& words,
                               std::list<OpenStore>& stores, ops::ArchiveContent& content) {
  for (const std::string& word : words) {
    OpenStore& store = stores.emplace_back();
    if (const auto done = open_peer_store(context, word, "source repository passphrase: ", store,
                                          "peer repository")) {
      return *done;
    }
    bool damaged = false;
    const auto headers = load_headers(context, *store.repository, damaged);
    if (!headers) return fail(context, headers.error());
    if (damaged) return fail(context, "could not open source store " + store.location);
    ops::ArchiveContent::Snapshots snapshots{.repository = store.repository.get(), .ids = {}};
    for (const kloset::SnapshotHeader& header : *headers) {
      snapshots.ids.push_back(header.identifier);
    }
    content.snapshots.push_back(std::move(snapshots));
  }
  return std::nullopt;
}

}  // namespace

int run_ptar(Context& context, std::span<const std::string> arguments) {
  PtarFlags flags_given;
  FlagSet flags;
  declare(flags, flags_given);
  std::vector<std::string> places;
  if (const auto done = lex_options(context, "ptar", flags, arguments, places)) return *done;
  if (flags_given.file.empty()) return fail(context, "-o option must be specified");
  for (char& c : flags_given.hashing) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  if (flags_given.hashing != "BLAKE3" && flags_given.hashing != "SHA256") {
    return fail(context, "unknown hashing algorithm");
  }
  if (places.empty() && flags_given.stores.empty()) places.push_back(context.working_directory);

  const config::Options here{
      {.key = "location",
       .value = "ptar:" + config::join_path(context.working_directory, flags_given.file)}};
  const auto archive = make_store(context, here, flags_given.overwrite);
  if (!archive) return fail(context, archive.error());
  const std::string path = (*archive)->traits().local_paths.at(0);
  // Before anything long is done; and once more when it is created.
  const auto existing = context.env.files.find(path, Follow::yes);
  if (existing && *existing && !flags_given.overwrite) {
    return fail(context, "ptar archive " + flags_given.file +
                             " already exists, use -overwrite to overwrite it");
  }

  std::list<OpenStore> stores;  // They do not move.
  ops::ArchiveContent content;
  if (const auto done = open_stores(context, flags_given.stores, stores, content)) return *done;
  EventScope scope{.workflow = "backup", .repository = {}, .job = Uuid::random(context.env.random)};
  std::vector<std::unique_ptr<kloset::Source>> sources;
  std::list<SourceObserver> observers;
  for (const std::string& place : places) {
    auto source = open_source(context, **archive, std::string(kloset::parent_of(path)), place);
    if (!source) return fail(context, source.error());
    const SnapshotId id = SnapshotId::random(context.env.random);
    observers.emplace_back(*context.renderer, scope, id);
    content.sources.push_back({.source = source->get(), .id = id, .observer = &observers.back()});
    sources.push_back(*std::move(source));
  }
  const auto passphrase = archive_passphrase(context, flags_given.plaintext);
  if (!passphrase) return fail(context, passphrase.error());
  auto kdf = kloset::default_kdf("ARGON2ID");
  if (!kdf) return fail(context, kdf.error());

  ops::ArchiveOptions options{.config = kloset::default_config(),
                              .passphrase = *passphrase ? &**passphrase : nullptr,
                              .kdf = *std::move(kdf)};
  options.config.hashing.algorithm = flags_given.hashing;
  if (flags_given.no_compression) options.config.compression.reset();
  options.backup.context = snapshot_context(context);
  options.backup.threads = context.options.threads();
  options.backup.sort_memory_bytes = context.options.sort_memory();
  options.backup.strict = flags_given.strict;
  if (const auto temporary = context.environment("TMPDIR")) {
    options.backup.temporary_directory = *temporary;
  }
  if (flags_given.partial) options.damage = ops::SourceDamage::record;

  StoreObserver observer(*context.renderer, scope);
  context.renderer->begin(scope);
  const auto report =
      ops::make_archive(**archive, context.env, content, options, observer, context.cancel);
  if (report) {
    context.renderer->summary(
        scope, codec::Json::object(
                   {{"location", (*archive)->location()},
                    {"snapshots", std::uint64_t{report->copies.size() + report->backups.size()}},
                    {"errors", report->errors}}));
  }
  context.renderer->end(scope);
  if (!report) return fail(context, report.error());
  if (report->errors == 0) return exit_ok;
  context.renderer->message(MessageLevel::warn, "ptar: completed with " +
                                                    std::to_string(report->errors) +
                                                    (report->errors == 1 ? " error" : " errors"));
  return exit_with_errors;
}

}  // namespace plakar::cli
