// What options and policies say about which snapshots are meant, as they say it: dates still
// are the words they were given in. ops::make_query() turns them into something to select with.
//
// A setting that is zero or empty is not set.
//
// A value.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/base/unix_time.h"
#include "core/config/retention.h"

namespace plakar::config {

// A date that may mean another instant every time.
struct DateSetting {
  std::string text{};  // a TimeExpression
  // For readers of a policy that take only instants: what `text` meant when it was written.
  // Empty where that is `text` itself.
  std::string instant{};

  friend bool operator==(const DateSetting&, const DateSetting&) = default;
};

struct QuerySettings {
  DateSetting before{};
  DateSetting since{};
  std::string name{};
  std::string category{};
  std::string environment{};
  std::string perimeter{};
  std::string job{};
  std::string dataset{};
  std::vector<std::string> tags{};
  std::vector<std::string> ignore_tags{};
  bool latest = false;
  std::vector<std::string> ids{};
  std::vector<std::string> types{};
  std::vector<std::string> origins{};
  std::vector<std::string> roots{};
  std::vector<std::string> data_classes{};
  Retention retention{};
  std::string group_by{};

  friend bool operator==(const QuerySettings&, const QuerySettings&) = default;
};

// Settings by name, as `policy set NAME KEY=VALUE` has them:
//
//   before since                                              a date
//   name category environment perimeter job dataset           text
//   tags ignore_tags ids types origins roots data_classes     comma list; `!x` in tags is `x`
//                                                              in ignore_tags
//   latest                                                    a truth value
//   minutes ... years, mondays ... sundays                    how many periods to keep
//   per-minute ... per-year, per-monday ... per-sunday        how many snapshots in each
//   group_by                                                  the word of a GroupKey
//
// Lists also have the names of their options: tag, type, root, data-class. `-` and `_` are the
// same in all of them. Leaves `settings` alone on failure: Errc::invalid_argument `invalid
// key`, `invalid value: …`, `negative value`.
Status set_setting(QuerySettings& settings, std::string_view key, std::string_view value,
                   UnixTime now);
// Unknown keys are ignored.
void unset_setting(QuerySettings& settings, std::string_view key);

// Everything that `more` sets replaces what `settings` has, lists as a whole.
void overlay(QuerySettings& settings, const QuerySettings& more);

// Items without blanks around them; empty ones are dropped.
std::vector<std::string> split_list(std::string_view text);
// The same, of tags; appended, those with `!` before them to `ignored`.
void append_tags(std::string_view text, std::vector<std::string>& tags,
                 std::vector<std::string>& ignored);

}  // namespace plakar::config
