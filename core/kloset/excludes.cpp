#include "core/kloset/excludes.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/base/text.h"

namespace plakar::kloset {
namespace {

constexpr std::string_view wildcards = "*?[\\";

// Without the spaces at its end, but for one behind a backslash. Tabs stay.
std::string_view without_trailing_spaces(std::string_view line) {
  std::size_t end = 0;
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (line[at] == ' ') continue;
    if (line[at] == '\\') ++at;
    end = std::min(at + 1, line.size());
  }
  return line.substr(0, end);
}

}  // namespace

Status Excludes::add_line(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.starts_with('#')) return {};
  line = without_trailing_spaces(line);
  if (line.empty()) return {};
  if (line.size() > pattern_size_max) {
    return Error(Errc::invalid_argument, "an exclude pattern of " + std::to_string(line.size()) +
                                             " bytes; " + std::to_string(pattern_size_max) +
                                             " are allowed: " + escape(line.substr(0, 40)) + "...");
  }
  if (line.find_first_of(std::string_view("\0\n", 2)) != std::string_view::npos) {
    return Error(Errc::invalid_argument,
                 "an exclude pattern that is not one line: " + escape(line.substr(0, 40)));
  }
  if (rules_.size() == pattern_count_max) {
    return Error(Errc::invalid_argument,
                 "more than " + std::to_string(pattern_count_max) + " exclude patterns");
  }
  bool takes_back = false;
  bool directories_only = false;
  if (line.starts_with('!')) {
    takes_back = true;
    line.remove_prefix(1);
  }
  if (line.ends_with('/')) {
    directories_only = true;
    line.remove_suffix(1);
  }
  if (line.empty()) return {};
  if (line.starts_with("**/") && line.find('/', 3) == std::string_view::npos) {
    line.remove_prefix(3);  // A name at any depth, in more characters.
  }
  Rule rule{.takes_back = takes_back,
            .directories_only = directories_only,
            .is_name = line.find('/') == std::string_view::npos};
  if (line.starts_with('/')) line.remove_prefix(1);
  const auto number = static_cast<std::int32_t>(rules_.size());
  if (RulesByText* const table = find_table(rule, line)) {
    if (line.starts_with('*')) line.remove_prefix(1);
    LastRules& last = (*table)[std::string(line)];
    (directories_only ? last.directories_only : last.any) = number;
  } else {
    // As git does it. It makes a difference: two stars that follow upon letters here begin what the
    // glob sees, and so stand for directories.
    const std::size_t plain = rule.is_name ? 0 : line.find_first_of(wildcards);
    rule.prefix = line.substr(0, plain);
    rule.glob = Glob(line.substr(plain));
    others_.push_back(number);
  }
  rules_.push_back(std::move(rule));
  return {};
}

// The table that a rule's text belongs in, if its pattern is simple enough for one.
Excludes::RulesByText* Excludes::find_table(const Rule& rule, std::string_view pattern) {
  if (pattern.find_first_of(wildcards) == std::string_view::npos) {
    return rule.is_name ? &names_ : &paths_;
  }
  const bool is_ending = rule.is_name && pattern.starts_with("*.") &&
                         pattern.find_first_of(wildcards, 1) == std::string_view::npos;
  return is_ending ? &endings_ : nullptr;
}

Status Excludes::add_text(std::string_view text) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    PLK_TRY(add_line(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return {};
}

std::int32_t Excludes::find_last(const RulesByText& table, std::string_view text, EntryKind kind) {
  if (table.empty()) return -1;
  const auto found = table.find(text);
  if (found == table.end()) return -1;
  const LastRules& last = found->second;
  return kind == EntryKind::directory ? std::max(last.any, last.directories_only) : last.any;
}

std::int32_t Excludes::find_last_plain(std::string_view path, std::string_view name,
                                       EntryKind kind) const {
  std::int32_t last = std::max(find_last(names_, name, kind), find_last(paths_, path, kind));
  if (endings_.empty()) return last;
  for (std::size_t dot = name.find('.'); dot != std::string_view::npos;
       dot = name.find('.', dot + 1)) {
    last = std::max(last, find_last(endings_, name.substr(dot), kind));
  }
  return last;
}

bool Excludes::excludes(std::string_view path, EntryKind kind) const {
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.empty()) return false;
  const std::string_view name = path.substr(path.rfind('/') + 1);
  std::int32_t last = find_last_plain(path, name, kind);
  for (auto other = others_.rbegin(); other != others_.rend() && *other > last; ++other) {
    const Rule& rule = rules_[static_cast<std::size_t>(*other)];
    if (rule.directories_only && kind != EntryKind::directory) continue;
    std::string_view text = rule.is_name ? name : path;
    if (!text.starts_with(rule.prefix)) continue;
    text.remove_prefix(rule.prefix.size());
    if (rule.glob.matches(text)) last = *other;
  }
  return last >= 0 && !rules_[static_cast<std::size_t>(last)].takes_back;
}

bool Excludes::excludes_or_above(std::string_view path, EntryKind kind) const {
  for (std::size_t slash = path.find('/', 1); slash != std::string_view::npos;
       slash = path.find('/', slash + 1)) {
    if (excludes(path.substr(0, slash), EntryKind::directory)) return true;
  }
  return excludes(path, kind);
}

}  // namespace plakar::kloset
