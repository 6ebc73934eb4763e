// Colours the text of source files for a terminal: comments, texts, numbers and keywords, by simple
// rules for families of languages. It does not understand any of them, and where a rule is wrong
// about a line, only its colours are.
//
//   auto highlighter = Highlighter::for_name("main.cpp");
//   if (highlighter) highlighter->add(bytes, out); ... highlighter->finish(out);
//
// Without the colours, what comes out is what went in, octet for octet.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace plakar::cli {

struct Language;

class Highlighter {
 public:
  // By the file's name, of which the path may be a part; nothing for a language that is not known.
  static std::optional<Highlighter> for_name(std::string_view name);

  // Text comes in any pieces; what is complete of it is appended to `out`, a line at a time.
  void add(std::string_view text, std::string& out);
  void finish(std::string& out);

 private:
  explicit Highlighter(const Language& language) : language_(&language) {}

  void colour_line(std::string_view line, std::string& out);
  std::size_t take_token(std::string_view rest, std::string& out);

  const Language* language_;
  std::string pending_;       // of a line that has not ended
  std::string_view until_{};  // what ends the comment or text that the last line was in
  std::string_view colour_{};
};

}  // namespace plakar::cli
