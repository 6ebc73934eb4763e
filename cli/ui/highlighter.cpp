#include "cli/ui/highlighter.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace plakar::cli {
namespace {

using std::string_view;

constexpr string_view comment_colour = "\033[36m";
constexpr string_view text_colour = "\033[32m";
constexpr string_view number_colour = "\033[35m";
constexpr string_view keyword_colour = "\033[33m";
constexpr string_view plain = "\033[0m";

// Longer lines are no source text, and are taken in pieces.
constexpr std::size_t line_bytes_max = 64 * 1024;

constexpr auto c_keywords = std::to_array<string_view>(
    {"abstract",  "as",        "async",     "auto",   "await",  "bool",    "boolean",   "break",
     "case",      "catch",     "chan",      "char",   "class",  "const",   "constexpr", "continue",
     "default",   "defer",     "delete",    "do",     "double", "else",    "enum",      "export",
     "extends",   "extern",    "false",     "final",  "float",  "fn",      "for",       "func",
     "function",  "go",        "goto",      "if",     "impl",   "import",  "in",        "include",
     "inline",    "int",       "interface", "let",    "long",   "map",     "match",     "mod",
     "mut",       "namespace", "new",       "nil",    "null",   "nullptr", "override",  "package",
     "private",   "protected", "pub",       "public", "range",  "return",  "select",    "self",
     "short",     "signed",    "sizeof",    "static", "struct", "super",   "switch",    "template",
     "this",      "throw",     "trait",     "true",   "try",    "type",    "typedef",   "typename",
     "undefined", "union",     "unsigned",  "use",    "using",  "var",     "virtual",   "void",
     "where",     "while",     "yield"});
constexpr auto script_keywords = std::to_array<string_view>(
    {"False",   "None",  "True",    "and",      "as",     "assert", "async",    "await", "begin",
     "break",   "case",  "class",   "continue", "def",    "del",    "do",       "done",  "elif",
     "else",    "elsif", "end",     "ensure",   "esac",   "except", "export",   "false", "fi",
     "finally", "for",   "from",    "function", "global", "if",     "import",   "in",    "is",
     "lambda",  "local", "module",  "my",       "next",   "nil",    "nonlocal", "not",   "or",
     "pass",    "raise", "require", "rescue",   "return", "select", "self",     "sub",   "then",
     "true",    "try",   "unless",  "until",    "use",    "when",   "while",    "with",  "yield"});
constexpr auto data_keywords =
    std::to_array<string_view>({"false", "no", "null", "off", "on", "true", "yes"});
constexpr auto sql_keywords = std::to_array<string_view>(
    {"ALTER",  "AND",     "AS",     "BEGIN",  "BY",     "CASE",   "COMMIT",  "COPY",
     "CREATE", "DEFAULT", "DELETE", "DROP",   "ELSE",   "END",    "FROM",    "GROUP",
     "HAVING", "IN",      "INDEX",  "INSERT", "INTO",   "IS",     "JOIN",    "KEY",
     "LIMIT",  "NOT",     "NULL",   "ON",     "OR",     "ORDER",  "PRIMARY", "SELECT",
     "SET",    "TABLE",   "THEN",   "UNION",  "UPDATE", "VALUES", "WHEN",    "WHERE"});

// Sorted, for the search.
static_assert(std::ranges::is_sorted(c_keywords));
static_assert(std::ranges::is_sorted(script_keywords));
static_assert(std::ranges::is_sorted(data_keywords));
static_assert(std::ranges::is_sorted(sql_keywords));

// Begins with `begin`, and goes on to `end`, over lines unless that is the end of the line.
struct Span {
  string_view begin;
  string_view end;  // empty: the line's
  string_view colour;
  bool lines = false;  // may go over lines
};

// The longer ones of the same beginning first.
constexpr auto c_spans = std::to_array<Span>({{"//", "", comment_colour},
                                              {"/*", "*/", comment_colour, true},
                                              {"\"", "\"", text_colour},
                                              {"'", "'", text_colour},
                                              {"`", "`", text_colour, true}});
constexpr auto script_spans = std::to_array<Span>({{"#", "", comment_colour},
                                                   {"\"\"\"", "\"\"\"", text_colour, true},
                                                   {"'''", "'''", text_colour, true},
                                                   {"\"", "\"", text_colour},
                                                   {"'", "'", text_colour}});
constexpr auto data_spans = std::to_array<Span>(
    {{"#", "", comment_colour}, {"\"", "\"", text_colour}, {"'", "'", text_colour}});
constexpr auto json_spans = std::to_array<Span>({{"\"", "\"", text_colour}});
constexpr auto sql_spans = std::to_array<Span>({{"--", "", comment_colour},
                                                {"/*", "*/", comment_colour, true},
                                                {"'", "'", text_colour, true}});

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         (c & 0x80) != 0;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

struct Language {
  std::span<const Span> spans;
  std::span<const string_view> keywords;
  // Endings of names, each between blanks.
  string_view names;
};

namespace {

constexpr auto languages = std::to_array<Language>(
    {{c_spans, c_keywords,
      " .c .h .cc .cpp .cxx .hpp .cs .css .dart .go .java .js .jsx .kt .mjs .php .proto .rs .scala "
      ".scss .swift .ts .tsx "},
     {script_spans, script_keywords,
      " .bash .cmake .mk .pl .pm .ps1 .py .pyi .r .rb .sh .tcl .zsh Dockerfile Makefile "},
     {data_spans, data_keywords, " .cfg .conf .env .ini .properties .toml .yaml .yml "},
     {json_spans, data_keywords, " .json .jsonl .geojson "},
     {sql_spans, sql_keywords, " .sql "}});

}  // namespace

std::optional<Highlighter> Highlighter::for_name(string_view name) {
  name.remove_prefix(name.rfind('/') + 1);
  const std::size_t dot = name.rfind('.');
  const string_view ending = dot == string_view::npos ? name : name.substr(dot);
  if (ending.find(' ') != string_view::npos) return std::nullopt;
  const std::string wanted = " " + std::string(ending) + " ";
  for (const Language& language : languages) {
    if (language.names.find(wanted) != string_view::npos) return Highlighter(language);
  }
  return std::nullopt;
}

void Highlighter::add(string_view text, std::string& out) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::size_t room = line_bytes_max - pending_.size();
    const std::size_t size = std::min({end, text.size(), room});
    pending_ += text.substr(0, size);
    text.remove_prefix(size);
    const bool ended = size == end;
    if (!ended && pending_.size() < line_bytes_max) return;
    colour_line(pending_, out);
    pending_.clear();
    if (ended) {
      out += '\n';
      text.remove_prefix(1);
    }
  }
}

void Highlighter::finish(std::string& out) {
  colour_line(pending_, out);
  pending_.clear();
}

void Highlighter::colour_line(string_view line, std::string& out) {
  while (!line.empty()) line.remove_prefix(take_token(line, out));
}

// Appends the first token of a line, and returns its size. Colours end with the line, so that one
// that is cut off leaves none behind.
std::size_t Highlighter::take_token(string_view rest, std::string& out) {
  const auto coloured = [&](std::size_t size, string_view colour) {
    out.append(colour).append(rest.substr(0, size)).append(plain);
    return size;
  };
  if (!until_.empty()) {
    const std::size_t end = rest.find(until_);
    if (end == string_view::npos) return coloured(rest.size(), colour_);
    return coloured(end + std::exchange(until_, {}).size(), colour_);
  }
  for (const Span& span : language_->spans) {
    if (!rest.starts_with(span.begin)) continue;
    if (span.end.empty()) return coloured(rest.size(), span.colour);
    std::size_t at = span.begin.size();
    while (at < rest.size() && !rest.substr(at).starts_with(span.end)) {
      at += rest[at] == '\\' ? 2 : 1;  // what is escaped ends nothing
    }
    if (at < rest.size()) return coloured(at + span.end.size(), span.colour);
    if (span.lines) {
      until_ = span.end;
      colour_ = span.colour;
    }
    return coloured(rest.size(), span.colour);
  }
  if (!is_word(rest[0])) {
    out += rest[0];
    return 1;
  }
  const auto word_end = std::ranges::find_if_not(rest, is_word);
  const string_view word = rest.substr(0, static_cast<std::size_t>(word_end - rest.begin()));
  if (is_digit(word[0])) return coloured(word.size(), number_colour);
  if (std::ranges::binary_search(language_->keywords, word)) {
    return coloured(word.size(), keyword_colour);
  }
  out += word;
  return word.size();
}

}  // namespace plakar::cli
