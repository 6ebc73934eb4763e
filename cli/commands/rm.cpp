#include <algorithm>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands/command.h"
#include "cli/commands/lex_options.h"
#include "cli/commands/open_store.h"
#include "cli/commands/query_options.h"
#include "cli/commands/remove_snapshots.h"
#include "cli/commands/snapshot_line.h"
#include "cli/exit_code.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/codec/json.h"
#include "core/ops/json_view.h"
#include "core/ops/selection.h"
#include "core/ops/snapshot_list.h"
#include "core/ops/snapshot_reference.h"

namespace plakar::cli {
namespace {

using codec::Json;

struct SnapshotList {
  std::vector<kloset::SnapshotHeader> headers;
  std::vector<SnapshotId> unreadable;
};

Result<SnapshotList> list_snapshots(Context& context, kloset::Repository& repository) {
  SnapshotList list;
  list.headers = PLK_TRY(ops::list_snapshots(
      repository,
      [&](const SnapshotId& id, const Error& error) {
        list.unreadable.push_back(id);
        context.renderer->message(MessageLevel::error,
                                  "snapshot " + id.short_hex() + ": " + error.message());
      },
      context.cancel));
  return list;
}

// Whether anything says which snapshots: not what most of them have in common, or lack.
bool names_some(const config::QuerySettings& settings) {
  config::QuerySettings rest = settings;
  rest.origins.clear();
  rest.types.clear();
  rest.ignore_tags.clear();
  rest.group_by.clear();
  return rest != config::QuerySettings();
}

// The words as identifiers or their beginnings.
Result<std::vector<std::string>> ids_of(const std::vector<std::string>& words,
                                        const SnapshotList& list) {
  std::vector<kloset::SnapshotTime> times;  // newest first, as the headers are
  for (const kloset::SnapshotHeader& header : list.headers) {
    times.push_back({.id = header.identifier, .timestamp = header.timestamp});
  }
  std::vector<std::string> ids;
  for (const std::string& word : words) {
    const auto reference = PLK_TRY(ops::SnapshotReference::parse(word));
    if (reference.latest) {
      ids.push_back(PLK_TRY(ops::find_latest(*reference.latest, times)).hex());
    } else {
      ids.push_back(reference.prefix);
    }
  }
  return ids;
}

// What is wrong with a word before any store is looked at.
std::optional<std::string> complaint(const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (word.empty()) return "an empty snapshot ID would be any snapshot";
    if (word.find_first_of("/:") != std::string::npos) {
      return "rm removes whole snapshots, not a path in one: " + word;
    }
  }
  return std::nullopt;
}

class Selection {
 public:
  Selection(const SnapshotList& list, const ops::SnapshotQuery& query, UnixTime now) {
    for (const auto& selected : ops::select_snapshots(list.headers, query, now)) {
      const kloset::SnapshotHeader& header = list.headers[selected.index];
      ids.push_back(header.identifier);
      lines.push_back(snapshot_line(header, {}));
      headers.push_back(ops::to_json(header));
    }
  }

  // Those that cannot be read have nothing to filter by but their names.
  void add_unreadable(const SnapshotList& list, const std::vector<std::string>& prefixes) {
    for (const SnapshotId& id : list.unreadable) {
      const std::string hex = id.hex();
      const auto begins = [&](const std::string& prefix) { return hex.starts_with(prefix); };
      if (std::ranges::none_of(prefixes, begins)) continue;
      ids.push_back(id);
      lines.push_back(id.short_hex() + " (unreadable)");
      headers.push_back(Json::object({{"identifier", hex}, {"unreadable", true}}));
    }
  }

  std::size_t matches(std::string_view prefix) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        ids, [&](const SnapshotId& id) { return id.hex().starts_with(prefix); }));
  }

  std::vector<SnapshotId> ids;
  std::vector<std::string> lines;
  std::vector<Json> headers;
};

void print_plan(const Context& context, const Selection& selection) {
  if (context.options.json) {
    for (const Json& header : selection.headers) {
      context.out << codec::to_json(Json::object({{"action", "delete"}, {"snapshot", header}}))
                  << '\n';
    }
    return;
  }
  context.out << "rm: would remove these " << selection.ids.size()
              << " snapshot(s), run with -apply to proceed\n";
  for (const std::string& line : selection.lines) context.out << line << '\n';
}

}  // namespace

int run_rm(Context& context, std::span<const std::string> arguments) {
  bool apply = false;
  bool ambiguous = false;
  config::QuerySettings settings;
  FlagSet flags;
  flags.boolean("apply", apply, "remove the snapshots, and not only show them");
  flags.boolean("ambiguous", ambiguous,
                "with -apply: an ID that several snapshots begin with means all of them");
  add_filter_options(flags, settings);
  std::vector<std::string> words;
  if (const auto done = lex_options(context, "rm", flags, arguments, words)) return *done;
  if (const auto wrong = complaint(words)) return fail(context, *wrong);
  if (words.empty() && !names_some(settings)) {
    return fail(context, "no filter specified, not going to remove everything");
  }
  warn_about_dates(context, settings);
  OpenStore store;
  if (const auto done = open_store(context, store)) return *done;

  if (const auto done = apply ? refuse_read_only(context, store) : std::nullopt) return *done;
  const auto list = list_snapshots(context, *store.repository);
  if (!list) return fail(context, list.error());
  const auto prefixes = ids_of(words, *list);
  if (!prefixes) return fail(context, prefixes.error());
  const bool only_ids = settings == config::QuerySettings();
  settings.ids = *prefixes;
  const UnixTime now = to_unix_time(context.env.clock.wall());
  const auto query = ops::make_query(settings, now);
  if (!query) return fail(context, query.error());
  Selection selection(*list, *query, now);
  if (only_ids) selection.add_unreadable(*list, *prefixes);

  if (selection.ids.empty()) {
    context.renderer->message(MessageLevel::info, "rm: no snapshots matched the selection");
    return apply ? remove_and_tell(context, "rm", *store.repository, {}) : exit_ok;
  }
  for (const std::string& prefix : *prefixes) {
    const std::size_t matches = selection.matches(prefix);
    if (matches == 0) {
      context.renderer->message(MessageLevel::warn, "no snapshot has prefix: " + prefix);
    }
    if (matches < 2 || ambiguous) continue;
    const std::string message = "snapshot ID is ambiguous: " + prefix + " (matches " +
                                std::to_string(matches) + " snapshots)";
    if (apply) return fail(context, message + "; to remove all of them, add -ambiguous");
    context.renderer->message(MessageLevel::warn, message);
  }
  if (apply) return remove_and_tell(context, "rm", *store.repository, selection.ids);
  print_plan(context, selection);
  return exit_ok;
}

}  // namespace plakar::cli
