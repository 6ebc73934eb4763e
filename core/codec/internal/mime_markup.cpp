#include "core/codec/internal/mime_rules.h"

namespace plakar::codec::mime {

namespace {

using namespace std::string_view_literals;

// How far into a text its own charset is looked for.
constexpr std::size_t charset_window_bytes = 1024;

struct Attribute {
  std::string_view name;
  std::string_view value;
};

// The attributes of a tag, one after the other.
class Attributes {
 public:
  // `tag` starts behind the tag's name.
  explicit Attributes(std::string_view tag) : rest_(tag) {}

  // None at the end of the tag, which a slash right behind a name is, too, and none where a
  // value has no end. The reference rejects the whole tag only where that value has no quotes.
  std::optional<Attribute> next() {
    while (!rest_.empty() && (is_space(rest_.front()) || rest_.front() == '/')) {
      rest_.remove_prefix(1);
    }
    if (rest_.empty() || rest_.front() == '>') return {};
    std::size_t at = 1;  // a name may start with any octet, even "="
    while (at < rest_.size() && !is_space(rest_[at]) && rest_[at] != '=' && rest_[at] != '/' &&
           rest_[at] != '>') {
      ++at;
    }
    Attribute attribute{rest_.substr(0, at), {}};
    rest_ = rest_.substr(at);
    if (rest_.starts_with('/')) rest_ = {};
    rest_ = skip_spaces(rest_);
    if (!rest_.starts_with('=')) return attribute;

    rest_ = skip_spaces(rest_.substr(1));
    if (rest_.starts_with('"') || rest_.starts_with('\'')) {
      const auto end = rest_.find(rest_.front(), 1);
      if (end == std::string_view::npos) return {};
      attribute.value = rest_.substr(1, end - 1);
      rest_.remove_prefix(end + 1);
      return attribute;
    }
    std::size_t end = 0;
    while (end < rest_.size() && !is_space(rest_[end]) && rest_[end] != '>') ++end;
    if (end == rest_.size()) {
      broken_ = true;
      return {};
    }
    attribute.value = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return attribute;
  }

  std::string_view rest() const noexcept { return rest_; }
  bool broken() const noexcept { return broken_; }

 private:
  std::string_view rest_;
  bool broken_ = false;
};

// Where the attributes of a tag start; nothing when it has none.
std::string_view behind_tag_name(std::string_view tag) {
  while (!tag.empty() && !is_space(tag.front())) {
    if (tag.front() == '/' || tag.front() == '>') return {};
    tag.remove_prefix(1);
  }
  return tag;
}

// The value of `charset=` in the content of a <meta http-equiv=content-type>.
std::string_view charset_parameter(std::string_view content) {
  constexpr std::string_view name = "charset";
  for (;;) {
    const auto found = content.find(name);
    if (found == std::string_view::npos) return "";
    content = skip_spaces(content.substr(found + name.size()));
    if (!content.starts_with('=')) continue;
    content = skip_spaces(content.substr(1));
    if (content.starts_with('"') || content.starts_with('\'')) {
      return content.substr(1, content.find(content.front(), 1) - 1);
    }
    std::size_t end = 0;
    while (end < content.size() && !is_space(content[end]) && content[end] != ';') ++end;
    return content.substr(0, end);
  }
}

std::string_view meta_charset(Attributes& attributes) {
  // Of several attributes with one name the first counts.
  std::optional<bool> names_content_type;
  std::optional<std::string_view> direct;
  std::optional<std::string_view> in_content;
  while (const auto attribute = attributes.next()) {
    const auto is = [&](std::string_view name) {
      return attribute->name.size() == name.size() && starts_with_any_case(attribute->name, name);
    };
    if (is("http-equiv")) {
      if (!names_content_type) {
        names_content_type = starts_with_any_case(attribute->value, "content-type");
      }
    } else if (is("charset")) {
      if (!direct) direct = attribute->value;
    } else if (is("content")) {
      if (!in_content) in_content = charset_parameter(attribute->value);
    }
  }
  if (attributes.broken()) return "";
  if (!direct.value_or("").empty()) return *direct;
  return names_content_type.value_or(false) ? in_content.value_or("") : std::string_view();
}

// Something a browser takes for a tag named `lower`, at the start of `text`.
bool is_tag(std::string_view text, std::string_view lower) {
  if (!starts_with_any_case(text, lower) || text.size() == lower.size()) return false;
  const char next = text[lower.size()];
  return is_space(next) || next == '>';
}

// Elements that are recognised by the root's name and a string behind it, near the start.
struct XmlKind {
  std::string_view root;  // "<name"; "" where any will do
  std::string_view mark;  // "" where the root is enough
  std::string_view type;
};

constexpr XmlKind xml_kinds[] = {
    {"<rss", "", "application/rss+xml"},
    {"<feed", "xmlns=\"http://www.w3.org/2005/Atom\"", "application/atom+xml"},
    {"<X3D", "xmlns:xsd=\"http://www.w3.org/2001/XMLSchema-instance\"", "model/x3d+xml"},
    {"<kml", "xmlns=\"http://www.opengis.net/kml/2.2\"", "application/vnd.google-earth.kml+xml"},
    {"<kml", "xmlns=\"http://earth.google.com/kml/2.0\"", "application/vnd.google-earth.kml+xml"},
    {"<kml", "xmlns=\"http://earth.google.com/kml/2.1\"", "application/vnd.google-earth.kml+xml"},
    {"<kml", "xmlns=\"http://earth.google.com/kml/2.2\"", "application/vnd.google-earth.kml+xml"},
    {"<xliff", "xmlns=\"urn:oasis:names:tc:xliff:document:1.2\"", "application/x-xliff+xml"},
    {"<COLLADA", "xmlns=\"http://www.collada.org/2005/11/COLLADASchema\"", "model/vnd.collada+xml"},
    {"", "xmlns:gml=\"http://www.opengis.net/gml\"", "application/gml+xml"},
    {"", "xmlns:gml=\"http://www.opengis.net/gml/3.2\"", "application/gml+xml"},
    {"", "xmlns:gml=\"http://www.opengis.net/gml/3.3/exr\"", "application/gml+xml"},
    {"<gpx", "xmlns=\"http://www.topografix.com/GPX/1/1\"", "application/gpx+xml"},
    {"<TrainingCenterDatabase",
     "xmlns=\"http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2\"",
     "application/vnd.garmin.tcx+xml"},
    {"<amf", "", "application/x-amf"},
    {"<model", "xmlns=\"http://schemas.microsoft.com/3dmanufacturing/core/2015/02\"",
     "application/vnd.ms-package.3dmanufacturing-3dmodel+xml"},
    {"<xfdf", "xmlns=\"http://ns.adobe.com/xfdf/\"", "application/vnd.adobe.xfdf"},
    {"<Ontology", "xmlns=\"http://www.w3.org/2002/07/owl#\"", "application/owl+xml"},
};

bool is_xhtml(std::string_view octets) {
  std::string_view rest = octets.substr(0, 1024);
  for (auto at = rest.find('<'); at != std::string_view::npos; at = rest.find('<')) {
    rest.remove_prefix(at);
    if (starts_with_any_case(rest, "<!doctype html")) return true;
    constexpr std::string_view tag = "<html";
    if (starts_with_any_case(rest, tag) && rest.size() > tag.size() && is_space(rest[tag.size()]) &&
        starts_with_any_case(rest.substr(tag.size() + 1), "xmlns=")) {
      return true;
    }
    rest.remove_prefix(1);
  }
  return false;
}

}  // namespace

std::string_view svg_type(std::string_view octets) {
  constexpr std::string_view svg = "image/svg+xml";
  std::string_view text = skip_spaces(octets);
  if (text.starts_with("<?xml")) {
    Attributes declaration(behind_tag_name(text));
    while (const auto attribute = declaration.next()) {
      if (attribute->name == "version") {
        return declaration.rest().find("<svg") != std::string_view::npos ? svg : "";
      }
    }
    return "";
  }

  if (text.starts_with("<!--")) {
    const auto end = text.find("-->");
    if (end == std::string_view::npos) return "";
    text.remove_prefix(end + 3);
  }
  if (!text.starts_with("<svg")) return "";
  Attributes attributes(behind_tag_name(text));
  while (const auto attribute = attributes.next()) {
    if (attribute->name == "xmlns" && attribute->value == "http://www.w3.org/2000/svg") return svg;
  }
  return "";
}

std::string_view html_type(std::string_view octets) {
  const std::string_view text = skip_spaces(skip_utf8_mark(octets));
  if (!text.starts_with('<')) return "";
  for (const std::string_view tag :
       {"<!doctype html"sv, "<html"sv, "<head"sv, "<script"sv, "<iframe"sv, "<h1"sv, "<div"sv,
        "<font"sv, "<table"sv, "<a"sv, "<style"sv, "<title"sv, "<b"sv, "<body"sv, "<br"sv, "<p"sv,
        "<!--"sv}) {
    if (is_tag(text, tag)) return "text/html";
  }
  return "";
}

std::string_view xml_type(std::string_view octets) {
  if (!is_tag(skip_spaces(skip_utf8_mark(octets)), "<?xml")) return "";
  const std::string_view start = skip_spaces(octets).substr(0, 512);
  for (const XmlKind& kind : xml_kinds) {
    const auto root = start.find(kind.root);
    if (root != std::string_view::npos && start.find(kind.mark, root) != std::string_view::npos) {
      return kind.type;
    }
  }
  return is_xhtml(octets) ? "application/xhtml+xml" : "text/xml";
}

std::string_view html_charset(std::string_view octets) {
  std::string_view rest = octets.substr(0, charset_window_bytes);
  for (auto at = rest.find('<'); at != std::string_view::npos; at = rest.find('<')) {
    rest.remove_prefix(at);
    if (rest.starts_with("<!--")) {
      const auto end = rest.find("-->", 2);
      // A comment without an end is not one.
      rest.remove_prefix(end == std::string_view::npos ? 1 : end + 3);
      continue;
    }
    constexpr std::string_view body = "<body";
    constexpr std::string_view meta = "<meta";
    if (is_tag(rest, body)) return "";
    const bool is_meta = starts_with_any_case(rest, meta) && rest.size() > meta.size() &&
                         (is_space(rest[meta.size()]) || rest[meta.size()] == '/');
    if (!is_meta) {
      rest.remove_prefix(1);
      continue;
    }
    rest.remove_prefix(meta.size());
    Attributes attributes(rest);
    const std::string_view charset = meta_charset(attributes);
    rest = attributes.rest();
    if (!charset.empty()) return charset;
  }
  return "";
}

std::string_view xml_charset(std::string_view octets) {
  std::string_view text = skip_spaces(skip_utf8_mark(octets.substr(0, charset_window_bytes)));
  if (!is_tag(text, "<?xml")) return "";
  Attributes attributes(text.substr(5));
  while (const auto attribute = attributes.next()) {
    // The beginning of the name is enough for the reference.
    const bool named = attribute->name.starts_with("encoding");
    if (named && !attribute->value.empty()) return attribute->value;
  }
  return "";
}

}  // namespace plakar::codec::mime
