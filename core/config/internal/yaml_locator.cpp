#include "core/config/internal/yaml_locator.h"

#include <algorithm>
#include <array>

namespace plakar::config {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_space(char c) { return is_blank(c) || c == '\n' || c == '\r'; }
bool ends_flow_part(char c) { return c == ',' || c == '[' || c == ']' || c == '{' || c == '}'; }

// How a null can be spelled; 0 for other text.
std::size_t null_word(std::string_view text) {
  for (const std::string_view word : {"~", "null", "Null", "NULL"}) {
    if (text.starts_with(word)) return word.size();
  }
  return 0;
}

}  // namespace

bool YamlLocator::is_blank_or_end(std::size_t at) const {
  return at >= text_.size() || is_space(text_[at]);
}

std::size_t YamlLocator::skip_blanks(std::size_t at) const {
  while (at < text_.size() && is_blank(text_[at])) ++at;
  return at;
}

// Also newlines and comments.
std::size_t YamlLocator::skip_blanks_and_lines(std::size_t at) const {
  while (at < text_.size()) {
    if (is_space(text_[at])) {
      ++at;
    } else if (text_[at] == '#' && (at == 0 || is_space(text_[at - 1]))) {
      at = std::min(text_.find('\n', at), text_.size());
    } else {
      break;
    }
  }
  return at;
}

std::size_t YamlLocator::skip_properties(const YamlNode& node) const {
  std::size_t at = node.begin;
  if (node.kind == YamlKind::alias) return at;
  while (at < text_.size() && (text_[at] == '!' || text_[at] == '&')) {
    const std::size_t begin = at;
    while (!is_blank_or_end(at) && !(node.flow && ends_flow_part(text_[at]))) ++at;
    // yaml-cpp ends a tag at what cannot be part of one, as in `!|`; other readers do not.
    const std::string_view property = text_.substr(begin, at - begin);
    if (property.find_first_of("|>\"") != property.npos && !property.starts_with("!<")) {
      return no_offset;
    }
    at = skip_blanks_and_lines(at);
  }
  return at;
}

void YamlLocator::locate(YamlIndex index, long indent) {
  YamlNode& node = tree_.nodes_[index];
  if (!node.written) return;
  const std::size_t content = skip_properties(node);
  node.content = node.end = content == no_offset ? node.begin : content;
  if (content == no_offset && node.kind == YamlKind::scalar) return;
  switch (node.kind) {
    case YamlKind::null:
      // As a value it is located with its key; elsewhere nobody needs it.
      if (index == YamlTree::root) {
        const std::size_t word = null_word(text_.substr(node.content));
        node.written = node.located = word > 0;
        node.end = node.content + word;
      }
      return;
    case YamlKind::alias:
      while (!is_blank_or_end(node.end) && !ends_flow_part(text_[node.end])) ++node.end;
      node.located = true;
      return;
    case YamlKind::scalar:
      locate_scalar(node, indent);
      return;
    case YamlKind::sequence:
      if (node.flow) {
        for (const YamlIndex child : node.children) locate(child, indent);
        locate_brackets(node);
        return;
      }
      for (const YamlIndex child : node.children) {
        locate(child, static_cast<long>(tree_.column(node.content)));
      }
      return;
    case YamlKind::mapping:
      locate_pairs(index, indent);
      if (node.flow) locate_brackets(node);
      return;
  }
}

void YamlLocator::locate_scalar(YamlNode& node, long indent) {
  const char first = node.content < text_.size() ? text_[node.content] : ' ';
  if (first == '"') {
    node.plain = false;
    std::size_t at = node.content + 1;
    while (at < text_.size() && text_[at] != '"') at += text_[at] == '\\' ? 2 : 1;
    node.located = at < text_.size();
    node.end = std::min(at + 1, text_.size());
  } else if (first == '\'') {
    node.plain = false;
    std::size_t at = node.content + 1;
    while (at < text_.size() && (text_[at] != '\'' || text_.substr(at, 2) == "''")) {
      at += text_[at] == '\'' ? 2 : 1;
    }
    node.located = at < text_.size();
    node.end = std::min(at + 1, text_.size());
  } else if ((first == '|' || first == '>') && !node.flow) {
    node.plain = false;
    locate_literal(node, indent);
  } else {
    node.plain = true;
    locate_plain(node);
  }
}

// A plain scalar reads as its own octets, with white space that contains newlines folded:
// following the text along says where it ends.
void YamlLocator::locate_plain(YamlNode& node) {
  const std::string_view value = node.text;
  if (value.empty()) {  // a tag or anchor with nothing after it
    node.content = node.end = node.begin;
    return;
  }
  std::size_t at = node.content;
  for (std::size_t i = 0; i < value.size();) {
    if (is_space(value[i])) {
      if (at >= text_.size() || !is_space(text_[at])) return;
      while (i < value.size() && is_space(value[i])) ++i;
      while (at < text_.size() && is_space(text_[at])) ++at;
    } else {
      if (at >= text_.size() || text_[at] != value[i]) return;
      ++i;
      ++at;
    }
  }
  node.end = at;
  node.located = true;
}

// Lines after the header that are blank or indented at least like the first one.
void YamlLocator::locate_literal(YamlNode& node, long indent) {
  const std::size_t header_end = std::min(text_.find('\n', node.content), text_.size());
  const std::string_view header = text_.substr(node.content, header_end - node.content);
  const std::string_view indicators = header.substr(0, header.find_first_of(" \t\r#"));
  const bool keep = indicators.find('+') != std::string_view::npos;
  long content_indent = -1;
  if (const auto digit = indicators.find_first_of("123456789"); digit != std::string_view::npos) {
    content_indent = std::max(indent, 0L) + (indicators[digit] - '0');
  }

  const auto trim_return = [&](std::size_t end) {
    return end > node.content && text_[end - 1] == '\r' ? end - 1 : end;
  };
  node.end = trim_return(header_end);
  std::size_t at = header_end < text_.size() ? header_end + 1 : header_end;
  while (at < text_.size()) {
    const std::size_t line_end = std::min(text_.find('\n', at), text_.size());
    const std::string_view line = text_.substr(at, trim_return(line_end) - at);
    const std::size_t first = std::min(line.find_first_not_of(' '), line.size());
    const auto line_indent = static_cast<long>(first);
    // Spaces beyond the indentation are content, too.
    const bool blank =
        first == line.size() && (content_indent < 0 || line_indent <= content_indent);
    if (!blank) {
      if (line_indent <= indent || line_indent < content_indent) break;
      if (content_indent < 0) content_indent = line_indent;
      node.end = at + line.size();
    } else if (keep) {
      node.end = at + line.size();
    }
    at = line_end < text_.size() ? line_end + 1 : line_end;
  }
  node.located = true;
}

void YamlLocator::locate_pairs(YamlIndex mapping, long indent) {
  const std::vector<YamlIndex>& children = tree_.nodes_[mapping].children;
  if (children.size() < 2) return;
  const bool flow = tree_.nodes_[mapping].flow;
  const long inner =
      flow ? indent : static_cast<long>(tree_.column(tree_.nodes_[children[0]].begin));
  for (std::size_t i = 0; i + 1 < children.size(); i += 2) {
    YamlNode& key = tree_.nodes_[children[i]];
    YamlNode& value = tree_.nodes_[children[i + 1]];
    locate(children[i], inner);
    if (key.located) {
      const std::size_t at = flow ? skip_blanks_and_lines(key.end) : skip_blanks(key.end);
      if (at < text_.size() && text_[at] == ':') key.colon = at;
    }
    if (value.kind == YamlKind::null) {
      locate_empty_value(value, key, inner);
    } else {
      locate(children[i + 1], inner);
    }
  }
}

void YamlLocator::locate_empty_value(YamlNode& value, const YamlNode& key, long indent) {
  const std::size_t after_key = key.colon == no_offset ? key.end : key.colon + 1;
  value.written = false;
  if (key.located && key.colon != no_offset && value.begin >= after_key &&
      skip_blanks_and_lines(after_key) >= value.begin) {
    const std::size_t content = std::min(skip_properties(value), text_.size());
    const std::size_t word = null_word(text_.substr(content));
    const std::size_t end = content + word;
    const bool same_line = tree_.line_begin(content) == tree_.line_begin(key.colon);
    const bool inside =
        value.flow || same_line || static_cast<long>(tree_.column(content)) > indent;
    if (word > 0 && inside &&
        (is_blank_or_end(end) || (value.flow && ends_flow_part(text_[end])))) {
      value.content = content;
      value.end = end;
      value.written = value.located = true;
      return;
    }
  }
  // A tag or an anchor of nothing is not edited.
  value.located = key.located && value.anchor == 0 && value.tag.empty();
  value.begin = value.content = value.end = after_key;
}

// From the last part inside: only commas, white space and comments before the bracket.
void YamlLocator::locate_brackets(YamlNode& node) {
  const char closing = node.kind == YamlKind::mapping ? '}' : ']';
  const char opening = node.kind == YamlKind::mapping ? '{' : '[';
  if (node.content >= text_.size() || text_[node.content] != opening) return;
  std::size_t at = node.content + 1;
  const auto skip_separators = [&] {
    for (;;) {
      at = skip_blanks_and_lines(at);
      if (at >= text_.size() || (text_[at] != ',' && text_[at] != ':')) return;
      ++at;
    }
  };
  for (const YamlIndex index : node.children) {
    const YamlNode& child = tree_.nodes_[index];
    if (child.kind == YamlKind::null && !child.written) continue;
    if (!child.located) return;
    skip_separators();
    if (at != child.begin) return;
    at = child.end;
  }
  skip_separators();
  if (at >= text_.size() || text_[at] != closing) return;
  node.end = at + 1;
  node.located = true;
}

}  // namespace plakar::config
