#include "core/config/internal/yaml_change.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "core/base/text.h"
#include "core/config/internal/yaml_edit.h"
#include "core/config/places_document.h"

namespace plakar::config {
namespace {

// The same meaning, wherever in the text. Recursion is bounded by yaml_depth_max.
bool same_value(const YamlTree& a, YamlIndex in_a, const YamlTree& b, YamlIndex in_b) {
  const YamlNode& x = a[in_a];
  const YamlNode& y = b[in_b];
  if (x.kind != y.kind || x.text != y.text || x.tag != y.tag || x.plain != y.plain ||
      x.children.size() != y.children.size()) {
    return false;
  }
  for (std::size_t i = 0; i < x.children.size(); ++i) {
    if (!same_value(a, x.children[i], b, y.children[i])) return false;
  }
  return true;
}

bool says_nothing(const YamlTree& tree) {
  const YamlNode& top = tree[YamlTree::root];
  return top.kind == YamlKind::null || top.children.empty();
}

// Comments and `{}`, `~` or nothing: becomes a file with an empty section.
Result<std::string> append_header(const YamlTree& tree, std::string_view section) {
  const YamlNode& top = tree[YamlTree::root];
  std::string text = tree.text();
  std::size_t at = tree.document_end();
  if (top.written) {
    if (!top.located) {
      return tree.error(Errc::unsupported, top.begin, "cannot be extended; edit the file by hand");
    }
    text.erase(top.begin, top.end - top.begin);
    at = top.begin;
  }
  std::string header;
  if (at > tree.line_begin(at)) header += tree.newline();
  const YamlLayout layout{.newline = tree.newline()};
  append_yaml_pair(header, "version", YamlContent(config_version), layout);
  append_yaml_pair(header, section, YamlContent(std::vector<std::pair<std::string, YamlContent>>()),
                   layout);
  return text.insert(at, header);
}

}  // namespace

Status change_yaml(const YamlTree& tree, const YamlEdit& edit, const YamlCheck& check) {
  if (tree.documents() > 1) {
    return Error(Errc::unsupported,
                 tree.name() + ": has several YAML documents; edit the file by hand");
  }
  std::optional<Error> failure;
  for (const bool literal_blocks : {true, false}) {
    Result<std::string> text = edit(tree, literal_blocks);
    if (!text) return std::move(text).error();
    Result<YamlTree> parsed = YamlTree::parse(std::move(*text), tree.name());
    Result<bool> accepted = false;
    if (parsed) {
      accepted = check(std::make_shared<const YamlTree>(*std::move(parsed)));
    } else {
      accepted = std::move(parsed).error();
    }
    if (accepted && *accepted) return {};
    if (!accepted && !failure) failure = std::move(accepted).error();
  }
  if (tree.has_anchors()) {
    return Error(Errc::unsupported,
                 tree.name() +
                     ": this would also change what anchors and aliases share; edit "
                     "the file by hand");
  }
  if (!tree.text().ends_with('\n')) {
    // A literal block at the very end has one newline less than with anything after it.
    return Error(Errc::unsupported,
                 tree.name() + ": the last line has no newline; add one and try again");
  }
  return Error(Errc::internal,
               tree.name() + ": not changed, because the new text would not mean what it should" +
                   (failure ? " (" + failure->message() + ")" : std::string()));
}

std::optional<YamlEdit> missing_header(const YamlTree& tree, std::string_view section) {
  const std::string key(section);
  if (says_nothing(tree)) {
    return [key](const YamlTree& at, bool) { return append_header(at, key); };
  }
  if (!tree.find_pair(YamlTree::root, "version")) {
    return [](const YamlTree& at, bool) {
      return YamlEditor(at, false).insert(YamlTree::root, "version", YamlContent(config_version),
                                          YamlOrder::first);
    };
  }
  if (!tree.find_pair(YamlTree::root, key)) {
    return [key](const YamlTree& at, bool) {
      return YamlEditor(at, false).insert(
          YamlTree::root, key, YamlContent(std::vector<std::pair<std::string, YamlContent>>()),
          YamlOrder::last);
    };
  }
  return std::nullopt;
}

bool same_besides(const YamlTree* a, const YamlTree* b, std::span<const std::string_view> keys) {
  const auto others = [&](const YamlTree* tree) {
    std::vector<std::pair<YamlIndex, YamlIndex>> pairs;
    if (tree == nullptr || says_nothing(*tree)) return pairs;
    for (std::size_t i = 0; i < tree->pair_count(YamlTree::root); ++i) {
      const YamlNode& key = (*tree)[tree->key(YamlTree::root, i)];
      const bool ours =
          key.kind == YamlKind::scalar && std::ranges::find(keys, key.text) != keys.end();
      if (!ours) {
        pairs.emplace_back(tree->key(YamlTree::root, i), tree->value(YamlTree::root, i));
      }
    }
    return pairs;
  };
  return std::ranges::equal(others(a), others(b), [&](const auto& x, const auto& y) {
    return same_value(*a, x.first, *b, y.first) && same_value(*a, x.second, *b, y.second);
  });
}

Status check_yaml_name(std::string_view name, std::string_view what) {
  const auto refuse = [&](std::string_view why) {
    return Error(Errc::invalid_argument,
                 std::string(what) + " " + in_quotes(name) + " " + std::string(why));
  };
  if (name.empty()) return Error(Errc::invalid_argument, std::string(what) + " is empty");
  if (name.size() > place_name_bytes_max) return refuse("is longer than 128 bytes");
  if (!is_utf8(name)) return refuse("is not UTF-8");
  const auto is_control = [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7f;
  };
  if (std::ranges::any_of(name, is_control)) return refuse("has control characters");
  return {};
}

std::string in_quotes(std::string_view text) { return '"' + escape(text) + '"'; }

}  // namespace plakar::config
