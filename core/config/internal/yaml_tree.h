// A YAML file with, for each part, the octets it occupies: what is needed to change one part
// and leave the others exactly as somebody wrote them.
//
// yaml-cpp says what the text means and where parts begin; where they end is found here. A
// part whose end cannot be told for certain is `located == false`, and is not edited.
//
// Refused before yaml-cpp sees it, because readers disagree about it: text that is not UTF-8,
// control characters, U+0085, U+2028 and U+2029 (line breaks to some), a carriage return
// without a newline. Refused after it: a key twice in one mapping, too much of anything.
//
// Aliases are kept as such and never expanded. A value; threads may share it unchanged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace plakar::config {

inline constexpr std::size_t yaml_bytes_max = std::size_t{4} << 20;
inline constexpr std::size_t yaml_depth_max = 32;
inline constexpr std::size_t yaml_nodes_max = 200'000;

enum class YamlKind : std::uint8_t { null, scalar, sequence, mapping, alias };

using YamlIndex = std::uint32_t;
inline constexpr YamlIndex no_yaml_node = UINT32_MAX;
inline constexpr std::size_t no_offset = SIZE_MAX;

struct YamlNode {
  YamlKind kind = YamlKind::null;
  bool flow = false;              // within brackets, or in brackets itself
  bool plain = false;             // a scalar without quotes
  bool written = true;            // false: nothing in the text (`key:`)
  bool located = false;           // `end` is certain
  std::string tag;                // only where it was written
  std::string text;               // of a scalar
  std::size_t anchor = 0;         // its own, or the one an alias names; 0 is none
  std::size_t begin = 0;          // with tag and anchor
  std::size_t content = 0;        // without them
  std::size_t end = 0;            // after the last octet; not for block mappings and sequences
  std::size_t colon = no_offset;  // of a key: the colon after it
  YamlIndex parent = no_yaml_node;
  std::vector<YamlIndex> children;  // of a mapping: key, value, key, value, ...
};

struct TextPosition {
  std::size_t line = 1;
  std::size_t column = 1;
};

class YamlTree {
 public:
  // `name` is for messages, which begin "name:line:column: ". Errc::invalid_argument.
  static Result<YamlTree> parse(std::string text, std::string_view name);

  const std::string& text() const noexcept { return text_; }
  const std::string& name() const noexcept { return name_; }

  // The first document's top; a null that is not written where there is none.
  static constexpr YamlIndex root = 0;
  const YamlNode& operator[](YamlIndex index) const { return nodes_[index]; }
  std::size_t size() const noexcept { return nodes_.size(); }
  std::size_t documents() const noexcept { return documents_; }
  bool has_anchors() const noexcept { return !anchors_.empty(); }

  std::size_t pair_count(YamlIndex mapping) const { return nodes_[mapping].children.size() / 2; }
  YamlIndex key(YamlIndex mapping, std::size_t pair) const {
    return nodes_[mapping].children[2 * pair];
  }
  YamlIndex value(YamlIndex mapping, std::size_t pair) const {
    return nodes_[mapping].children[2 * pair + 1];
  }
  // The pair with the scalar key `text`; nothing where `mapping` is no mapping.
  std::optional<std::size_t> find_pair(YamlIndex mapping, std::string_view text) const;

  // What an alias stands for, or the node itself.
  YamlIndex resolve(YamlIndex index) const;

  std::size_t line_begin(std::size_t offset) const;  // of the line that `offset` is in
  std::size_t line_end(std::size_t offset) const;    // behind its newline
  std::size_t column(std::size_t offset) const { return offset - line_begin(offset); }
  std::size_t document_end() const noexcept { return document_end_; }
  TextPosition position(std::size_t offset) const;
  std::string_view newline() const noexcept;  // the file's own

  Error error(Errc code, std::size_t offset, std::string_view message) const;

 private:
  friend class YamlBuilder;
  friend class YamlLocator;

  YamlTree() = default;
  Status check_keys() const;
  Status check_notation() const;
  Status find_document_end();

  std::string text_;
  std::string name_;
  std::vector<YamlNode> nodes_;
  std::vector<YamlIndex> anchors_;  // by id, from 1
  std::size_t documents_ = 0;
  std::size_t document_end_ = 0;
};

}  // namespace plakar::config
