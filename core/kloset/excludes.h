// What a backup leaves out: patterns as in .gitignore, one a line.
//
//   cache          anything of that name, at any depth
//   *.o  ?.tmp  [a-z]*  [![:digit:]]*
//                  `*` and `?` stand for anything but a slash
//   /home/*/tmp    with a slash before its end: the whole path from the source's "/" on
//   **/a  a/**  a/**/b
//                  any number of directories; a `**` that is not alone between slashes is a `*`
//   build/         with a slash at its end: directories only
//   !keep.o        takes back what an earlier pattern excluded
//   \#a  \!a  a\   a backslash takes the next character as it is, a trailing space too
//   # comment      and empty lines are passed over
//
// The last pattern that matches decides. What is in an excluded directory is excluded, and no
// later pattern brings it back: a walk does not enter the directory, so it need not ask.
//
// A pattern that cannot match anything, such as one with an unclosed bracket, is not an error, as
// in git. Matching takes time in proportion to the lengths of pattern and path multiplied, however
// many stars there are.
//
// Not thread-safe while lines are added; then it may be asked from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/result.h"
#include "core/kloset/glob.h"

namespace plakar::kloset {

enum class EntryKind : std::uint8_t { directory, other };

class Excludes {
 public:
  // More, or longer ones, are Errc::invalid_argument.
  static constexpr std::size_t pattern_count_max = 10'000;
  static constexpr std::size_t pattern_size_max = 4096;

  // One line, with or without its newline.
  Status add_line(std::string_view line);
  // The lines of a file.
  Status add_text(std::string_view text);

  bool empty() const noexcept { return rules_.empty(); }

  // Whether the last pattern that matches the path itself excludes it. For a walk that asks for
  // every directory before it goes in. `path` is absolute and clean.
  bool excludes(std::string_view path, EntryKind kind) const;
  // The same, or whether a directory above it is excluded. `kind` is that of the last name.
  bool excludes_or_above(std::string_view path, EntryKind kind) const;

 private:
  struct Rule {
    bool takes_back = false;
    bool directories_only = false;
    bool is_name = false;  // compared with the last name, not with the path
    std::string prefix{};  // what a path begins with, character for character; and
    Glob glob{};           // what the rest of it is like
  };

  // The numbers of the last rules with the same text; -1: there is none.
  struct LastRules {
    std::int32_t any = -1;
    std::int32_t directories_only = -1;
  };
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>()(text);
    }
  };
  using RulesByText = std::unordered_map<std::string, LastRules, TextHash, std::equal_to<>>;

  RulesByText* find_table(const Rule& rule, std::string_view pattern);
  static std::int32_t find_last(const RulesByText& table, std::string_view text, EntryKind kind);
  std::int32_t find_last_plain(std::string_view path, std::string_view name, EntryKind kind) const;

  std::vector<Rule> rules_;
  // Of most patterns nothing is matched: those without wildcards, and those like "*.o", are looked
  // up. A thousand of them cost what one does.
  RulesByText names_;
  RulesByText paths_;
  RulesByText endings_;               // of names, from a dot on
  std::vector<std::int32_t> others_;  // the numbers of all other rules, ascending
};

}  // namespace plakar::kloset
