#include <vector>

#include "core/codec/internal/mime_rules.h"

namespace plakar::codec::mime {

namespace {

constexpr bool is_json_space(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

constexpr bool is_hex(char c) noexcept {
  return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'f');
}

// Whether octets are JSON, or could become JSON if there were more of them. As lenient as the
// reference: a comma before a closing bracket, leading zeros, numbers that begin or end with
// a point, and control characters in strings pass. Every value is entered by a loop, not by
// recursion, so that depth costs nothing but the window.
class Scanner {
 public:
  enum class End { complete, cut, wrong };

  explicit Scanner(std::string_view text) : text_(text) {}

  // One value and the space around it.
  End run() {
    if (const End end = value(); end != End::complete) return end;
    while (!open_.empty()) {
      if (const End end = element(); end != End::complete) return end;
    }
    skip();
    return at_ == text_.size() ? End::complete : End::wrong;
  }

  bool is_object_or_array() const noexcept { return container_; }
  bool is_geo() const noexcept { return geo_; }
  bool is_gltf() const noexcept { return gltf_; }

 private:
  struct Level {
    bool object = false;
    bool empty = true;
    std::string_view key;  // of the member that is being read
  };

  bool ended() const noexcept { return at_ == text_.size(); }
  void skip() noexcept {
    while (!ended() && is_json_space(text_[at_])) ++at_;
  }

  End value() {
    skip();
    if (ended()) return End::cut;
    const char c = text_[at_];
    if (c == '{' || c == '[') {
      if (open_.empty()) container_ = true;
      ++at_;
      open_.push_back({c == '{', true, {}});
      return End::complete;
    }
    if (c == '"') {
      std::string_view text;
      const End end = string(text);
      if (end == End::complete) note_string(text);
      return end;
    }
    if (c == 't') return word("true");
    if (c == 'f') return word("false");
    if (c == 'n') return word("null");
    return number();
  }

  // The next element of the innermost container, or its end.
  End element() {
    skip();
    if (ended()) return End::cut;
    Level& level = open_.back();
    const char close = level.object ? '}' : ']';
    if (text_[at_] == close) {
      ++at_;
      open_.pop_back();
      return End::complete;
    }
    if (!level.empty) {
      if (text_[at_] != ',') return End::wrong;
      ++at_;
      skip();
      if (ended()) return End::cut;
      if (text_[at_] == close) return End::complete;  // taken in the next round
    }
    level.empty = false;
    if (!level.object) return value();

    if (text_[at_] != '"') return End::wrong;
    if (const End end = string(level.key); end != End::complete) return end;
    skip();
    if (ended()) return End::cut;
    if (text_[at_] != ':') return End::wrong;
    ++at_;
    return value();
  }

  End string(std::string_view& text) {
    const std::size_t start = ++at_;
    while (!ended()) {
      const char c = text_[at_++];
      if (c == '"') {
        text = text_.substr(start, at_ - 1 - start);
        return End::complete;
      }
      if (c != '\\') continue;
      if (ended()) return End::cut;
      const char escaped = text_[at_++];
      if (escaped == 'u') {
        for (int i = 0; i < 4; ++i, ++at_) {
          if (ended()) return End::cut;
          if (!is_hex(text_[at_])) return End::wrong;
        }
      } else if (std::string_view("\"\\/bfnrt").find(escaped) == std::string_view::npos) {
        return End::wrong;
      }
    }
    return End::cut;
  }

  End word(std::string_view word) {
    const std::string_view here = text_.substr(at_, word.size());
    if (!word.starts_with(here)) return End::wrong;
    at_ += here.size();
    return here.size() == word.size() ? End::complete : End::cut;
  }

  End number() {
    const auto digits = [this] {
      const std::size_t start = at_;
      while (!ended() && is_digit(text_[at_])) ++at_;
      return at_ > start;
    };
    if (text_[at_] == '-' && ++at_ == text_.size()) return End::cut;
    bool any = digits();
    if (!ended() && text_[at_] == '.') {
      ++at_;
      any = digits() || any;
    }
    if (!any) return ended() ? End::cut : End::wrong;
    if (!ended() && to_lower(text_[at_]) == 'e') {
      ++at_;
      if (!ended() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
      if (!digits()) return ended() ? End::cut : End::wrong;
    }
    return End::complete;
  }

  // What tells GeoJSON and glTF from other objects.
  void note_string(std::string_view text) {
    if (open_.empty()) return;
    for (const Level& level : open_) {
      if (!level.object) return;
    }
    if (open_.size() == 1 && open_[0].key == "type") {
      for (const std::string_view type :
           {"Feature", "FeatureCollection", "Point", "LineString", "Polygon", "MultiPoint",
            "MultiLineString", "MultiPolygon", "GeometryCollection"}) {
        geo_ = geo_ || text == type;
      }
    }
    if (open_.size() == 2 && open_[0].key == "asset" && open_[1].key == "version") {
      gltf_ = gltf_ || text == "1.0" || text == "2.0";
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<Level> open_;
  bool container_ = false;
  bool geo_ = false;
  bool gltf_ = false;
};

// Lines of JSON: at least two, one of them at least more than a scalar. The reference
// forgives every line for ending early, not only the last one.
std::string_view json_lines(std::string_view rest) {
  std::size_t lines = 0;
  bool container = false;
  for (; !rest.empty(); ++lines) {
    Scanner scanner(take_line(rest));
    if (scanner.run() == Scanner::End::wrong) return "";
    container = container || scanner.is_object_or_array();
  }
  return lines > 1 && container ? "application/x-ndjson" : "";
}

}  // namespace

std::string_view json_type(const Window& window) {
  const std::string_view text = skip_spaces(window.octets);
  if (text.starts_with('{') || text.starts_with('[')) {
    Scanner scanner(window.octets);
    const auto end = scanner.run();
    const bool alone = text.size() == 1;  // nothing but the bracket
    if (end == Scanner::End::complete || (end == Scanner::End::cut && (window.cut || alone))) {
      if (scanner.is_geo()) return "application/geo+json";
      return scanner.is_gltf() ? "model/gltf+json" : "application/json";
    }
  }
  return json_lines(window.octets);
}

}  // namespace plakar::codec::mime
