// The options of one command, read by the classic Go conventions: -to x, --to x, -to=x
// and --to=x are the same; no bundling, no abbreviations; a boolean never takes the next
// word, every other option always does; `--` ends the options. The lexer of the global
// options and of every command.
//
//   std::string to;
//   FlagSet flags;
//   flags.text("to", to, "restore into `DIRECTORY`");
//   const Lexed lexed = flags.lex(words, FlagSet::Words::anywhere);
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace plakar::cli {

// How reading the options ended. `invalid` is exit code 2, `help` exit code 0; both print
// the usage text.
struct Lexed {
  enum class End { run, help, invalid };

  End end = End::run;
  std::string message;             // `invalid` only: what is wrong with which option.
  std::vector<std::string> words;  // What was not an option, in order.
};

// Variables that receive values are named by reference and must outlive the set; each
// holds its default before and, when the option is absent, after.
class FlagSet {
 public:
  // Whether options may stand after the first other word. The global options end there,
  // because a command begins.
  enum class Words { end_options, anywhere };

  // A `NAME` in back quotes in a help text names the value in the listing.
  void boolean(std::string name, bool& value, std::string help);
  void text(std::string name, std::string& value, std::string help);
  void integer(std::string name, std::int64_t& value, std::string help);
  void duration(std::string name, std::chrono::nanoseconds& value, std::string help);
  // `take` is called for each time the option is given; its error message is shown.
  void value(std::string name, std::function<Status(std::string_view)> take, std::string help);

  // Options of `others` are understood too, where this set has none of the name; the listing and
  // the messages are this set's.
  Lexed lex(std::span<const std::string> words, Words placement,
            const FlagSet* others = nullptr) const;

  // Sorted.
  std::vector<std::string> names() const;

  // One entry an option, sorted by name, as the usage text lists them.
  std::string listing() const;

 private:
  struct Flag {
    std::string kind;  // How the listing names the value; empty for a boolean.
    std::string help;
    std::string shown_default;  // Empty: the zero value, which is not shown.
    bool is_boolean = false;
    std::function<Status(std::string_view)> take;
  };

  void add(std::string name, Flag flag);
  const Flag* find(std::string_view name) const;

  std::map<std::string, Flag, std::less<>> flags_;
};

}  // namespace plakar::cli
