// Finds where the parts of a YamlTree end, which yaml-cpp does not say.
#pragma once

#include <cstddef>
#include <string_view>

#include "core/config/internal/yaml_tree.h"

namespace plakar::config {

// Used once, by YamlTree::parse. Sets `content`, `end`, `colon`, `written` and `located`.
class YamlLocator {
 public:
  explicit YamlLocator(YamlTree& tree) : tree_(tree), text_(tree.text_) {}

  void locate() { locate(YamlTree::root, -1); }

 private:
  // `indent` is the column of the block mapping or sequence around the node; -1 for none.
  void locate(YamlIndex index, long indent);
  void locate_scalar(YamlNode& node, long indent);
  void locate_plain(YamlNode& node);
  void locate_literal(YamlNode& node, long indent);
  void locate_pairs(YamlIndex mapping, long indent);
  void locate_empty_value(YamlNode& value, const YamlNode& key, long indent);
  void locate_brackets(YamlNode& node);

  std::size_t skip_properties(const YamlNode& node) const;
  std::size_t skip_blanks(std::size_t at) const;
  std::size_t skip_blanks_and_lines(std::size_t at) const;
  bool is_blank_or_end(std::size_t at) const;

  YamlTree& tree_;
  std::string_view text_;
};

}  // namespace plakar::config
