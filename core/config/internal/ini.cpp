#include "core/config/internal/ini.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/base/text.h"
#include "core/config/places_document.h"

namespace plakar::config {
namespace {

constexpr std::string_view triple = "\"\"\"";
constexpr std::string_view blanks = " \t\r\n\v\f";

std::string_view trim_left(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(blanks), text.size()));
}

std::string_view trim(std::string_view text) {
  text = trim_left(text);
  return text.substr(0, text.find_last_not_of(blanks) + 1);
}

Error error(std::string_view message, std::string_view line) {
  return Error(Errc::invalid_argument,
               "failed to parse config data: " + std::string(message) + ": " + escape(line));
}

class IniReader {
 public:
  explicit IniReader(std::string_view text) : rest_(text) {}

  Result<Places> read() {
    constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
    if (rest_.starts_with(byte_order_mark)) rest_.remove_prefix(byte_order_mark.size());
    std::size_t section = 0;
    places_.places.push_back({"DEFAULT", {}});  // what stands before any section
    while (!rest_.empty()) {
      const std::string_view line = trim(next_line());
      if (line.empty() || line[0] == '#' || line[0] == ';') continue;
      if (line[0] == '[') {
        section = PLK_TRY(find_section(line));
      } else {
        PLK_TRY(read_option(line, places_.places[section].options));
      }
    }
    places_.places.erase(places_.places.begin());
    return std::move(places_);
  }

 private:
  std::string_view next_line() {
    const std::size_t size = std::min(rest_.find('\n'), rest_.size());
    const std::string_view line = rest_.substr(0, size);
    rest_.remove_prefix(std::min(size + 1, rest_.size()));
    return line;
  }

  Result<std::size_t> find_section(std::string_view line) {
    const std::size_t end = line.rfind(']');
    if (end == line.npos) return error("unclosed section", line);
    const std::string_view name = trim(line.substr(1, end - 1));
    if (name.empty()) return error("empty section name", line);
    for (std::size_t i = 0; i < places_.places.size(); ++i) {
      if (places_.places[i].name == name) return i;
    }
    if (places_.places.size() > places_max) return error("too many sections", line);
    places_.places.push_back({std::string(name), {}});
    return places_.places.size() - 1;
  }

  Status read_option(std::string_view line, Options& options) {
    std::string_view quote;
    for (const std::string_view candidate :
         {triple, std::string_view("\""), std::string_view("`")}) {
      if (quote.empty() && line.starts_with(candidate)) quote = candidate;
    }
    const std::size_t key_begin = quote.size();
    std::size_t key_end = 0;
    std::size_t delimiter = 0;
    if (quote.empty()) {
      key_end = delimiter = line.find_first_of("=:");
    } else {
      key_end = line.find(quote, key_begin);
      if (key_end == line.npos) return error("missing closing key quote", line);
      delimiter = line.find_first_of("=:", key_end + quote.size());
    }
    if (delimiter == line.npos) return error("key-value delimiter not found", line);
    std::string_view key = line.substr(key_begin, key_end - key_begin);
    key = trim(key);
    if (key.empty()) return error("empty key name", line);
    std::string value = PLK_TRY(read_value(trim_left(line.substr(delimiter + 1))));
    if (options.size() == options_max && find_option(options, key) == nullptr) {
      return error("too many options", line);
    }
    set_option(options, key, value);
    return {};
  }

  Result<std::string> read_value(std::string_view value) {
    if (value.starts_with(triple) && (value.size() > triple.size() || !rest_.empty()))
      return read_raw(value.substr(triple.size()), triple);
    if (value.starts_with('`')) return read_raw(value.substr(1), "`");
    if (value.ends_with('\\')) {
      std::string joined;  // In such a value # and ; begin no comment.
      for (; value.ends_with('\\'); value = rest_.empty() ? "" : trim(next_line())) {
        joined += value.substr(0, value.size() - 1);
      }
      return joined += value;
    }
    value = trim(value.substr(0, value.find_first_of("#;")));
    for (const char quote : {'\'', '"'}) {
      const bool quoted =
          value.size() >= 2 && value[0] == quote && value.find(quote, 1) == value.size() - 1;
      if (quoted) return std::string(value.substr(1, value.size() - 2));
    }
    return std::string(value);
  }

  // Up to the closing quotes, over as many lines as it takes. `begin` is a part of the text
  // right before `rest_`.
  Result<std::string> read_raw(std::string_view begin, std::string_view quote) {
    const std::string_view text(
        begin.data(), static_cast<std::size_t>(rest_.data() - begin.data()) + rest_.size());
    std::size_t end = text.find(quote);
    if (end == text.npos) return error("missing closing quotes", begin);
    // The last ones on their line: the value may hold quotes itself.
    end = text.rfind(quote, std::min(text.find('\n', end), text.size()));
    std::string value(text.substr(0, end));
    // The rest of the last line is not looked at.
    rest_ = text.substr(end + quote.size());
    next_line();
    return value;
  }

  std::string_view rest_;
  Places places_;
};

std::string write_key(std::string_view key) {
  if (key.find('`') != key.npos)
    return std::string(triple) + std::string(key) + std::string(triple);
  if (key.find_first_of("\"=:") != key.npos) return '`' + std::string(key) + '`';
  return std::string(key);
}

std::string write_value(std::string_view value) {
  if (value.find_first_of("\n`") != value.npos) {
    return std::string(triple) + std::string(value) + std::string(triple);
  }
  // The genuine writer forgets the last three, and its reader loses their quotes and more.
  const bool raw = value.find_first_of("#;") != value.npos || value.ends_with('\\') ||
                   value.starts_with('\'') || value.starts_with('"');
  if (raw) return '`' + std::string(value) + '`';
  if (trim(value).size() != value.size()) return '"' + std::string(value) + '"';
  return std::string(value);
}

}  // namespace

Result<Places> parse_ini(std::string_view text) { return IniReader(text).read(); }

std::string write_ini(const Place& place) {
  std::vector<std::pair<std::string, std::string>> lines;
  std::size_t width = 0;
  for (const Option& option : place.options) {
    lines.emplace_back(write_key(option.key), write_value(option.value));
    width = std::max(width, lines.back().first.size());
  }
  std::string text = "[" + place.name + "]\n";
  for (const auto& [key, value] : lines) {
    text += key;
    text.append(width - key.size(), ' ');
    text += " = " + value + "\n";
  }
  return text;
}

}  // namespace plakar::config
