#include "core/config/internal/policy_yaml.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <system_error>

#include "core/base/assert.h"
#include "core/config/time_expression.h"

namespace plakar::config {
namespace {

constexpr std::size_t list_items_max = 1'000;

// The keys of each level, in the order in which genuine Plakar writes them.
constexpr std::array<std::string_view, 3> policy_keys{"filters", "periods", "group_by"};
constexpr std::array<std::string_view, 18> filter_keys{
    "before",      "before_expr", "since", "since_expr", "name",  "category",
    "environment", "perimeter",   "job",   "dataset",    "tags",  "ignore_tags",
    "latest",      "ids",         "types", "origins",    "roots", "data_classes"};
constexpr std::array<std::string_view, 13> period_keys{
    "minute",  "hour",      "day",      "week",   "month",    "year",  "monday",
    "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};
constexpr std::array<std::string_view, 2> rule_keys{"keep", "cap"};

std::span<const std::string_view> keys_of_level(const std::vector<std::string>& path,
                                                std::size_t level) {
  if (level == 0) return policy_keys;
  if (level == 2) return rule_keys;
  return path[0] == "filters" ? std::span<const std::string_view>(filter_keys) : period_keys;
}

struct TextField {
  std::string_view key;
  std::string QuerySettings::* member;
};
constexpr std::array<TextField, 6> text_fields{{{"name", &QuerySettings::name},
                                                {"category", &QuerySettings::category},
                                                {"environment", &QuerySettings::environment},
                                                {"perimeter", &QuerySettings::perimeter},
                                                {"job", &QuerySettings::job},
                                                {"dataset", &QuerySettings::dataset}}};
struct ListField {
  std::string_view key;
  std::vector<std::string> QuerySettings::* member;
};
constexpr std::array<ListField, 7> list_fields{{{"tags", &QuerySettings::tags},
                                                {"ignore_tags", &QuerySettings::ignore_tags},
                                                {"ids", &QuerySettings::ids},
                                                {"types", &QuerySettings::types},
                                                {"origins", &QuerySettings::origins},
                                                {"roots", &QuerySettings::roots},
                                                {"data_classes", &QuerySettings::data_classes}}};
struct DateField {
  std::string_view key;
  std::string_view expression_key;
  DateSetting QuerySettings::* member;
};
constexpr std::array<DateField, 2> date_fields{{{"before", "before_expr", &QuerySettings::before},
                                                {"since", "since_expr", &QuerySettings::since}}};

bool is_interval(const std::string& text) {
  const auto expression = TimeExpression::parse(text);
  return expression && expression->is_relative();
}

bool is_instant(const std::string& text) {
  const auto expression = TimeExpression::parse(text);
  return expression && !expression->is_relative();
}

YamlContent text_content(const std::string& text) { return YamlContent(std::string_view(text)); }

// --- reading --------------------------------------------------------------------------

class Reader {
 public:
  explicit Reader(const YamlTree& tree) : tree_(tree) {}

  Result<QuerySettings> read(YamlIndex policy) const {
    QuerySettings settings;
    const YamlIndex filters = PLK_TRY(mapping_at(policy, "filters"));
    for (const TextField& field : text_fields) {
      settings.*field.member = PLK_TRY(text_at(filters, field.key));
    }
    for (const ListField& field : list_fields) {
      settings.*field.member = PLK_TRY(list_at(filters, field.key));
    }
    for (const DateField& field : date_fields) {
      settings.*field.member = PLK_TRY(date_at(filters, field));
    }
    settings.latest = PLK_TRY(flag_at(filters, "latest"));
    const YamlIndex rules = PLK_TRY(mapping_at(policy, "periods"));
    for (const Period period : periods) {
      const YamlIndex rule = PLK_TRY(mapping_at(rules, to_string(period)));
      settings.retention[period] = {.keep = PLK_TRY(count_at(rule, "keep")),
                                    .cap = PLK_TRY(count_at(rule, "cap"))};
    }
    settings.group_by = PLK_TRY(text_at(policy, "group_by"));
    return settings;
  }

 private:
  // The value of a key, aliases resolved; no_yaml_node where there is none or it is nothing.
  YamlIndex value_at(YamlIndex mapping, std::string_view key) const {
    if (mapping == no_yaml_node) return no_yaml_node;
    const auto pair = tree_.find_pair(mapping, key);
    if (!pair) return no_yaml_node;
    const YamlIndex value = tree_.resolve(tree_.value(mapping, *pair));
    return tree_[value].kind == YamlKind::null ? no_yaml_node : value;
  }

  Result<YamlIndex> mapping_at(YamlIndex mapping, std::string_view key) const {
    const YamlIndex value = value_at(mapping, key);
    if (value == no_yaml_node || tree_[value].kind == YamlKind::mapping) return value;
    return error(value, key, "should have keys below it");
  }

  Result<std::string> text_at(YamlIndex mapping, std::string_view key) const {
    const YamlIndex value = value_at(mapping, key);
    if (value == no_yaml_node) return std::string();
    if (tree_[value].kind != YamlKind::scalar) {
      return error(value, key, "should be a single text");
    }
    return tree_[value].text;
  }

  Result<std::vector<std::string>> list_at(YamlIndex mapping, std::string_view key) const {
    std::vector<std::string> items;
    const YamlIndex value = value_at(mapping, key);
    if (value == no_yaml_node) return items;
    const YamlNode& node = tree_[value];
    if (node.kind != YamlKind::sequence) return error(value, key, "should be a list");
    if (node.children.size() > list_items_max) return error(value, key, "has more than 1000 items");
    for (const YamlIndex child : node.children) {
      const YamlIndex item = tree_.resolve(child);
      if (tree_[item].kind != YamlKind::scalar)
        return error(child, key, "should be a list of texts");
      items.push_back(tree_[item].text);
    }
    return items;
  }

  // What was said counts, beside what it meant once.
  Result<DateSetting> date_at(YamlIndex mapping, const DateField& field) const {
    DateSetting date;
    date.text = PLK_TRY(text_at(mapping, field.key));
    if (!date.text.empty() && !is_instant(date.text)) {
      return error(value_at(mapping, field.key), field.key, "should be a date");
    }
    std::string expression = PLK_TRY(text_at(mapping, field.expression_key));
    if (expression.empty()) return date;
    if (!is_interval(expression)) {
      return error(value_at(mapping, field.expression_key), field.expression_key,
                   "should be an interval, such as 3 months");
    }
    date.instant = std::exchange(date.text, std::move(expression));
    return date;
  }

  // The words that YAML readers know, old and new.
  Result<bool> flag_at(YamlIndex mapping, std::string_view key) const {
    constexpr std::array<std::string_view, 9> yes{"true", "True", "TRUE", "yes", "Yes",
                                                  "YES",  "on",   "On",   "ON"};
    constexpr std::array<std::string_view, 9> no{"false", "False", "FALSE", "no", "No",
                                                 "NO",    "off",   "Off",   "OFF"};
    const YamlIndex value = value_at(mapping, key);
    if (value == no_yaml_node) return false;
    const YamlNode& node = tree_[value];
    if (node.kind == YamlKind::scalar) {
      if (std::ranges::find(yes, node.text) != yes.end()) return true;
      if (std::ranges::find(no, node.text) != no.end()) return false;
    }
    return error(value, key, "should be true or false");
  }

  // What genuine Plakar takes for a negative number would delete everything.
  Result<std::uint64_t> count_at(YamlIndex mapping, std::string_view key) const {
    const YamlIndex value = value_at(mapping, key);
    if (value == no_yaml_node) return std::uint64_t{0};
    const std::string& text = tree_[value].text;
    std::uint64_t number = 0;
    const auto [last, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = last == text.data() + text.size() && !text.empty();
    if (tree_[value].kind != YamlKind::scalar || failed != std::errc() || !whole ||
        number > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
      return error(value, key, "should be a number");
    }
    return number;
  }

  Error error(YamlIndex at, std::string_view key, std::string_view why) const {
    return tree_.error(Errc::invalid_argument, tree_[at].begin,
                       std::string(key) + " " + std::string(why));
  }

  const YamlTree& tree_;
};

// --- changing -------------------------------------------------------------------------

YamlContent nested(const std::vector<std::string>& path, std::size_t from,
                   const YamlContent& content) {
  YamlContent out = content;
  for (std::size_t level = path.size(); level > from; --level) {
    std::vector<std::pair<std::string, YamlContent>> pairs;
    pairs.emplace_back(path[level - 1], std::move(out));
    out = YamlContent(std::move(pairs));
  }
  return out;
}

// Adds a key behind the last of those that come before it.
Result<std::string> insert_in_order(const YamlTree& tree, const YamlEditor& editor,
                                    YamlIndex mapping, std::span<const std::string_view> order,
                                    std::string_view key, const YamlContent& content) {
  std::optional<std::size_t> before;
  for (const std::string_view name : order) {
    if (name == key) break;
    if (const auto pair = tree.find_pair(mapping, name)) before = std::max(before, pair);
  }
  if (before) return editor.insert_after(mapping, *before, key, content);
  return editor.insert(mapping, key, content, YamlOrder::first);
}

}  // namespace

bool same_content(const YamlContent& a, const YamlContent& b) {
  return a.kind == b.kind && a.scalar == b.scalar && a.items == b.items &&
         std::ranges::equal(a.pairs, b.pairs, [](const auto& x, const auto& y) {
           return x.first == y.first && same_content(x.second, y.second);
         });
}

std::vector<PolicyLeaf> policy_leaves(const QuerySettings& settings) {
  std::vector<PolicyLeaf> leaves;
  const auto filter = [&](std::string_view key, YamlContent content) {
    leaves.push_back({{"filters", std::string(key)}, std::move(content)});
  };
  for (const DateField& field : date_fields) {
    const DateSetting& date = settings.*field.member;
    if (is_interval(date.text)) {
      if (!date.instant.empty()) filter(field.key, YamlContent::plain(date.instant));
      filter(field.expression_key, text_content(date.text));
    } else if (!date.text.empty()) {
      filter(field.key, YamlContent::plain(date.text));
    }
  }
  for (const TextField& field : text_fields) {
    const std::string& text = settings.*field.member;
    if (!text.empty()) filter(field.key, text_content(text));
  }
  for (const ListField& field : list_fields) {
    const std::vector<std::string>& items = settings.*field.member;
    if (!items.empty()) filter(field.key, YamlContent::list(items));
  }
  if (settings.latest) filter("latest", YamlContent::plain("true"));
  // Dates and texts are in order; `latest` belongs between the lists.
  std::ranges::stable_sort(leaves, {}, [](const PolicyLeaf& leaf) {
    return std::ranges::find(filter_keys, leaf.path[1]) - filter_keys.begin();
  });
  for (const std::string_view word : period_keys) {
    const auto period = parse_period(word);
    PLK_ASSERT(period.has_value());
    const RetentionRule& rule = settings.retention[*period];
    const auto count = [&](std::string_view key, std::uint64_t number) {
      if (number == 0) return;
      leaves.push_back({{"periods", std::string(word), std::string(key)},
                        YamlContent::plain(std::to_string(number))});
    };
    count("keep", rule.keep);
    count("cap", rule.cap);
  }
  if (!settings.group_by.empty()) {
    leaves.push_back({{"group_by"}, text_content(settings.group_by)});
  }
  return leaves;
}

YamlContent policy_content(const QuerySettings& settings) {
  YamlContent content{std::vector<std::pair<std::string, YamlContent>>()};
  for (PolicyLeaf& leaf : policy_leaves(settings)) {
    YamlContent* at = &content;
    for (std::size_t level = 0; level + 1 < leaf.path.size(); ++level) {
      if (at->pairs.empty() || at->pairs.back().first != leaf.path[level]) {
        at->pairs.emplace_back(leaf.path[level],
                               YamlContent(std::vector<std::pair<std::string, YamlContent>>()));
      }
      at = &at->pairs.back().second;
    }
    at->pairs.emplace_back(leaf.path.back(), std::move(leaf.content));
  }
  return content;
}

bool has_leaf(const YamlTree& tree, YamlIndex policy, const std::vector<std::string>& path) {
  YamlIndex at = policy;
  for (const std::string& name : path) {
    const auto pair = tree.find_pair(at, name);
    if (!pair) return false;
    at = tree.value(at, *pair);
  }
  return true;
}

Result<std::string> put_leaf(const YamlTree& tree, bool literal_blocks, YamlIndex policy,
                             const PolicyLeaf& leaf) {
  const YamlEditor editor(tree, literal_blocks);
  YamlIndex at = policy;
  for (std::size_t level = 0; level < leaf.path.size(); ++level) {
    const auto pair = tree.find_pair(at, leaf.path[level]);
    if (!pair) {
      return insert_in_order(tree, editor, at, keys_of_level(leaf.path, level), leaf.path[level],
                             nested(leaf.path, level + 1, leaf.content));
    }
    if (level + 1 == leaf.path.size()) return editor.set_scalar(at, *pair, leaf.content);
    at = tree.value(at, *pair);
  }
  return Error(Errc::internal, "a policy's value without a path");
}

Result<std::string> erase_leaf(const YamlTree& tree, YamlIndex policy,
                               const std::vector<std::string>& path) {
  YamlIndex at = policy;
  YamlIndex highest = policy;  // the mapping to remove from, and what
  std::string_view key = path.front();
  for (const std::string& name : path) {
    const auto pair = tree.find_pair(at, name);
    if (!pair) {
      return tree.error(Errc::unsupported, tree[at].begin,
                        name + " comes from an alias; edit the file by hand");
    }
    if (at == policy || tree.pair_count(at) > 1) {
      highest = at;
      key = name;
    }
    at = tree.value(at, *pair);
  }
  return YamlEditor(tree, false).remove(highest, *tree.find_pair(highest, key));
}

Result<QuerySettings> read_policy(const YamlTree& tree, YamlIndex policy) {
  return Reader(tree).read(tree.resolve(policy));
}

}  // namespace plakar::config
