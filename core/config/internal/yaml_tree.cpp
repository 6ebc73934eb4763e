#include "core/config/internal/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <tuple>

#include "core/base/text.h"
#include "core/config/internal/yaml_locator.h"
#include "core/config/internal/yaml_style.h"

namespace plakar::config {
namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

// A limit was reached; thrown through yaml-cpp and caught in YamlTree::parse.
struct Refused {
  std::size_t offset;
  std::string message;
};

std::size_t valid_prefix(std::string_view text) {
  std::size_t good = 0;
  while (good < text.size()) {
    std::size_t size = 1;
    while (size < 4 && size < text.size() - good && !is_utf8(text.substr(good, size))) ++size;
    if (!is_utf8(text.substr(good, size))) return good;
    good += size;
  }
  return good;
}

// yaml-cpp 0.7 reads \N and \_ in double quotes as the octets 0x85 and 0xa0 instead of the
// characters. Nothing else can put a continuation octet where a character begins.
std::string repair_escapes(std::string_view text) {
  std::string repaired;
  for (std::size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const bool lone = lead == 0x85 || lead == 0xa0;
    const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    if (lone) repaired += '\xc2';
    repaired += text.substr(at, size);
    at += size;
  }
  return repaired;
}

// The first octet that yaml-cpp must not see, and why.
std::optional<Refused> find_unreadable(std::string_view text) {
  if (!is_utf8(text)) return Refused{valid_prefix(text), "not UTF-8"};
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const char32_t c = next_character(text, at);
    if (c == '\r' && (at == text.size() || text[at] != '\n')) {
      return Refused{begin, "a carriage return without a newline"};
    }
    if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || (c >= 0x7f && c <= 0x9f)) {
      return Refused{begin, "a control character"};
    }
    if (c == 0x2028 || c == 0x2029) {
      return Refused{begin, "U+2028 or U+2029, which end a line for some programs"};
    }
    if (c == 0xfeff && begin != 0) return Refused{begin, "a byte order mark in the middle"};
  }
  return std::nullopt;
}

}  // namespace

// Builds the nodes of the first document, and counts the others.
class YamlBuilder : public YAML::EventHandler {
 public:
  YamlBuilder(YamlTree& tree, std::size_t base) : tree_(tree), base_(base) {}

  void OnDocumentStart(const YAML::Mark&) override { ++tree_.documents_; }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(mark, YamlKind::null, anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    YamlNode& node = add(mark, YamlKind::alias, 0);
    node.anchor = anchor;
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    YamlNode& node = add(mark, YamlKind::scalar, anchor);
    set_tag(node, tag);
    node.text = is_utf8(text) ? text : repair_escapes(text);
    node.plain = tag == "?";
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    open(mark, YamlKind::sequence, tag, anchor, style);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    open(mark, YamlKind::mapping, tag, anchor, style);
  }
  void OnMapEnd() override { close(); }

 private:
  YamlNode& add(const YAML::Mark& mark, YamlKind kind, YAML::anchor_t anchor) {
    const std::size_t offset =
        std::min(base_ + static_cast<std::size_t>(std::max(mark.pos, 0)), tree_.text_.size());
    if (++count_ > yaml_nodes_max) throw Refused{offset, "too many values in one file"};
    if (open_.size() >= yaml_depth_max) throw Refused{offset, "nested too deeply"};
    const bool kept = tree_.documents_ == 1;
    YamlNode& node = kept ? tree_.nodes_.emplace_back() : (scratch_ = YamlNode{});
    node.kind = kind;
    node.begin = node.content = node.end = offset;
    if (!kept) return node;

    const auto index = static_cast<YamlIndex>(tree_.nodes_.size() - 1);
    if (!open_.empty()) {
      node.parent = open_.back();
      YamlNode& parent = tree_.nodes_[node.parent];
      parent.children.push_back(index);
      node.flow = parent.flow;
    }
    if (anchor != 0) {
      node.anchor = anchor;
      if (tree_.anchors_.size() <= anchor) tree_.anchors_.resize(anchor + 1, no_yaml_node);
      tree_.anchors_[anchor] = index;
    }
    return node;
  }

  static void set_tag(YamlNode& node, const std::string& tag) {
    if (tag != "?" && tag != "!") node.tag = tag;
  }

  void open(const YAML::Mark& mark, YamlKind kind, const std::string& tag, YAML::anchor_t anchor,
            YAML::EmitterStyle::value style) {
    YamlNode& node = add(mark, kind, anchor);
    set_tag(node, tag);
    if (style == YAML::EmitterStyle::Flow) node.flow = true;
    open_.push_back(static_cast<YamlIndex>(tree_.nodes_.size() - 1));
  }
  void close() { open_.pop_back(); }

  YamlTree& tree_;
  std::size_t base_;
  std::size_t count_ = 0;
  std::vector<YamlIndex> open_;
  YamlNode scratch_;
};

Result<YamlTree> YamlTree::parse(std::string text, std::string_view name) {
  YamlTree tree;
  tree.text_ = std::move(text);
  tree.name_ = name;
  if (tree.text_.size() > yaml_bytes_max) {
    return Error(Errc::invalid_argument, tree.name_ + ": larger than 4 MiB");
  }
  if (const auto bad = find_unreadable(tree.text_)) {
    return tree.error(Errc::invalid_argument, bad->offset, bad->message);
  }
  const std::size_t base = tree.text_.starts_with(byte_order_mark) ? byte_order_mark.size() : 0;
  try {
    std::istringstream stream(tree.text_.substr(base));
    YAML::Parser parser(stream);
    YamlBuilder builder(tree, base);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& e) {
    const auto offset = base + static_cast<std::size_t>(std::max(e.mark.pos, 0));
    return tree.error(Errc::invalid_argument, offset, e.msg);
  } catch (const Refused& e) {
    return tree.error(Errc::invalid_argument, e.offset, e.message);
  }
  if (tree.nodes_.empty()) {
    YamlNode& nothing = tree.nodes_.emplace_back();
    nothing.written = false;
    nothing.begin = nothing.content = nothing.end = tree.text_.size();
  }
  PLK_TRY(tree.check_keys());
  PLK_TRY(tree.find_document_end());
  YamlLocator(tree).locate();
  PLK_TRY(tree.check_notation());
  return tree;
}

Status YamlTree::check_keys() const {
  std::vector<const YamlNode*> keys;
  for (const YamlNode& node : nodes_) {
    if (node.kind != YamlKind::mapping) continue;
    keys.clear();
    for (std::size_t i = 0; i + 1 < node.children.size(); i += 2) {
      const YamlNode& key = nodes_[node.children[i]];
      if (key.kind == YamlKind::scalar) keys.push_back(&key);
    }
    std::ranges::sort(keys, [](const YamlNode* a, const YamlNode* b) {
      return std::tie(a->text, a->begin) < std::tie(b->text, b->begin);
    });
    const auto twice = std::ranges::adjacent_find(
        keys, [](const YamlNode* a, const YamlNode* b) { return a->text == b->text; });
    if (twice != keys.end()) {
      return error(Errc::invalid_argument, (*(twice + 1))->begin,
                   "\"" + escape((*twice)->text) + "\" is already defined in line " +
                       std::to_string(position((*twice)->begin).line));
    }
  }
  return {};
}

// yaml-cpp takes a last line without a colon for a key, and ends an open quote at the end of
// the file. No other reader does; a file like that was cut off.
Status YamlTree::check_notation() const {
  for (const YamlNode& node : nodes_) {
    if (node.kind == YamlKind::scalar && !node.located && node.content < text_.size() &&
        (text_[node.content] == '"' || text_[node.content] == '\'')) {
      return error(Errc::invalid_argument, node.content, "the quotes are not closed");
    }
    if (node.kind != YamlKind::mapping || node.flow) continue;
    for (std::size_t i = 0; i + 1 < node.children.size(); i += 2) {
      const YamlNode& key = nodes_[node.children[i]];
      const bool begins_line =  // not after "? " or "- "
          text_.find_first_not_of(' ', line_begin(key.begin)) == key.begin;
      if (key.located && key.colon == no_offset && begins_line) {
        return error(Errc::invalid_argument, key.end, "a colon should be here");
      }
    }
  }
  return {};
}

Status YamlTree::find_document_end() {
  const auto is_marker = [&](std::size_t at) {
    const std::string_view line = std::string_view(text_).substr(at);
    if (!line.starts_with("---") && !line.starts_with("...")) return false;
    return line.size() == 3 || line[3] == ' ' || line[3] == '\t' || line[3] == '\r' ||
           line[3] == '\n';
  };
  const YamlNode& top = nodes_[root];
  bool header = false;
  for (std::size_t at = 0; at < text_.size(); at = line_end(at)) {
    if (is_marker(at)) {
      // "---" before the first part begins the document, anything after it ends it.
      const bool begins = text_[at] == '-' && !header && (!top.written || at <= top.begin);
      if (!begins) {
        document_end_ = at;
        return {};
      }
      header = true;
    } else if (text_[at] == '%' && (header || (top.written && at > top.begin))) {
      // yaml-cpp leaves out everything after it.
      return error(Errc::invalid_argument, at, "a directive inside a document");
    }
  }
  document_end_ = text_.size();
  return {};
}

std::optional<std::size_t> YamlTree::find_pair(YamlIndex mapping, std::string_view text) const {
  if (nodes_[mapping].kind != YamlKind::mapping) return std::nullopt;
  for (std::size_t pair = 0; pair < pair_count(mapping); ++pair) {
    const YamlNode& node = nodes_[key(mapping, pair)];
    if (node.kind == YamlKind::scalar && node.text == text) return pair;
  }
  return std::nullopt;
}

YamlIndex YamlTree::resolve(YamlIndex index) const {
  const YamlNode& node = nodes_[index];
  if (node.kind != YamlKind::alias) return index;
  // yaml-cpp refuses an alias of an anchor that it has not seen.
  return anchors_[node.anchor];
}

std::size_t YamlTree::line_begin(std::size_t offset) const {
  const std::size_t newline = offset == 0 ? std::string::npos : text_.rfind('\n', offset - 1);
  if (newline != std::string::npos) return newline + 1;
  return offset >= byte_order_mark.size() && text_.starts_with(byte_order_mark)
             ? byte_order_mark.size()
             : 0;
}

std::size_t YamlTree::line_end(std::size_t offset) const {
  const std::size_t newline = text_.find('\n', offset);
  return newline == std::string::npos ? text_.size() : newline + 1;
}

TextPosition YamlTree::position(std::size_t offset) const {
  offset = std::min(offset, text_.size());
  const std::size_t begin = line_begin(offset);
  TextPosition position;
  position.line += static_cast<std::size_t>(
      std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(begin), '\n'));
  // In characters: the octets that do not continue one.
  position.column += static_cast<std::size_t>(
      std::count_if(text_.begin() + static_cast<std::ptrdiff_t>(begin),
                    text_.begin() + static_cast<std::ptrdiff_t>(offset),
                    [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
  return position;
}

std::string_view YamlTree::newline() const noexcept {
  const std::size_t newline = text_.find('\n');
  return newline != std::string::npos && newline > 0 && text_[newline - 1] == '\r' ? "\r\n" : "\n";
}

Error YamlTree::error(Errc code, std::size_t offset, std::string_view message) const {
  const TextPosition at = position(offset);
  return Error(code, name_ + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) +
                         ": " + std::string(message));
}

}  // namespace plakar::config
