#include "core/ops/selection.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "core/base/text.h"
#include "core/config/time_expression.h"

namespace plakar::ops {
namespace {

using kloset::HeaderSource;
using kloset::SnapshotHeader;

bool contains(std::span<const std::string> values, std::string_view value) {
  return std::ranges::find(values, value) != values.end();
}

bool equal_if_set(std::string_view wanted, std::string_view value) {
  return wanted.empty() || wanted == value;
}

// Whether nothing is wanted, or one of it is what `value` says of a source.
template <class Value>
bool any_source(std::span<const std::string> wanted, const SnapshotHeader& header,
                const Value& value) {
  return wanted.empty() || std::ranges::any_of(header.sources, [&](const HeaderSource& source) {
           return contains(wanted, value(source.importer));
         });
}

// The groups that a snapshot is in, each once.
std::vector<std::string> groups_of(const SnapshotHeader& header, GroupKey key) {
  std::vector<std::string> groups;
  const auto of_sources = [&](auto member) {
    for (const HeaderSource& source : header.sources) groups.push_back(source.importer.*member);
  };
  switch (key) {
    case GroupKey::none:
      break;
    case GroupKey::name:
      groups = {header.name};
      break;
    case GroupKey::category:
      groups = {header.category};
      break;
    case GroupKey::environment:
      groups = {header.environment};
      break;
    case GroupKey::perimeter:
      groups = {header.perimeter};
      break;
    case GroupKey::job:
      groups = {header.job};
      break;
    case GroupKey::dataset:
      groups = {header.dataset};
      break;
    case GroupKey::data_class:
      groups = header.data_classes;
      break;
    case GroupKey::tag:
      groups = header.tags;
      break;
    case GroupKey::origin:
      of_sources(&kloset::Importer::origin);
      break;
    case GroupKey::type:
      of_sources(&kloset::Importer::type);
      break;
    case GroupKey::root:
      of_sources(&kloset::Importer::directory);
      break;
  }
  if (groups.empty()) groups.emplace_back();
  std::ranges::sort(groups);
  groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
  return groups;
}

// Whether `verdict` says more about a snapshot than what is known: being kept beats being
// deleted, then the better rank does, then what came first.
bool is_better(const Verdict& verdict, const Verdict& known) noexcept {
  if (known.reason == Reason::outside_windows) return true;
  if (verdict.keep() != known.keep()) return verdict.keep();
  return verdict.rank < known.rank;
}

// One rule on one group. `members` are positions in `selected`, newest first.
void apply_rule(Period period, const RetentionRule& rule, UnixTime now,
                std::span<const SnapshotHeader> headers, std::span<const std::size_t> members,
                std::vector<SelectedSnapshot>& selected) {
  const std::int64_t last = last_bucket(period, now).number;
  std::unordered_map<std::int64_t, std::uint64_t> seen;
  for (const std::size_t member : members) {
    SelectedSnapshot& snapshot = selected[member];
    const auto bucket = bucket_of(period, headers[snapshot.index].timestamp);
    if (!bucket) continue;
    const std::int64_t age = last - bucket->number;  // negative in the future
    if (rule.keep > 0 && age >= 0 && static_cast<std::uint64_t>(age) >= rule.keep) continue;
    const std::uint64_t rank = ++seen[bucket->number];
    const bool keep = rule.cap == 0 || rank <= rule.cap;
    const Verdict verdict{.reason = keep ? Reason::within_rule : Reason::over_cap,
                          .bucket = *bucket,
                          .rank = rank,
                          .cap = rule.cap};
    if (is_better(verdict, snapshot.verdict)) snapshot.verdict = verdict;
  }
}

}  // namespace

bool SnapshotFilter::matches(const SnapshotHeader& header) const {
  if (!equal_if_set(name, header.name) || !equal_if_set(category, header.category) ||
      !equal_if_set(environment, header.environment) ||
      !equal_if_set(perimeter, header.perimeter) || !equal_if_set(job, header.job) ||
      !equal_if_set(dataset, header.dataset)) {
    return false;
  }
  if (before && header.timestamp > *before) return false;
  if (since && header.timestamp < *since) return false;
  const auto tagged = [&](const std::string& tag) { return contains(header.tags, tag); };
  if (!std::ranges::all_of(tags, tagged) || std::ranges::any_of(ignored_tags, tagged)) return false;
  const auto is_root = [&](const std::string& root) {
    return std::ranges::any_of(header.sources, [&](const HeaderSource& source) {
      return source.importer.directory == root;
    });
  };
  if (!std::ranges::all_of(roots, is_root)) return false;
  const auto origin = [](const kloset::Importer& importer) { return importer.origin; };
  const auto type = [](const kloset::Importer& importer) { return importer.type; };
  if (!any_source(origins, header, origin) || !any_source(types, header, type)) return false;
  const auto of_class = [&](const std::string& wanted) {
    return contains(header.data_classes, wanted);
  };
  if (!data_classes.empty() && !std::ranges::any_of(data_classes, of_class)) return false;
  if (ids.empty()) return true;
  const std::string hex = header.identifier.hex();
  return std::ranges::any_of(ids, [&](const std::string& id) { return hex.starts_with(id); });
}

Result<SnapshotQuery> make_query(const config::QuerySettings& settings, UnixTime now) {
  const auto instant = [&](const config::DateSetting& date) -> Result<std::optional<UnixTime>> {
    if (date.text.empty()) return std::nullopt;
    return PLK_TRY(config::TimeExpression::parse(date.text)).at(now);
  };
  const auto group_by = config::parse_group_key(settings.group_by);
  if (!group_by) {
    return Error(Errc::invalid_argument,
                 "group_by: \"" + escape(settings.group_by) + "\" is nothing to group by");
  }
  // Before the query and not inside of it: a return from the middle of an initialiser would leak
  // what is initialised already.
  const auto before = PLK_TRY_CONTEXT(instant(settings.before), "before");
  const auto since = PLK_TRY_CONTEXT(instant(settings.since), "since");
  return SnapshotQuery{.filter = {.name = settings.name,
                                  .category = settings.category,
                                  .environment = settings.environment,
                                  .perimeter = settings.perimeter,
                                  .job = settings.job,
                                  .dataset = settings.dataset,
                                  .tags = settings.tags,
                                  .ignored_tags = settings.ignore_tags,
                                  .roots = settings.roots,
                                  .origins = settings.origins,
                                  .types = settings.types,
                                  .data_classes = settings.data_classes,
                                  .ids = settings.ids,
                                  .before = before,
                                  .since = since,
                                  .latest = settings.latest},
                       .retention = settings.retention,
                       .group_by = *group_by};
}

std::string to_string(const Verdict& verdict) {
  switch (verdict.reason) {
    case Reason::matched_filters:
      return "reason=matched filters";
    case Reason::outside_windows:
      return "reason=outside retention windows";
    case Reason::within_rule:
    case Reason::over_cap:
      break;
  }
  return "match=" + std::string(to_string(verdict.bucket.period)) + ':' +
         to_string(verdict.bucket) + " rank=" + std::to_string(verdict.rank) +
         " cap=" + std::to_string(verdict.cap);
}

std::vector<SelectedSnapshot> select_snapshots(std::span<const SnapshotHeader> headers,
                                               const SnapshotQuery& query, UnixTime now) {
  std::vector<SelectedSnapshot> selected;
  for (std::size_t i = 0; i < headers.size(); ++i) {
    if (query.filter.matches(headers[i])) selected.push_back({.index = i});
  }
  std::ranges::sort(selected, [&](const SelectedSnapshot& a, const SelectedSnapshot& b) {
    return is_newer(headers[a.index], headers[b.index]);
  });
  if (query.filter.latest && selected.size() > 1) selected.resize(1);
  if (!query.retention.is_set()) return selected;

  std::map<std::string, std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < selected.size(); ++i) {
    selected[i].verdict.reason = Reason::outside_windows;
    for (std::string& group : groups_of(headers[selected[i].index], query.group_by)) {
      groups[std::move(group)].push_back(i);
    }
  }
  for (const auto& [name, members] : groups) {
    for (const Period period : periods) {
      const RetentionRule& rule = query.retention[period];
      if (rule.is_set()) apply_rule(period, rule, now, headers, members, selected);
    }
  }
  return selected;
}

bool is_newer(const SnapshotHeader& a, const SnapshotHeader& b) noexcept {
  return is_newer_time({a.identifier, a.timestamp}, {b.identifier, b.timestamp});
}

bool is_newer_time(const kloset::SnapshotTime& a, const kloset::SnapshotTime& b) noexcept {
  return a.timestamp != b.timestamp ? a.timestamp > b.timestamp : a.id < b.id;
}

}  // namespace plakar::ops
