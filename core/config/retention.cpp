#include "core/config/retention.h"

#include <algorithm>

namespace plakar::config {
namespace {

constexpr std::array<std::string_view, periods.size()> period_names{
    "minute", "hour",     "day",    "monday", "tuesday", "wednesday", "thursday",
    "friday", "saturday", "sunday", "week",   "month",   "year"};

constexpr std::array<std::string_view, 12> group_names{
    "",        "name",       "category", "environment", "perimeter", "job",
    "dataset", "data-class", "tag",      "origin",      "type",      "root"};

}  // namespace

std::string_view to_string(Period period) noexcept {
  return period_names[static_cast<std::size_t>(period)];
}

std::optional<Period> parse_period(std::string_view text) noexcept {
  const auto* found = std::ranges::find(period_names, text);
  if (found == period_names.end()) return std::nullopt;
  return periods[static_cast<std::size_t>(found - period_names.begin())];
}

bool Retention::is_set() const noexcept {
  return std::ranges::any_of(rules_, [](const RetentionRule& rule) { return rule.is_set(); });
}

std::string_view to_string(GroupKey key) noexcept {
  return group_names[static_cast<std::size_t>(key)];
}

std::optional<GroupKey> parse_group_key(std::string_view text) noexcept {
  const auto* found = std::ranges::find(group_names, text);
  if (found == group_names.end()) return std::nullopt;
  return static_cast<GroupKey>(found - group_names.begin());
}

}  // namespace plakar::config
