#include "core/kloset/glob.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace plakar::kloset {
namespace {

constexpr std::size_t no_match = std::string_view::npos;
constexpr unsigned no_octet = 256;

// The classes of POSIX, in the C locale: what a pattern matches must not depend on the machine.
struct NamedClass {
  std::string_view name;
  bool (*contains)(unsigned c);
};

constexpr bool is_lower(unsigned c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_upper(unsigned c) { return c >= 'A' && c <= 'Z'; }
constexpr bool is_digit(unsigned c) { return c >= '0' && c <= '9'; }
constexpr bool is_alnum(unsigned c) { return is_lower(c) || is_upper(c) || is_digit(c); }
constexpr bool is_graph(unsigned c) { return c > ' ' && c < 0x7f; }

constexpr std::array<NamedClass, 12> named_classes{{
    {"alnum", is_alnum},
    {"alpha", [](unsigned c) { return is_lower(c) || is_upper(c); }},
    {"blank", [](unsigned c) { return c == ' ' || c == '\t'; }},
    {"cntrl", [](unsigned c) { return c < ' ' || c == 0x7f; }},
    {"digit", is_digit},
    {"graph", is_graph},
    {"lower", is_lower},
    {"print", [](unsigned c) { return c == ' ' || is_graph(c); }},
    {"punct", [](unsigned c) { return is_graph(c) && !is_alnum(c); }},
    {"space", [](unsigned c) { return c == ' ' || (c >= '\t' && c <= '\r'); }},
    {"upper", is_upper},
    {"xdigit",
     [](unsigned c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }},
}};

unsigned octet(char c) { return static_cast<unsigned char>(c); }

}  // namespace

class Glob::Parser {
 public:
  explicit Parser(std::string_view pattern) : rest_(pattern) {}

  // Nothing if the pattern is malformed.
  std::optional<std::vector<Name>> run() {
    names_.emplace_back();
    bool only_stars = true;  // in this name so far
    std::size_t stars = 0;
    const auto end_name = [&](bool is_last, bool escaped_slash) {
      if (!only_stars || stars < 2) return;
      // After an escaped slash git lets the stars stand for one name at least.
      names_.back().kind =
          is_last || escaped_slash ? Name::Kind::some_names : Name::Kind::any_names;
      names_.back().parts.clear();
    };
    while (!rest_.empty()) {
      const char c = take();
      if (c == '/' || (c == '\\' && rest_.starts_with('/'))) {
        if (c == '\\') take();
        end_name(false, c == '\\');
        names_.emplace_back();
        only_stars = true;
        stars = 0;
        continue;
      }
      if (c == '*') {
        ++stars;
        if (parts().empty() || parts().back().kind != Part::Kind::star) {
          parts().push_back({.kind = Part::Kind::star});
        }
        continue;
      }
      only_stars = false;
      if (c == '?') {
        parts().push_back({.kind = Part::Kind::any_one});
      } else if (c == '[') {
        if (!parse_set()) return std::nullopt;
      } else if (c == '\\') {
        if (rest_.empty()) return std::nullopt;
        add_text(take());
      } else {
        add_text(c);
      }
    }
    end_name(true, false);
    return std::move(names_);
  }

 private:
  std::vector<Part>& parts() { return names_.back().parts; }

  char take() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  void add_text(char c) {
    if (parts().empty() || parts().back().kind != Part::Kind::text) parts().emplace_back();
    parts().back().text += c;
  }

  // Behind the opening bracket. Where a slash stands in a set it is not a separator, and never
  // matches.
  bool parse_set() {
    Set set;
    bool negated = false;
    if (rest_.starts_with('!') || rest_.starts_with('^')) {
      negated = true;
      take();
    }
    unsigned before = no_octet;  // what a range may begin with
    for (bool first = true;; first = false) {
      if (rest_.empty()) return false;
      char c = take();
      if (c == ']' && !first) break;
      if (c == '[' && rest_.starts_with(':')) {
        const std::size_t end = rest_.find(']', 1);
        if (end == std::string_view::npos) return false;
        if (end >= 2 && rest_[end - 1] == ':') {
          if (!add_class(set, rest_.substr(1, end - 2))) return false;
          rest_.remove_prefix(end + 1);
          before = no_octet;
          continue;
        }
      } else if (c == '-' && before != no_octet && !rest_.empty() && rest_.front() != ']') {
        char last = take();
        if (last == '\\') {
          if (rest_.empty()) return false;
          last = take();
        }
        for (unsigned at = before; at <= octet(last); ++at) set.set(at);
        before = no_octet;
        continue;
      } else if (c == '\\') {
        if (rest_.empty()) return false;
        c = take();
      }
      set.set(octet(c));
      before = octet(c);
    }
    if (negated) set.flip();
    set.reset(octet('/'));
    parts().push_back({.kind = Part::Kind::set, .text = {}, .set = set});
    return true;
  }

  static bool add_class(Set& set, std::string_view name) {
    const auto found = std::find_if(named_classes.begin(), named_classes.end(),
                                    [&](const NamedClass& known) { return known.name == name; });
    if (found == named_classes.end()) return false;
    for (unsigned c = 0; c < set.size(); ++c) {
      if (found->contains(c)) set.set(c);
    }
    return true;
  }

  std::string_view rest_;
  std::vector<Name> names_;
};

Glob::Glob(std::string_view pattern) {
  auto names = Parser(pattern).run();
  malformed_ = !names;
  if (names) names_ = *std::move(names);
}

// How much of `text` the part takes from its beginning.
std::size_t Glob::match_part(const Part& part, std::string_view text) {
  if (part.kind == Part::Kind::text) {
    return text.starts_with(part.text) ? part.text.size() : no_match;
  }
  if (text.empty()) return no_match;
  return part.kind == Part::Kind::any_one || part.set.test(octet(text.front())) ? 1 : no_match;
}

// Only the last star is ever widened: what an earlier one could still take, the last one can take
// as well.
bool Glob::matches_name(const std::vector<Part>& parts, std::string_view name) {
  std::size_t part = 0;
  std::size_t at = 0;
  std::size_t star = no_match;  // the last star met, and
  std::size_t star_end = 0;     // where what it takes ends
  while (true) {
    if (part == parts.size() && at == name.size()) return true;
    if (part < parts.size() && parts[part].kind == Part::Kind::star) {
      star = part++;
      star_end = at;
      if (part == parts.size()) return true;
      continue;
    }
    const std::size_t taken =
        part < parts.size() ? match_part(parts[part], name.substr(at)) : no_match;
    if (taken != no_match) {
      ++part;
      at += taken;
      continue;
    }
    if (star == no_match || star_end == name.size()) return false;
    at = ++star_end;
    part = star + 1;
  }
}

// The same with names in the place of characters.
bool Glob::matches(std::string_view path) const {
  if (malformed_) return false;
  const auto length_of_first = [](std::string_view text) {
    return std::min(text.find('/'), text.size());
  };
  constexpr std::size_t ended = no_match;  // behind the last name
  const auto behind = [&](std::size_t at) {
    const std::size_t end = at + length_of_first(path.substr(at));
    return end == path.size() ? ended : end + 1;
  };
  std::size_t name = 0;
  std::size_t at = 0;
  std::size_t star = no_match;
  std::size_t star_end = 0;
  while (true) {
    if (name == names_.size() && at == ended) return true;
    bool matched = false;
    if (name < names_.size()) {
      const Name& wanted = names_[name];
      if (wanted.kind == Name::Kind::any_names ||
          (wanted.kind == Name::Kind::some_names && at != ended)) {
        star = name++;
        star_end = wanted.kind == Name::Kind::any_names ? at : behind(at);
        at = star_end;
        continue;
      }
      matched = wanted.kind == Name::Kind::parts && at != ended &&
                matches_name(wanted.parts, path.substr(at, length_of_first(path.substr(at))));
    }
    if (matched) {
      ++name;
      at = behind(at);
      continue;
    }
    if (star == no_match || star_end == ended) return false;
    star_end = behind(star_end);
    at = star_end;
    name = star + 1;
  }
}

}  // namespace plakar::kloset
