// The rules that say how many snapshots of each calendar period stay. What they do to snapshots
// is in core/ops/selection.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace plakar::config {

// In the order in which the rules are applied.
enum class Period : std::uint8_t {
  minute,
  hour,
  day,
  monday,
  tuesday,
  wednesday,
  thursday,
  friday,
  saturday,
  sunday,
  week,
  month,
  year,
};

inline constexpr auto periods = std::to_array<Period>(
    {Period::minute, Period::hour, Period::day, Period::monday, Period::tuesday, Period::wednesday,
     Period::thursday, Period::friday, Period::saturday, Period::sunday, Period::week,
     Period::month, Period::year});

// "minute", "monday": of messages, options and policies.
std::string_view to_string(Period period) noexcept;
std::optional<Period> parse_period(std::string_view text) noexcept;

struct RetentionRule {
  std::uint64_t keep = 0;  // in the last so many periods; 0: in all of them
  std::uint64_t cap = 0;   // so many in each; 0: all

  bool is_set() const noexcept { return keep > 0 || cap > 0; }
  friend bool operator==(const RetentionRule&, const RetentionRule&) = default;
};

class Retention {
 public:
  RetentionRule& operator[](Period period) { return rules_[static_cast<std::size_t>(period)]; }
  const RetentionRule& operator[](Period period) const {
    return rules_[static_cast<std::size_t>(period)];
  }
  bool is_set() const noexcept;

  friend bool operator==(const Retention&, const Retention&) = default;

 private:
  std::array<RetentionRule, periods.size()> rules_{};
};

// What the rules look at separately. A snapshot with several tags is in several groups, one
// without any is in a group of its own.
enum class GroupKey : std::uint8_t {
  none,
  name,
  category,
  environment,
  perimeter,
  job,
  dataset,
  data_class,
  tag,
  origin,
  type,
  root,
};

// "data-class"; empty for none.
std::string_view to_string(GroupKey key) noexcept;
// Nothing for an unknown word. The empty one is `none`.
std::optional<GroupKey> parse_group_key(std::string_view text) noexcept;

}  // namespace plakar::config
