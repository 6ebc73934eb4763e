#include "core/config/internal/yaml_edit.h"

#include <algorithm>

namespace plakar::config {
namespace {

bool only_spaces(std::string_view text) { return text.find_first_not_of(' ') == text.npos; }

std::string scalar_text(const YamlContent& content, const YamlStyle& style) {
  return content.kind == YamlContent::Kind::plain ? content.scalar
                                                  : yaml_scalar(content.scalar, style);
}

std::string flow_content(const YamlContent& content) {
  const YamlStyle style{.place = YamlPlace::flow};
  if (content.is_scalar()) return scalar_text(content, style);
  std::string out;
  for (const std::string& item : content.items) {
    out += (out.empty() ? "" : ", ") + yaml_scalar(item, style);
  }
  for (const auto& [key, inner] : content.pairs) {
    out += (out.empty() ? "" : ", ") + yaml_scalar(key, style) + ": " + flow_content(inner);
  }
  return content.kind == YamlContent::Kind::list ? "[" + out + "]" : "{" + out + "}";
}

}  // namespace

void append_yaml_pair(std::string& out, std::string_view key, const YamlContent& content,
                      const YamlLayout& layout) {
  const std::size_t inner = layout.column + layout.step;
  const YamlStyle style{.place = YamlPlace::block_value,
                        .indent = inner,
                        .newline = layout.newline,
                        .literal_blocks = layout.literal_blocks};
  out.append(layout.column, ' ');
  out += yaml_scalar(key, {.place = YamlPlace::block_key});
  out += ':';
  switch (content.kind) {
    case YamlContent::Kind::text:
    case YamlContent::Kind::plain:
      out += ' ';
      out += scalar_text(content, style);
      out += layout.newline;
      return;
    case YamlContent::Kind::list:
      out += content.items.empty() ? " []" : "";
      out += layout.newline;
      for (const std::string& item : content.items) {
        // On one line each: how a literal block in a list is indented, readers disagree about.
        YamlStyle item_style = style;
        item_style.literal_blocks = false;
        out.append(inner, ' ');
        out += "- ";
        out += yaml_scalar(item, item_style);
        out += layout.newline;
      }
      return;
    case YamlContent::Kind::mapping:
      break;
  }
  out += content.pairs.empty() ? " {}" : "";
  out += layout.newline;
  YamlLayout inner_layout = layout;
  inner_layout.column = inner;
  for (const auto& [inner_key, inner_content] : content.pairs) {
    append_yaml_pair(out, inner_key, inner_content, inner_layout);
  }
}

// --- inserting ------------------------------------------------------------------------

Result<std::string> YamlEditor::insert(YamlIndex mapping, std::string_view key,
                                       const YamlContent& content, YamlOrder order) const {
  const YamlNode& node = tree_[mapping];
  if (node.kind == YamlKind::null) return insert_into_nothing(mapping, key, content);
  if (node.kind != YamlKind::mapping) return refuse(node.begin, "an alias");
  if (!node.flow) return insert_into_block(mapping, position_of(mapping, key, order), key, content);
  const bool inside_brackets = node.parent != no_yaml_node && tree_[node.parent].flow;
  if (node.children.empty() && !inside_brackets) return insert_into_nothing(mapping, key, content);
  return insert_into_brackets(mapping, key, content);
}

Result<std::string> YamlEditor::insert_after(YamlIndex mapping, std::size_t pair,
                                             std::string_view key,
                                             const YamlContent& content) const {
  if (tree_[mapping].flow) return insert_into_brackets(mapping, key, content);
  return insert_into_block(mapping, pair + 1, key, content);
}

Result<std::string> YamlEditor::insert_into_block(YamlIndex mapping, std::size_t position,
                                                  std::string_view key,
                                                  const YamlContent& content) const {
  const YamlIndex first_key = tree_.key(mapping, 0);
  PLK_TRY(key_line(first_key));
  std::size_t offset = 0;
  if (position > 0) {
    offset = PLK_TRY(pair_end(mapping, position - 1));
  } else if (mapping == YamlTree::root) {
    offset = tree_.line_begin(tree_[first_key].begin);
  } else {
    // Below the parent's key, so that comments above the first pair stay with it.
    const YamlIndex parent_key = PLK_TRY(holder(mapping));
    offset = tree_.line_end(tree_[parent_key].colon);
  }
  std::string lines;
  if (offset > 0 && tree_.text()[offset - 1] != '\n') {
    // Only a last line has no newline, and a byte order mark is no line.
    if (offset == tree_.text().size()) lines += tree_.newline();
  }
  append_yaml_pair(lines, key, content,
                   {.column = tree_.column(tree_[first_key].begin),
                    .step = step(mapping),
                    .newline = tree_.newline(),
                    .literal_blocks = literal_blocks_});
  return apply({{offset, 0, std::move(lines)}});
}

Result<std::string> YamlEditor::insert_into_brackets(YamlIndex mapping, std::string_view key,
                                                     const YamlContent& content) const {
  const YamlNode& node = tree_[mapping];
  if (!node.located) return refuse(node.begin, "the end of { } is not clear");
  std::string pair = yaml_scalar(key, {.place = YamlPlace::flow}) + ": " + flow_content(content);
  if (node.children.empty()) return apply({{node.content + 1, 0, std::move(pair)}});
  const std::size_t last = tree_.pair_count(mapping) - 1;
  // The space keeps a comma from becoming part of a key without a value.
  const bool value = tree_[tree_.value(mapping, last)].written;
  return apply({{written_end(mapping, last), 0, (value ? ", " : " , ") + pair}});
}

// Below a key whose value is nothing, `~` or `{}`.
Result<std::string> YamlEditor::insert_into_nothing(YamlIndex value, std::string_view key,
                                                    const YamlContent& content) const {
  const YamlNode& node = tree_[value];
  const YamlIndex parent_key = PLK_TRY(holder(value));
  if (node.flow && node.kind == YamlKind::null) {
    // A null inside { }.
    const std::string brackets = flow_content(YamlContent({{std::string(key), content}}));
    return apply({{node.begin, node.end - node.begin, node.written ? brackets : " " + brackets}});
  }
  PLK_TRY(key_line(parent_key));
  if (!node.located || node.content != node.begin) {
    return refuse(node.begin, "an anchor or a tag");
  }
  const std::size_t colon = tree_[parent_key].colon;
  std::vector<Splice> splices;
  if (node.written) {
    const std::string_view text(tree_.text());
    const std::string_view between = text.substr(colon + 1, node.begin - colon - 1);
    const std::string_view inside = text.substr(node.begin, node.end - node.begin);
    if (!only_spaces(between)) return refuse(node.begin, "a value on a line of its own");
    if (inside.find('#') != inside.npos || inside.find('\n') != inside.npos) {
      return refuse(node.begin, "a comment inside { }");
    }
    splices.push_back({colon + 1, node.end - colon - 1, ""});
  }
  const std::size_t offset = tree_.line_end(std::max(colon, node.end));
  std::string lines;
  if (tree_.text()[offset - 1] != '\n') lines += tree_.newline();
  const YamlIndex parent = tree_[value].parent;
  const std::size_t parent_step = step(parent);
  append_yaml_pair(lines, key, content,
                   {.column = tree_.column(tree_[parent_key].begin) + parent_step,
                    .step = parent_step,
                    .newline = tree_.newline(),
                    .literal_blocks = literal_blocks_});
  splices.push_back({offset, 0, std::move(lines)});
  return apply(std::move(splices));
}

// --- changing in place ----------------------------------------------------------------

Result<std::string> YamlEditor::set_scalar(YamlIndex mapping, std::size_t pair,
                                           const YamlContent& value) const {
  const YamlNode& key = tree_[tree_.key(mapping, pair)];
  const YamlNode& old = tree_[tree_.value(mapping, pair)];
  if (!old.located || key.colon == no_offset ||
      (old.kind != YamlKind::scalar && old.kind != YamlKind::null && old.kind != YamlKind::alias)) {
    return refuse(old.begin, "not a single value");
  }
  PLK_TRY(check_anchors(old.begin, old.end));
  YamlStyle style{.place = YamlPlace::flow, .newline = tree_.newline()};
  if (!old.flow) {
    style.place = YamlPlace::block_value;
    style.indent = tree_.column(key.begin) + step(mapping);
    style.literal_blocks = literal_blocks_;
  }
  std::string text = scalar_text(value, style);
  if (!old.written) return apply({{key.colon + 1, 0, " " + text}});
  return apply({{old.begin, old.end - old.begin, std::move(text)}});
}

Result<std::string> YamlEditor::rename(YamlIndex mapping, std::size_t pair,
                                       std::string_view key) const {
  const YamlNode& old = tree_[tree_.key(mapping, pair)];
  if (old.kind != YamlKind::scalar || !old.located || old.content != old.begin) {
    return refuse(old.begin, "not a simple name");
  }
  const YamlPlace place = old.flow ? YamlPlace::flow : YamlPlace::block_key;
  return apply({{old.begin, old.end - old.begin, yaml_scalar(key, {.place = place})}});
}

// --- removing -------------------------------------------------------------------------

Result<std::string> YamlEditor::remove(YamlIndex mapping, std::size_t pair) const {
  return tree_[mapping].flow ? remove_from_brackets(mapping, pair)
                             : remove_from_block(mapping, pair);
}

Result<std::string> YamlEditor::remove_from_block(YamlIndex mapping, std::size_t pair) const {
  const std::size_t begin = PLK_TRY(key_line(tree_.key(mapping, pair)));
  const std::size_t end = PLK_TRY(pair_end(mapping, pair));
  PLK_TRY(check_anchors(begin, end));
  std::vector<Splice> splices = {{begin, end - begin, ""}};
  if (tree_.pair_count(mapping) == 1) {
    const YamlIndex parent_key = PLK_TRY(holder(mapping));
    if (tree_[mapping].content != tree_[mapping].begin) {
      return refuse(tree_[mapping].begin, "an anchor or a tag");
    }
    splices.push_back({tree_[parent_key].colon + 1, 0, " {}"});
  }
  return apply(std::move(splices));
}

Result<std::string> YamlEditor::remove_from_brackets(YamlIndex mapping, std::size_t pair) const {
  const YamlNode& node = tree_[mapping];
  if (!node.located) return refuse(node.begin, "the end of { } is not clear");
  const std::string_view text(tree_.text());
  const std::size_t begin = tree_[tree_.key(mapping, pair)].begin;
  const std::size_t end = written_end(mapping, pair);
  PLK_TRY(check_anchors(begin, end));

  // What is between two pairs, or the last one and the bracket: one comma at most, and
  // comments, which may hold commas.
  const auto find_comma = [&](std::size_t from, std::size_t to) {
    for (std::size_t at = from; at < to; ++at) {
      if (text[at] == '#') at = std::min(text.find('\n', at), to);
      if (at < to && text[at] == ',') return at;
    }
    return no_offset;
  };
  const auto is_one_line = [&](std::size_t from, std::size_t to) {
    return text.substr(from, to - from).find_first_of("#\n") == text.npos;
  };
  const std::size_t count = tree_.pair_count(mapping);
  if (pair + 1 < count) {
    const std::size_t next = tree_[tree_.key(mapping, pair + 1)].begin;
    if (is_one_line(end, next)) return apply({{begin, next - begin, ""}});
    const std::size_t comma = find_comma(end, next);
    if (comma == no_offset) return refuse(begin, "no comma");
    return apply({{begin, end - begin, ""}, {comma, 1, ""}});
  }
  if (pair == 0) {
    const std::size_t comma = find_comma(end, node.end);
    if (comma == no_offset) return apply({{begin, end - begin, ""}});
    return apply({{begin, end - begin, ""}, {comma, 1, ""}});
  }
  const std::size_t previous = written_end(mapping, pair - 1);
  if (is_one_line(previous, begin)) return apply({{previous, end - previous, ""}});
  const std::size_t comma = find_comma(previous, begin);
  if (comma == no_offset) return refuse(begin, "no comma");
  return apply({{begin, end - begin, ""}, {comma, 1, ""}});
}

// --- the whole document ---------------------------------------------------------------

Result<std::string> YamlEditor::nest(std::string_view header, std::size_t indent) const {
  const YamlNode& top = tree_[YamlTree::root];
  const std::string& text = tree_.text();
  const std::size_t begin = tree_.line_begin(top.begin);
  if (top.begin != begin) return refuse(top.begin, "a top level that is indented");
  if (top.content != top.begin) return refuse(top.begin, "an anchor or a tag");
  std::string nested = text.substr(0, begin);
  nested += header;
  const std::string margin(indent, ' ');
  std::size_t at = begin;
  while (at < tree_.document_end()) {
    const std::size_t end = tree_.line_end(at);
    const std::string_view line = std::string_view(text).substr(at, end - at);
    // Spaces alone can be part of a literal block.
    if (!line.starts_with('\n') && !line.starts_with('\r')) nested += margin;
    nested += line;
    at = end;
  }
  return nested += text.substr(at);
}

// --- measuring ------------------------------------------------------------------------

Result<YamlIndex> YamlEditor::holder(YamlIndex value) const {
  const YamlIndex parent = tree_[value].parent;
  if (parent == no_yaml_node || tree_[parent].kind != YamlKind::mapping) {
    return refuse(tree_[value].begin, "not the value of a key");
  }
  const std::vector<YamlIndex>& children = tree_[parent].children;
  const auto found = std::ranges::find(children, value);
  const auto index = static_cast<std::size_t>(found - children.begin());
  if (index % 2 == 0 || tree_[children[index - 1]].colon == no_offset) {
    return refuse(tree_[value].begin, "not the value of a simple key");
  }
  return children[index - 1];
}

Result<std::size_t> YamlEditor::key_line(YamlIndex key) const {
  const YamlNode& node = tree_[key];
  const std::size_t begin = tree_.line_begin(node.begin);
  if (!node.located || node.flow || node.colon == no_offset ||
      !only_spaces(std::string_view(tree_.text()).substr(begin, node.begin - begin))) {
    return refuse(node.begin, "a key that does not begin its line");
  }
  return begin;
}

Result<std::size_t> YamlEditor::block_end(YamlIndex mapping) const {
  if (mapping == YamlTree::root) return tree_.document_end();
  const YamlIndex parent_key = PLK_TRY(holder(mapping));
  const YamlIndex parent = tree_[mapping].parent;
  if (tree_[parent].flow) return refuse(tree_[mapping].begin, "a block inside { }");
  const std::vector<YamlIndex>& siblings = tree_[parent].children;
  const auto next = std::ranges::find(siblings, parent_key) + 2;
  if (next == siblings.end()) return block_end(parent);
  return key_line(*next);
}

Result<std::size_t> YamlEditor::pair_end(YamlIndex mapping, std::size_t pair) const {
  const std::size_t key_begin = tree_[tree_.key(mapping, pair)].begin;
  const std::size_t column = tree_.column(key_begin);
  const std::size_t first = PLK_TRY(key_line(tree_.key(mapping, pair)));
  std::size_t end = pair + 1 < tree_.pair_count(mapping)
                        ? PLK_TRY(key_line(tree_.key(mapping, pair + 1)))
                        : PLK_TRY(block_end(mapping));
  // Blank lines and comments that are not indented deeper belong to what comes next.
  while (end > 0) {
    const std::size_t begin = tree_.line_begin(end - 1);
    if (begin <= first) break;
    const std::string_view line = std::string_view(tree_.text()).substr(begin, end - begin);
    const std::size_t text_at = line.find_first_not_of(" \t\r\n");
    const bool blank = text_at == line.npos;
    if (!blank && (line[text_at] != '#' || text_at > column)) break;
    end = begin;
  }
  // But for blank lines that a literal block keeps.
  return std::max(end, tree_.line_end(last_octet(tree_.value(mapping, pair))));
}

// The end of what is known to be inside, for the last part of a block.
std::size_t YamlEditor::last_octet(YamlIndex index) const {
  while (!tree_[index].located && !tree_[index].children.empty()) {
    index = tree_[index].children.back();
  }
  return tree_[index].located ? tree_[index].end : tree_[index].begin;
}

std::size_t YamlEditor::written_end(YamlIndex mapping, std::size_t pair) const {
  const YamlNode& key = tree_[tree_.key(mapping, pair)];
  const YamlNode& value = tree_[tree_.value(mapping, pair)];
  if (value.written) return value.end;
  return key.colon == no_offset ? key.end : key.colon + 1;
}

// As the neighbours do it, else as the parents do, else as the genuine writer does.
std::size_t YamlEditor::step(YamlIndex mapping) const {
  constexpr std::size_t usual = 4;
  for (YamlIndex at = mapping; at != no_yaml_node; at = tree_[at].parent) {
    if (tree_[at].kind != YamlKind::mapping || tree_[at].flow) continue;
    for (std::size_t pair = 0; pair < tree_.pair_count(at); ++pair) {
      const YamlNode& value = tree_[tree_.value(at, pair)];
      if (value.kind != YamlKind::mapping || value.flow || value.children.empty()) continue;
      const std::size_t outer = tree_.column(tree_[tree_.key(at, pair)].begin);
      const std::size_t inner = tree_.column(tree_[value.children[0]].begin);
      if (inner > outer) return inner - outer;
    }
    const YamlIndex parent = tree_[at].parent;
    if (parent == no_yaml_node || tree_[at].children.empty() || tree_[parent].children.empty()) {
      continue;
    }
    const std::size_t outer = tree_.column(tree_[tree_[parent].children[0]].begin);
    const std::size_t inner = tree_.column(tree_[tree_[at].children[0]].begin);
    if (inner > outer) return inner - outer;
  }
  return usual;
}

std::size_t YamlEditor::position_of(YamlIndex mapping, std::string_view key,
                                    YamlOrder order) const {
  const std::size_t count = tree_.pair_count(mapping);
  if (order == YamlOrder::first) return 0;
  if (order == YamlOrder::last) return count;
  const auto name = [&](std::size_t pair) -> std::string_view {
    return tree_[tree_.key(mapping, pair)].text;
  };
  for (std::size_t pair = 1; pair < count; ++pair) {
    if (natural_less(name(pair), name(pair - 1))) return count;
  }
  std::size_t position = 0;
  while (position < count && !natural_less(key, name(position))) ++position;
  return position;
}

Status YamlEditor::check_anchors(std::size_t begin, std::size_t end) const {
  if (!tree_.has_anchors()) return {};
  for (YamlIndex index = 0; index < tree_.size(); ++index) {
    const YamlNode& node = tree_[index];
    if (node.kind != YamlKind::alias || (node.begin >= begin && node.begin < end)) continue;
    const YamlNode& target = tree_[tree_.resolve(index)];
    if (target.begin >= begin && target.begin < end) {
      return refuse(target.begin, "line " + std::to_string(tree_.position(node.begin).line) +
                                      " refers to its anchor");
    }
  }
  return {};
}

std::string YamlEditor::apply(std::vector<Splice> splices) const {
  std::ranges::sort(splices, {}, &Splice::offset);
  std::string changed;
  std::size_t at = 0;
  for (const Splice& splice : splices) {
    changed.append(tree_.text(), at, splice.offset - at);
    changed += splice.text;
    at = splice.offset + splice.length;
  }
  return changed.append(tree_.text(), at);
}

Error YamlEditor::refuse(std::size_t offset, std::string_view why) const {
  return tree_.error(Errc::unsupported, offset,
                     "cannot be changed without rewriting what is around it (" + std::string(why) +
                         "); edit the file by hand");
}

}  // namespace plakar::config
