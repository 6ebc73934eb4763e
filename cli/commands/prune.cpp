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
#include "cli/commands/snapshot_argument.h"
#include "cli/commands/snapshot_line.h"
#include "cli/exit_code.h"
#include "core/base/clock.h"
#include "core/codec/json.h"
#include "core/config/config_directory.h"
#include "core/ops/json_view.h"
#include "core/ops/selection.h"

namespace plakar::cli {
namespace {

using codec::Json;

// What the policy says, and over it what the options do.
Result<config::QuerySettings> with_policy(Context& context, const std::string& name,
                                          const config::QuerySettings& options) {
  if (name.empty()) return options;
  const config::ConfigDirectory directory(context.env.files, context.env.random,
                                          context.directories.config);
  const auto policies = directory.load_policies();
  if (!policies) {
    return Error(policies.error()).context("failed to load policies config");
  }
  config::QuerySettings settings =
      PLK_TRY(policies->find(name.starts_with('@') ? name.substr(1) : name)).settings;
  config::overlay(settings, options);
  return settings;
}

bool says_something(config::QuerySettings settings) {
  settings.ignore_tags.clear();
  return settings != config::QuerySettings();
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

// One snapshot a line, with what becomes of it and why.
void print_json_plan(std::ostream& out, const std::vector<kloset::SnapshotHeader>& headers,
                     const std::vector<ops::SelectedSnapshot>& selected) {
  for (const ops::SelectedSnapshot& snapshot : selected) {
    const ops::Verdict& verdict = snapshot.verdict;
    Json line = Json::object(
        {{"action", verdict.keep() ? "keep" : "delete"}, {"reason", to_string(verdict)}});
    if (verdict.reason == ops::Reason::within_rule || verdict.reason == ops::Reason::over_cap) {
      line.set("match", Json::object({{"period", to_string(verdict.bucket.period)},
                                      {"bucket", to_string(verdict.bucket)},
                                      {"rank", verdict.rank},
                                      {"cap", verdict.cap}}));
    }
    line.set("snapshot", ops::to_json(headers[snapshot.index]));
    out << codec::to_json(line) << '\n';
  }
}

void print_plan(std::ostream& out, const std::vector<kloset::SnapshotHeader>& headers,
                const std::vector<ops::SelectedSnapshot>& selected, std::size_t removed) {
  out << "prune: would keep " << selected.size() - removed << " and delete " << removed
      << " snapshot(s), run with -apply to proceed\n";
  std::vector<std::string> lines;
  std::size_t width = 0;
  for (const ops::SelectedSnapshot& snapshot : selected) {
    lines.push_back(padded(snapshot.verdict.keep() ? "keep" : "delete", 8) + ' ' +
                    snapshot_line(headers[snapshot.index], {.duration = false}));
    width = std::max(width, lines.back().size());
  }
  for (std::size_t i = 0; i < lines.size(); ++i) {
    out << padded(lines[i], width) << "  " << to_string(selected[i].verdict) << '\n';
  }
}

}  // namespace

int run_prune(Context& context, std::span<const std::string> arguments) {
  bool apply = false;
  std::string policy;
  config::QuerySettings options;
  FlagSet flags;
  flags.boolean("apply", apply, "delete the snapshots, and not only show which");
  flags.text("policy", policy, "go by the policy of this `NAME`, and by the other options");
  add_query_options(flags, options);
  std::vector<std::string> words;
  if (const auto done = lex_options(context, "prune", flags, arguments, words)) return *done;
  const auto settings = with_policy(context, policy, options);
  if (!settings) return fail(context, settings.error());
  if (!says_something(*settings)) {
    return fail(context, "no filter specified, not going to prune everything");
  }
  const UnixTime now = to_unix_time(context.env.clock.wall());
  const auto query = ops::make_query(*settings, now);
  if (!query) return fail(context, query.error());
  warn_about_dates(context, *settings);
  if (!words.empty()) {
    context.renderer->message(
        MessageLevel::warn,
        "prune goes by options alone, and not by snapshot IDs: use rm for " + words[0]);
  }
  if (!query->retention.is_set()) {
    context.renderer->message(MessageLevel::warn,
                              "no retention rule is given, so everything that matches is kept; rm "
                              "removes what filters match");
  }
  OpenStore store;
  if (const auto done = open_store(context, store)) return *done;

  if (const auto done = apply ? refuse_read_only(context, store) : std::nullopt) return *done;
  // A snapshot that cannot be read is not deleted either: nobody knows what it is.
  bool damaged = false;
  const auto headers = load_headers(context, *store.repository, damaged);
  if (!headers) return fail(context, headers.error());
  const auto selected = ops::select_snapshots(*headers, *query, now);
  std::vector<SnapshotId> removed;
  for (const ops::SelectedSnapshot& snapshot : selected) {
    if (!snapshot.verdict.keep()) removed.push_back((*headers)[snapshot.index].identifier);
  }
  if (apply) return remove_and_tell(context, "prune", *store.repository, removed);
  if (context.options.json) {
    print_json_plan(context.out, *headers, selected);
  } else {
    print_plan(context.out, *headers, selected, removed.size());
  }
  return exit_ok;
}

}  // namespace plakar::cli
