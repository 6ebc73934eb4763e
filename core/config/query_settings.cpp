#include "core/config/query_settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <system_error>
#include <utility>
#include <variant>

#include "core/base/text.h"
#include "core/config/time_expression.h"

namespace plakar::config {
namespace {

using Text = std::string QuerySettings::*;
using List = std::vector<std::string> QuerySettings::*;
using Date = DateSetting QuerySettings::*;
using Flag = bool QuerySettings::*;
struct Count {
  Period period;
  std::uint64_t RetentionRule::* number;
};

using Setting = std::variant<Text, List, Date, Flag, Count>;

struct NamedSetting {
  std::string_view name;
  Setting setting;
};

// In the order of policies.yml.
constexpr std::array<NamedSetting, 17> settings_table{
    {{"before", &QuerySettings::before},
     {"since", &QuerySettings::since},
     {"name", &QuerySettings::name},
     {"category", &QuerySettings::category},
     {"environment", &QuerySettings::environment},
     {"perimeter", &QuerySettings::perimeter},
     {"job", &QuerySettings::job},
     {"dataset", &QuerySettings::dataset},
     {"tags", &QuerySettings::tags},
     {"ignore_tags", &QuerySettings::ignore_tags},
     {"latest", &QuerySettings::latest},
     {"ids", &QuerySettings::ids},
     {"types", &QuerySettings::types},
     {"origins", &QuerySettings::origins},
     {"roots", &QuerySettings::roots},
     {"data_classes", &QuerySettings::data_classes},
     {"group_by", &QuerySettings::group_by}}};

struct Alias {
  std::string_view alias;
  std::string_view name;
};

constexpr std::array<Alias, 7> aliases{{{"tag", "tags"},
                                        {"ignore_tag", "ignore_tags"},
                                        {"id", "ids"},
                                        {"type", "types"},
                                        {"origin", "origins"},
                                        {"root", "roots"},
                                        {"data_class", "data_classes"}}};

std::optional<Setting> find_setting(std::string_view key) {
  std::string name(key);
  std::ranges::replace(name, '-', '_');
  if (const auto* alias = std::ranges::find(aliases, name, &Alias::alias); alias != aliases.end()) {
    name = alias->name;
  }
  const auto* found = std::ranges::find(settings_table, name, &NamedSetting::name);
  if (found != settings_table.end()) return found->setting;
  constexpr std::string_view per = "per_";
  if (name.starts_with(per)) {
    const auto period = parse_period(std::string_view(name).substr(per.size()));
    if (period) return Count{*period, &RetentionRule::cap};
  } else if (name.ends_with('s')) {
    const auto period = parse_period(std::string_view(name).substr(0, name.size() - 1));
    if (period) return Count{*period, &RetentionRule::keep};
  }
  return std::nullopt;
}

Error invalid_value(std::string_view why) {
  return Error(Errc::invalid_argument, "invalid value: " + std::string(why));
}

std::string in_quotes(std::string_view text) { return '"' + escape(text) + '"'; }

// Decimal digits only: policies are also read where 0x10 and 1_0 are no numbers.
Result<std::uint64_t> parse_count(std::string_view text) {
  const bool negative = text.starts_with('-');
  const std::string_view digits = text.substr(text.starts_with('+') || negative ? 1 : 0);
  std::uint64_t value = 0;
  const char* const end = digits.data() + digits.size();
  const auto [last, error] = std::from_chars(digits.data(), end, value);
  if (error == std::errc::result_out_of_range ||
      value > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
    return invalid_value(in_quotes(text) + " is out of range");
  }
  if (error != std::errc() || last != end) return invalid_value(in_quotes(text) + " is no number");
  if (negative && value > 0) return Error(Errc::invalid_argument, "negative value");
  return value;
}

Result<bool> parse_flag(std::string_view text) {
  constexpr std::array<std::string_view, 6> yes{"1", "t", "T", "true", "TRUE", "True"};
  constexpr std::array<std::string_view, 6> no{"0", "f", "F", "false", "FALSE", "False"};
  if (std::ranges::find(yes, text) != yes.end()) return true;
  if (std::ranges::find(no, text) != no.end()) return false;
  return invalid_value(in_quotes(text) + " is neither true nor false");
}

Result<DateSetting> parse_date(std::string_view text, UnixTime now) {
  DateSetting date;
  if (text.empty()) return date;
  const auto expression = TimeExpression::parse(text);
  if (!expression) return invalid_value(expression.error().message());
  const UnixTime instant = expression->at(now);
  if (expression->is_relative()) {
    date.text = text;
    date.instant = format_rfc3339(instant);
  } else {
    date.text = format_rfc3339(instant, TimePrecision::nanoseconds);
  }
  return date;
}

// One setting of one kind each.
class Setter {
 public:
  Setter(QuerySettings& settings, std::string_view value, UnixTime now)
      : settings_(settings), value_(value), now_(now) {}

  Status operator()(Text text) const {
    if (text == &QuerySettings::group_by && !parse_group_key(value_)) {
      return invalid_value(in_quotes(value_) + " is nothing to group by");
    }
    settings_.*text = value_;
    return {};
  }
  Status operator()(List list) const {
    if (list == &QuerySettings::tags) {
      std::vector<std::string> ignored;
      settings_.tags.clear();
      append_tags(value_, settings_.tags, ignored);
      if (!ignored.empty()) settings_.ignore_tags = std::move(ignored);
    } else {
      settings_.*list = split_list(value_);
    }
    return {};
  }
  Status operator()(Date date) const {
    settings_.*date = PLK_TRY(parse_date(value_, now_));
    return {};
  }
  Status operator()(Flag flag) const {
    settings_.*flag = PLK_TRY(parse_flag(value_));
    return {};
  }
  Status operator()(Count count) const {
    settings_.retention[count.period].*count.number = PLK_TRY(parse_count(value_));
    return {};
  }

 private:
  QuerySettings& settings_;
  std::string_view value_;
  UnixTime now_;
};

struct Unsetter {
  QuerySettings& settings;

  void operator()(Text text) const { (settings.*text).clear(); }
  void operator()(List list) const { (settings.*list).clear(); }
  void operator()(Date date) const { settings.*date = {}; }
  void operator()(Flag flag) const { settings.*flag = false; }
  void operator()(Count count) const { settings.retention[count.period].*count.number = 0; }
};

struct Overlay {
  QuerySettings& settings;
  const QuerySettings& more;

  void operator()(Text text) const {
    if (!(more.*text).empty()) settings.*text = more.*text;
  }
  void operator()(List list) const {
    if (!(more.*list).empty()) settings.*list = more.*list;
  }
  void operator()(Date date) const {
    if (!(more.*date).text.empty()) settings.*date = more.*date;
  }
  void operator()(Flag flag) const {
    if (more.*flag) settings.*flag = true;
  }
  void operator()(Count count) const {
    const std::uint64_t number = more.retention[count.period].*count.number;
    if (number > 0) settings.retention[count.period].*count.number = number;
  }
};

}  // namespace

Status set_setting(QuerySettings& settings, std::string_view key, std::string_view value,
                   UnixTime now) {
  const auto setting = find_setting(key);
  if (!setting) return Error(Errc::invalid_argument, "invalid key");
  return std::visit(Setter(settings, value, now), *setting);
}

void unset_setting(QuerySettings& settings, std::string_view key) {
  if (const auto setting = find_setting(key)) std::visit(Unsetter{settings}, *setting);
}

void overlay(QuerySettings& settings, const QuerySettings& more) {
  const Overlay apply{settings, more};
  for (const NamedSetting& named : settings_table) std::visit(apply, named.setting);
  for (const Period period : periods) {
    apply(Count{period, &RetentionRule::keep});
    apply(Count{period, &RetentionRule::cap});
  }
}

std::vector<std::string> split_list(std::string_view text) {
  constexpr std::string_view blanks = " \t\n\v\f\r";
  std::vector<std::string> items;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    std::string_view item = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    const std::size_t begin = item.find_first_not_of(blanks);
    if (begin == item.npos) continue;
    items.emplace_back(item.substr(begin, item.find_last_not_of(blanks) + 1 - begin));
  }
  return items;
}

void append_tags(std::string_view text, std::vector<std::string>& tags,
                 std::vector<std::string>& ignored) {
  for (std::string& tag : split_list(text)) {
    // A lone `!` is a tag of that name.
    if (tag.size() > 1 && tag.front() == '!') {
      ignored.push_back(tag.substr(1));
    } else {
      tags.push_back(std::move(tag));
    }
  }
}

}  // namespace plakar::config
