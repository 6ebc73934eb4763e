#include "cli/commands/query_options.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands/snapshot_argument.h"
#include "cli/flags/value.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/config/time_expression.h"
#include "core/ops/selection.h"

namespace plakar::cli {
namespace {

void add_date(FlagSet& flags, const char* name, config::DateSetting& date, const char* help) {
  flags.value(
      name,
      [&date](std::string_view text) -> Status {
        if (!text.empty()) PLK_TRY(config::TimeExpression::parse(text));
        date = {.text = std::string(text), .instant = {}};
        return {};
      },
      help);
}

void add_list(FlagSet& flags, const char* name, std::vector<std::string>& list, const char* help) {
  flags.value(
      name,
      [&list](std::string_view text) -> Status {
        for (std::string& item : config::split_list(text)) list.push_back(std::move(item));
        return {};
      },
      help);
}

void add_count(FlagSet& flags, std::string name, std::uint64_t& count, std::string help) {
  flags.value(
      std::move(name),
      [&count](std::string_view text) -> Status {
        const std::int64_t value = PLK_TRY(parse_int(text));
        // The reference takes it, and then every snapshot is beyond the limit.
        if (value < 0) return Error(Errc::invalid_argument, "negative value");
        count = static_cast<std::uint64_t>(value);
        return {};
      },
      std::move(help));
}

std::string capitalised(std::string_view word) {
  std::string out(word);
  out[0] = static_cast<char>(out[0] - 'a' + 'A');
  return out;
}

void warn_about_date(Context& context, const char* name, const config::DateSetting& date,
                     UnixTime now) {
  if (date.text.empty()) return;
  const auto expression = config::TimeExpression::parse(date.text);
  if (!expression || !expression->months_written_m()) return;
  context.renderer->message(MessageLevel::warn, std::string(name) + " " + escape(date.text) +
                                                    " is " + format_rfc3339(expression->at(now)) +
                                                    ": an m means months; minutes are min");
}

}  // namespace

void add_filter_options(FlagSet& flags, config::QuerySettings& settings) {
  flags.text("name", settings.name, "only snapshots of this name");
  flags.text("category", settings.category, "only snapshots of this category");
  flags.text("environment", settings.environment, "only snapshots of this environment");
  flags.text("perimeter", settings.perimeter, "only snapshots of this perimeter");
  flags.text("job", settings.job, "only snapshots of this job");
  flags.text("dataset", settings.dataset, "only snapshots of this dataset");
  flags.value(
      "tag",
      [&settings](std::string_view text) -> Status {
        config::append_tags(text, settings.tags, settings.ignore_tags);
        return {};
      },
      "only snapshots with this tag, or without it: !TAG (repeat, or with commas: all of them)");
  add_list(flags, "root", settings.roots,
           "only snapshots of this directory (repeat, or with commas: all of them)");
  add_list(flags, "origin", settings.origins,
           "only snapshots from this host (repeat, or with commas: one of them)");
  add_list(
      flags, "type", settings.types,
      "only snapshots of this type of source, fs, s3, ... (repeat, or with commas: one of them)");
  add_list(flags, "data-class", settings.data_classes,
           "only snapshots with data of this class (repeat, or with commas: one of them)");
  add_date(flags, "before", settings.before, "only snapshots of this `DATE` or earlier");
  add_date(flags, "since", settings.since, "only snapshots of this `DATE` or later");
  flags.boolean("latest", settings.latest, "only the newest snapshot of those");
  flags.value(
      "group-by",
      [&settings](std::string_view text) -> Status {
        if (!config::parse_group_key(text)) {
          return Error(Errc::invalid_argument, "invalid -group-by value " + quote(text));
        }
        settings.group_by = text;
        return {};
      },
      "apply the rules to each `KEY` by itself: name, category, environment, perimeter, job, "
      "dataset, data-class, tag, origin, type, root");
}

void add_query_options(FlagSet& flags, config::QuerySettings& settings) {
  add_filter_options(flags, settings);
  for (const config::Period period : config::periods) {
    const std::string word(to_string(period));
    const bool weekday = period >= config::Period::monday && period <= config::Period::sunday;
    const std::string shown = weekday ? capitalised(word) : word;
    config::RetentionRule& rule = settings.retention[period];
    add_count(flags, word + "s", rule.keep, "keep snapshots of the last `N` " + shown + "s");
    add_count(flags, "per-" + word, rule.cap, "keep at most `N` snapshots of each " + shown);
  }
}

void warn_about_dates(Context& context, const config::QuerySettings& settings) {
  const UnixTime now = to_unix_time(context.env.clock.wall());
  warn_about_date(context, "before", settings.before, now);
  warn_about_date(context, "since", settings.since, now);
}

Result<std::vector<kloset::SnapshotHeader>> load_kept(Context& context,
                                                      kloset::Repository& repository,
                                                      const config::QuerySettings& settings,
                                                      bool& damaged) {
  const UnixTime now = to_unix_time(context.env.clock.wall());
  const ops::SnapshotQuery query = PLK_TRY(ops::make_query(settings, now));
  std::vector<kloset::SnapshotHeader> headers = PLK_TRY(load_headers(context, repository, damaged));
  std::vector<kloset::SnapshotHeader> kept;
  for (const ops::SelectedSnapshot& selected : ops::select_snapshots(headers, query, now)) {
    if (selected.verdict.keep()) kept.push_back(std::move(headers[selected.index]));
  }
  return kept;
}

}  // namespace plakar::cli
