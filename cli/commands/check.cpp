#include <optional>
#include <string>
#include <vector>

#include "cli/commands/check_observer.h"
#include "cli/commands/command.h"
#include "cli/commands/lex_options.h"
#include "cli/commands/open_store.h"
#include "cli/commands/query_options.h"
#include "cli/commands/snapshot_argument.h"
#include "cli/exit_code.h"
#include "core/ops/check.h"

namespace plakar::cli {
int run_check(Context& context, std::span<const std::string> arguments) {
  bool fast = false;
  bool no_verify = false;
  FlagSet flags;
  flags.boolean("fast", fast, "check the structure, and not the content of files");
  flags.boolean("no-verify", no_verify, "do not verify the signatures of signed snapshots");
  config::QuerySettings settings;
  add_query_options(flags, settings);
  std::vector<std::string> words;
  if (const auto done = lex_options(context, "check", flags, arguments, words)) return *done;
  const bool selecting = settings != config::QuerySettings();
  if (selecting && !words.empty()) {
    return fail(context, "check takes snapshots by name, or by query options, and not both");
  }
  warn_about_dates(context, settings);
  OpenStore store;
  if (const auto done = open_store(context, store)) return *done;

  ops::CheckOptions options;
  if (fast) options.depth = ops::CheckDepth::structure;
  for (const std::string& word : words) {
    const auto where = find_snapshot(context, *store.repository, word);
    if (!where) return fail(context, where.error());
    options.targets.push_back({.snapshot = where->id, .path = where->path});
  }
  bool unreadable = false;
  if (selecting) {
    const auto headers = load_kept(context, *store.repository, settings, unreadable);
    if (!headers) return fail(context, headers.error());
    for (const kloset::SnapshotHeader& header : *headers) {
      options.targets.push_back({.snapshot = header.identifier});
    }
    // Without a target, everything would be checked.
    if (options.targets.empty()) {
      context.renderer->message(MessageLevel::info, "check: no snapshots matched the selection");
      return unreadable ? exit_damaged : exit_ok;
    }
  }
  options.store = options.targets.empty();
  options.threads = context.options.threads();

  Renderer& renderer = *context.renderer;
  EventScope scope{.workflow = "check",
                   .repository = store.repository->config().repository_id,
                   .job = Uuid::random(context.env.random)};
  renderer.begin(scope);
  CheckObserver observer(context, store, scope);
  const auto report = ops::check(*store.repository, options, observer, context.cancel);
  if (!report) {
    renderer.end(scope);
    return fail(context, report.error());
  }
  if (report->snapshots == 0) observer.report(report->damages);
  renderer.end(scope);
  if (report->sound()) return unreadable ? exit_damaged : exit_ok;
  const std::uint64_t count = report->snapshots_damaged;
  static_cast<void>(fail(context, count == 0
                                      ? "check failed: the store is damaged, its snapshots are not"
                                      : "check failed for " + std::to_string(count) +
                                            (count == 1 ? " snapshot" : " snapshots")));
  return exit_damaged;
}

}  // namespace plakar::cli
