#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands/command.h"
#include "cli/commands/lex_options.h"
#include "cli/commands/open_store.h"
#include "cli/commands/query_options.h"
#include "cli/commands/snapshot_context.h"
#include "cli/exit_code.h"
#include "core/base/text.h"
#include "core/codec/json.h"
#include "core/config/location.h"
#include "core/ops/snapshot_reference.h"
#include "core/ops/sync.h"

namespace plakar::cli {
namespace {

struct SyncFlags {
  ops::SyncOptions run;
  config::QuerySettings query;
  bool partial = false;
  std::string cache = "vfs";
  std::string packfiles;
};

void declare(FlagSet& flags, SyncFlags& options) {
  flags.boolean("strict", options.run.strict, "stop at the first snapshot that cannot be copied");
  flags.boolean("partial", options.partial,
                "copy damaged snapshots without what cannot be read, for good");
  flags.text("cache", options.cache, "accepted for compatibility, without effect");
  flags.text("packfiles", options.packfiles, "`DIRECTORY` for temporary files, or memory");
  add_query_options(flags, options.query);
}

using codec::Json;

// The host that a store is on.
std::string origin_of(const OpenStore& store) {
  const config::Location location = config::parse_location(store.location);
  if (config::is_path_scheme(location.scheme)) return "localhost";
  return location.rest.substr(0, location.rest.find('/'));
}

// One direction.
struct Direction {
  OpenStore& from;
  OpenStore& to;
  // Paths and results are told of the store that the command is about, as genuine Plakar does it.
  bool tell_paths;
};

class Observer final : public ops::SyncObserver {
 public:
  Observer(Context& context, const Direction& direction, const EventScope& scope)
      : context_(context), direction_(direction), scope_(scope) {
    scope_.repository = direction.to.repository->config().repository_id;
  }

  void started(const SnapshotId& id) override {
    scope_.snapshot = id;
    read_ = direction_.to.store->bytes_read();
    written_ = direction_.to.store->bytes_written();
    bytes_ = 0;
    context_.renderer->message(MessageLevel::info, "Synchronizing snapshot " + id.hex() + " from " +
                                                       origin_of(direction_.from) + " to " +
                                                       origin_of(direction_.to));
  }
  void stored(const SnapshotId&, std::string_view path, std::uint64_t bytes, bool known) override {
    bytes_ += bytes;
    if (!direction_.tell_paths) return;
    context_.renderer->path_ok(scope_, {.path = path, .bytes = bytes, .cached = known});
  }
  void failed(const SnapshotId&, std::string_view path, std::string_view error) override {
    context_.renderer->path_failed(scope_, path, error);
  }
  void finished(const ops::SyncedSnapshot& snapshot) override {
    // A copy with errors is never told of as one without.
    if (direction_.tell_paths || snapshot.errors > 0) {
      EventScope backup = scope_;
      backup.workflow = "backup";
      context_.renderer->result(backup,
                                {.bytes = bytes_,
                                 .errors = snapshot.errors,
                                 .duration = snapshot.duration,
                                 .store_read = direction_.to.store->bytes_read() - read_,
                                 .store_written = direction_.to.store->bytes_written() - written_});
    }
    using std::chrono::milliseconds;
    const auto duration = std::chrono::duration_cast<milliseconds>(snapshot.duration);
    context_.renderer->event(scope_, MessageLevel::info, "snapshot.synchronized",
                             Json::object({{"from", origin_of(direction_.from)},
                                           {"to", origin_of(direction_.to)},
                                           {"target_snapshot", snapshot.target_id.hex()},
                                           {"entries", snapshot.entries},
                                           {"files_known", snapshot.files_known},
                                           {"size", snapshot.bytes_read},
                                           {"errors", snapshot.errors},
                                           {"duration", std::int64_t{duration.count()}}}));
    if (snapshot.target_id != snapshot.id) {
      context_.renderer->message(MessageLevel::info,
                                 snapshot.id.short_hex() + " was removed from " +
                                     origin_of(direction_.to) + ": it is there again as " +
                                     snapshot.target_id.hex());
    }
    context_.renderer->message(MessageLevel::info,
                               "Synchronization of " + snapshot.id.hex() + " finished");
  }
  void given_up(const SnapshotId& id, const Error& error) override {
    if (error.code() == Errc::cancelled) return;
    context_.renderer->event(scope_, MessageLevel::error, "snapshot.error",
                             Json::object({{"error", error.message()}}));
    context_.renderer->message(MessageLevel::error,
                               "failed to synchronize snapshot " + id.short_hex() + " from store " +
                                   origin_of(direction_.from) + ": " + error.message());
  }

 private:
  Context& context_;
  const Direction& direction_;
  EventScope scope_;
  std::uint64_t bytes_ = 0;
  std::uint64_t read_ = 0;
  std::uint64_t written_ = 0;
};

// Which snapshots are meant, newest first. `damaged`: there are others, which cannot be read.
Result<std::vector<SnapshotId>> select(Context& context, kloset::Repository& repository,
                                       const SyncFlags& flags,
                                       const std::optional<std::string>& word, bool& damaged) {
  ops::SnapshotReference wanted;
  if (word) wanted = PLK_TRY(ops::SnapshotReference::parse(*word));
  const auto headers = PLK_TRY(load_kept(context, repository, flags.query, damaged));
  std::vector<SnapshotId> ids;
  for (const kloset::SnapshotHeader& header : headers) {
    if (header.identifier.hex().starts_with(wanted.prefix)) ids.push_back(header.identifier);
  }
  if (wanted.latest) {
    const bool is_there = *wanted.latest < ids.size();
    ids = is_there ? std::vector{ids[static_cast<std::size_t>(*wanted.latest)]}
                   : std::vector<SnapshotId>();
  }
  return ids;
}

struct Outcome {
  ops::SyncReport report;
  bool nothing_selected = false;
  bool has_errors = false;
};

Result<Outcome> synchronize(Context& context, const Direction& direction, const SyncFlags& flags,
                            const std::optional<std::string>& word, const EventScope& scope) {
  Outcome outcome;
  const auto ids =
      PLK_TRY(select(context, *direction.from.repository, flags, word, outcome.has_errors));
  if (ids.empty()) {
    outcome.nothing_selected = true;
    return outcome;
  }
  Observer observer(context, direction, scope);
  outcome.report = PLK_TRY(ops::sync(*direction.from.repository, *direction.to.repository, ids,
                                     flags.run, observer, context.cancel));
  outcome.has_errors = outcome.has_errors || outcome.report.failed > 0 || outcome.report.errors > 0;
  if (outcome.report.removed > 0) {
    context.renderer->message(MessageLevel::info,
                              "sync: " + std::to_string(outcome.report.removed) +
                                  " snapshots were removed from " + origin_of(direction.to) +
                                  " and stay removed; name one to copy it again");
  }
  return outcome;
}

void add(ops::SyncReport& total, const ops::SyncReport& report) {
  total.copied += report.copied;
  total.present += report.present;
  total.removed += report.removed;
  total.failed += report.failed;
  total.errors += report.errors;
}

Json to_json(const ops::SyncReport& report) {
  return Json::object({{"synchronized", report.copied},
                       {"present", report.present},
                       {"removed", report.removed},
                       {"failed", report.failed},
                       {"errors", report.errors}});
}

// Why two stores of one identifier are not synchronized.
int refuse_clone(Context& context) {
  for (const char* line :
       {"both stores have the same identifier, but are not in the same place: one was made by",
        "copying the other, file by file. What one of them removes, the other would bring back,",
        "and no program can tell them apart.",
        "Run `plakar check` on both; then make a new store with `plakar create`, and",
        "synchronize into that one."}) {
    context.renderer->message(MessageLevel::error, line);
  }
  return fail(context, "cannot synchronize snapshots from cloned stores");
}

}  // namespace

int run_sync(Context& context, std::span<const std::string> arguments) {
  SyncFlags options;
  FlagSet flags;
  declare(flags, options);
  std::vector<std::string> words;
  if (const auto done = lex_options(context, "sync", flags, arguments, words)) return *done;
  if (words.size() < 2) return fail(context, "usage: sync [SNAPSHOT] to|from|with REPOSITORY");
  if (words.size() > 3) return fail(context, "Too many arguments");
  std::optional<std::string> snapshot;
  if (words.size() == 3) snapshot = words.front();
  if (snapshot && options.query != config::QuerySettings()) {
    context.renderer->message(MessageLevel::warn, "snapshot specified, filters will be ignored");
    options.query = {};
  }
  warn_about_dates(context, options.query);
  const std::string& way = words[words.size() - 2];
  if (way != "to" && way != "from" && way != "with") {
    return fail(context, "invalid direction, must be to, from or with");
  }
  options.run.hostname = host_name();
  options.run.lock = !is_set(context, "PLAKAR_LOCKLESS");
  options.run.threads = context.options.threads();
  options.run.sort_memory_bytes = context.options.sort_memory();
  options.run.bring_back = snapshot.has_value();
  if (!options.packfiles.empty() && options.packfiles != "memory") {
    options.run.temporary_directory = options.packfiles;
  } else if (const auto temporary = context.environment("TMPDIR")) {
    options.run.temporary_directory = *temporary;
  }
  if (options.partial) options.run.damage = ops::SourceDamage::record;

  OpenStore here;
  OpenStore peer;
  if (const auto done = open_store(context, here)) return *done;
  const char* prompt =
      way == "from" ? "source repository passphrase: " : "destination store passphrase: ";
  if (const auto done = open_peer_store(context, words.back(), prompt, peer)) return *done;
  if (here.location == peer.location) {
    return fail(context, "cannot synchronize snapshots to the same store");
  }
  if (here.repository->config().repository_id == peer.repository->config().repository_id) {
    return refuse_clone(context);
  }

  std::vector<Direction> directions;
  if (way != "from") directions.push_back({.from = here, .to = peer, .tell_paths = false});
  if (way != "to") directions.push_back({.from = peer, .to = here, .tell_paths = true});
  for (const Direction& direction : directions) {
    if (const auto done = refuse_read_only(context, direction.to)) return *done;
  }
  const EventScope scope{.workflow = "synchronize",
                         .repository = here.repository->config().repository_id,
                         .job = Uuid::random(context.env.random)};
  context.renderer->begin(scope);
  ops::SyncReport total;
  bool has_errors = false;
  bool any_selected = false;
  for (const Direction& direction : directions) {
    const auto outcome = synchronize(context, direction, options, snapshot, scope);
    if (!outcome) {
      context.renderer->end(scope);
      return fail(context, outcome.error());
    }
    if (outcome->nothing_selected && !snapshot) {
      context.renderer->message(MessageLevel::info,
                                "No matching snapshot found in store " + origin_of(direction.from));
    }
    add(total, outcome->report);
    has_errors = has_errors || outcome->has_errors;
    any_selected = any_selected || !outcome->nothing_selected;
  }
  context.renderer->summary(scope, to_json(total));
  context.renderer->end(scope);
  if (snapshot && !any_selected) {
    return fail(context, "no snapshot has prefix: " + *snapshot);
  }
  if (any_selected) {
    const Direction& first = directions.front();
    const bool both = directions.size() == 2;
    context.renderer->message(
        MessageLevel::info,
        std::string("sync: synchronization ") + (both ? "between " : "from ") +
            origin_of(first.from) + (both ? " and " : " to ") + origin_of(first.to) +
            " completed: " + std::to_string(total.copied) + " snapshots synchronized");
  }
  return has_errors ? exit_with_errors : exit_ok;
}

}  // namespace plakar::cli
