#include "core/kloset/excludes.h"

#include <algorithm>
#include <optional>
#include <string>

#include "core/base/text.h"

namespace plakar::kloset {
namespace {

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
  const bool is_name = line.find('/') == std::string_view::npos;
  if (line.starts_with('/')) line.remove_prefix(1);
  rules_.push_back({.glob = Glob(line),
                    .takes_back = takes_back,
                    .directories_only = directories_only,
                    .is_name = is_name});
  return {};
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

bool Excludes::excludes(std::string_view path, EntryKind kind) const {
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.empty()) return false;
  const std::string_view name = path.substr(path.rfind('/') + 1);
  for (auto rule = rules_.rbegin(); rule != rules_.rend(); ++rule) {
    if (rule->directories_only && kind != EntryKind::directory) continue;
    if (rule->glob.matches(rule->is_name ? name : path)) return !rule->takes_back;
  }
  return false;
}

bool Excludes::excludes_or_above(std::string_view path, EntryKind kind) const {
  for (std::size_t slash = path.find('/', 1); slash != std::string_view::npos;
       slash = path.find('/', slash + 1)) {
    if (excludes(path.substr(0, slash), EntryKind::directory)) return true;
  }
  return excludes(path, kind);
}

}  // namespace plakar::kloset
