// Changes to a YAML file as replacements of octet ranges: everything outside them stays as it
// was written, comments, order, quotes, anchors and line ends included.
//
// A change that would need more than that, such as one inside `? key` notation, is refused
// with Errc::unsupported and the place. Whether the changed text means what was intended is
// for the caller to check, by parsing it: that catches what aliases and odd layouts do.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/config/internal/yaml_style.h"
#include "core/config/internal/yaml_tree.h"

namespace plakar::config {

// A scalar, a list of texts, or a mapping of contents in its own order.
struct YamlContent {
  enum class Kind : unsigned char {
    text,   // a string, quoted where it could be taken for something else
    plain,  // a number, a truth value or a date, as it is
    list,
    mapping,
  };

  YamlContent(std::string_view text) : kind(Kind::text), scalar(text) {}
  YamlContent(std::vector<std::pair<std::string, YamlContent>> pairs_)
      : kind(Kind::mapping), pairs(std::move(pairs_)) {}

  // `text` is plain YAML already: digits, `true`, a date.
  static YamlContent plain(std::string_view text) {
    YamlContent content(text);
    content.kind = Kind::plain;
    return content;
  }
  static YamlContent list(std::vector<std::string> items_) {
    YamlContent content{std::string_view()};
    content.kind = Kind::list;
    content.items = std::move(items_);
    return content;
  }

  bool is_scalar() const noexcept { return kind == Kind::text || kind == Kind::plain; }

  Kind kind;
  std::string scalar{};
  std::vector<std::string> items{};
  std::vector<std::pair<std::string, YamlContent>> pairs{};
};

struct YamlLayout {
  std::size_t column = 0;  // of the keys
  std::size_t step = 4;    // how much deeper their contents are
  std::string_view newline = "\n";
  bool literal_blocks = true;
};

// "key: value" in block style, with a newline at the end.
void append_yaml_pair(std::string& out, std::string_view key, const YamlContent& content,
                      const YamlLayout& layout);

// Where a new key goes.
enum class YamlOrder : unsigned char {
  natural,  // kept where the keys are in natural order, else at the end
  last,
  first,
};

// Each function returns the whole changed text.
class YamlEditor {
 public:
  YamlEditor(const YamlTree& tree, bool literal_blocks)
      : tree_(tree), literal_blocks_(literal_blocks) {}

  // Adds a key that is not there. `mapping` may be empty or null, if it is the value of a key.
  Result<std::string> insert(YamlIndex mapping, std::string_view key, const YamlContent& content,
                             YamlOrder order) const;
  // Adds a key right after another pair.
  Result<std::string> insert_after(YamlIndex mapping, std::size_t pair, std::string_view key,
                                   const YamlContent& content) const;
  Result<std::string> set_scalar(YamlIndex mapping, std::size_t pair,
                                 const YamlContent& value) const;
  Result<std::string> rename(YamlIndex mapping, std::size_t pair, std::string_view key) const;
  // The last pair leaves `{}`. Comments on lines of their own stay, unless they are indented
  // deeper than the key and so belong to what is removed.
  Result<std::string> remove(YamlIndex mapping, std::size_t pair) const;

  // Puts the whole document below a new top-level key, after `header`.
  Result<std::string> nest(std::string_view header, std::size_t indent) const;

 private:
  struct Splice {
    std::size_t offset;
    std::size_t length;
    std::string text;
  };

  Result<std::string> insert_into_block(YamlIndex mapping, std::size_t position,
                                        std::string_view key, const YamlContent& content) const;
  Result<std::string> insert_into_brackets(YamlIndex mapping, std::string_view key,
                                           const YamlContent& content) const;
  Result<std::string> insert_into_nothing(YamlIndex value, std::string_view key,
                                          const YamlContent& content) const;
  Result<std::string> remove_from_block(YamlIndex mapping, std::size_t pair) const;
  Result<std::string> remove_from_brackets(YamlIndex mapping, std::size_t pair) const;

  // The key that `value` belongs to; fails for anything but a value of a located key.
  Result<YamlIndex> holder(YamlIndex value) const;
  // The beginning of the line of a key that is the first on it.
  Result<std::size_t> key_line(YamlIndex key) const;
  // Behind the last line of a pair of a block mapping.
  Result<std::size_t> pair_end(YamlIndex mapping, std::size_t pair) const;
  Result<std::size_t> block_end(YamlIndex mapping) const;
  std::size_t last_octet(YamlIndex index) const;
  std::size_t written_end(YamlIndex mapping, std::size_t pair) const;
  std::size_t step(YamlIndex mapping) const;
  std::size_t position_of(YamlIndex mapping, std::string_view key, YamlOrder order) const;
  // Fails where an alias outside a range needs an anchor inside it.
  Status check_anchors(std::size_t begin, std::size_t end) const;

  std::string apply(std::vector<Splice> splices) const;
  Error refuse(std::size_t offset, std::string_view why) const;

  const YamlTree& tree_;
  bool literal_blocks_;
};

}  // namespace plakar::config
