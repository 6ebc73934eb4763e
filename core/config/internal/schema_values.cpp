#include "core/config/internal/schema_values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

#include "core/base/text.h"
#include "core/config/internal/schema_validator.h"
#include "core/config/location.h"
#include "core/config/masking.h"

namespace plakar::config {
namespace {

using codec::Json;
using codec::JsonMember;
using codec::JsonType;
using View = std::vector<SchemaIndex>;

constexpr std::size_t value_depth_max = 64;

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

std::optional<bool> parse_boolean(std::string_view text) {
  constexpr std::array<std::string_view, 6> yes = {"1", "t", "T", "true", "True", "TRUE"};
  constexpr std::array<std::string_view, 6> no = {"0", "f", "F", "false", "False", "FALSE"};
  if (std::ranges::find(yes, text) != yes.end()) return true;
  if (std::ranges::find(no, text) != no.end()) return false;
  return std::nullopt;
}

// Decimal, the whole text. "+5" is how people write it.
template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  if (text.starts_with('+') && text.size() > 1 && text[1] >= '0' && text[1] <= '9') {
    text.remove_prefix(1);
  }
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<Json> parse_integer(std::string_view text) {
  if (const auto number = parse_number<std::int64_t>(text)) return Json(*number);
  if (const auto number = parse_number<std::uint64_t>(text)) return Json(*number);
  return std::nullopt;
}

// "inf" and "nan" are no numbers of JSON.
std::optional<Json> parse_double(std::string_view text) {
  const auto number = parse_number<double>(text);
  if (!number || text.find_first_of("nN") != text.npos) return std::nullopt;
  return Json(*number);
}

class Converter {
 public:
  Converter(const SchemaTree& tree, std::vector<FieldError>& errors)
      : tree_(tree), errors_(errors) {}

  // Nothing: an empty text that means "not set".
  std::optional<Json> convert(const View& view, const Json& value, const std::string& pointer,
                              std::size_t depth) {
    if (depth > value_depth_max) return value;
    if (const auto text = value.as_string()) return convert_text(view, *text, pointer, depth);
    const std::uint8_t types = tree_.types(view);
    switch (value.type()) {
      case JsonType::boolean:
      case JsonType::integer:
      case JsonType::number:
        return convert_single(types, value);
      case JsonType::array:
        return convert_items(view, value, pointer, depth);
      case JsonType::object:
        return convert_members(view, value, pointer, depth);
      case JsonType::null:
      case JsonType::string:
        return value;
    }
    return value;
  }

 private:
  static Json convert_single(std::uint8_t types, const Json& value) {
    const bool number = value.type() == JsonType::number;
    if (number && (types & type_number) == 0 && (types & type_integer) != 0 && is_whole(value)) {
      constexpr double exact_max = 9007199254740992.0;  // 2^53
      const double whole = *value.as_double();
      if (whole >= -exact_max && whole <= exact_max) return static_cast<std::int64_t>(whole);
    }
    constexpr std::uint8_t single = type_boolean | type_integer | type_number;
    if ((types & single) == 0 && (types & type_string) != 0) return option_text(value);
    return value;
  }

  std::optional<Json> convert_text(const View& view, std::string_view text,
                                   const std::string& pointer, std::size_t depth) {
    const std::uint8_t types = tree_.types(view);
    if (auto reference = parse_reference(text)) return reference;
    if ((types & type_string) != 0) {
      if (text.empty() && is_unset(view, pointer)) return std::nullopt;
      return Json(in_case_of_schema(view, text));
    }
    const std::string_view word = trim(text);
    if (word.empty()) return std::nullopt;
    if ((types & type_boolean) != 0) {
      if (const auto boolean = parse_boolean(word)) return Json(*boolean);
    }
    if ((types & (type_integer | type_number)) != 0) {
      if (auto integer = parse_integer(word)) return integer;
    }
    if ((types & type_number) != 0) {
      if (auto number = parse_double(word)) return number;
    }
    if ((types & type_null) != 0 && word == "null") return Json();
    const bool array = (types & type_array) != 0;
    const bool object = (types & type_object) != 0;
    if ((array && word.starts_with('[')) || (object && word.starts_with('{'))) {
      if (const auto parsed = codec::parse_json(word, {.max_depth = value_depth_max})) {
        return convert(view, *parsed, pointer, depth + 1);
      }
    }
    if (array && !word.starts_with('[')) return convert_list(view, word, pointer, depth);
    return Json(text);
  }

  // "a, b": a list, if its items are single values.
  Json convert_list(const View& view, std::string_view text, const std::string& pointer,
                    std::size_t depth) {
    const View items = items_view(view);
    if ((tree_.types(items) & (type_array | type_object)) != 0) return text;
    Json list = Json::array();
    while (true) {
      const std::size_t size = std::min(text.find(','), text.size());
      const std::string_view item = trim(text.substr(0, size));
      if (!item.empty()) {
        auto converted = convert(items, Json(item), pointer, depth + 1);
        if (converted) list.push_back(*std::move(converted));
      }
      if (size == text.size()) return list;
      text.remove_prefix(size + 1);
    }
  }

  Json convert_items(const View& view, const Json& value, const std::string& pointer,
                     std::size_t depth) {
    const View items = items_view(view);
    Json list = Json::array();
    for (const Json& item : value.items()) {
      auto converted = convert(items, item, pointer + "/" + std::to_string(list.size()), depth + 1);
      // Left as it is: leaving it out would move the others.
      list.push_back(converted ? *std::move(converted) : item);
    }
    return list;
  }

  Json convert_members(const View& view, const Json& value, const std::string& pointer,
                       std::size_t depth) {
    if (is_secret_reference(value)) return value;
    Json object = Json::object();
    for (const JsonMember& member : value.members()) {
      const std::string name = name_of(view, member.name);
      const std::string at = pointer + pointer_segment(name);
      if (name != member.name && value.find(name) != nullptr) {
        errors_.push_back({pointer + pointer_segment(member.name), "x-aliases",
                           field_name(pointer + pointer_segment(member.name)) +
                               ": is another name of " + escape(name) + ", which is given too",
                           ""});
        continue;
      }
      if (object.find(name) != nullptr) {
        errors_.push_back({pointer + pointer_segment(member.name), "x-aliases",
                           field_name(pointer + pointer_segment(member.name)) +
                               ": is another name of " + escape(name) + ", as another one is",
                           ""});
        continue;
      }
      auto converted = convert(tree_.member(view, name), member.value, at, depth + 1);
      if (converted) object.set(name, *std::move(converted));
    }
    return object;
  }

  // The schema's own name of a field.
  std::string name_of(const View& view, const std::string& given) const {
    for (const SchemaIndex index : view) {
      if (tree_[index].find_property(given) != no_schema) return given;
    }
    for (const SchemaIndex index : view) {
      for (const auto& [name, property] : tree_[index].properties) {
        for (const SchemaIndex place : tree_.in_place(property)) {
          if (std::ranges::count(tree_[place].aliases, given) > 0) return name;
        }
      }
    }
    return given;
  }

  View items_view(const View& view) const {
    View items;
    for (const SchemaIndex index : view) {
      if (tree_[index].items != no_schema) items.push_back(tree_[index].items);
    }
    return tree_.in_place(items);
  }

  // A reference in a file whose values are texts.
  static std::optional<Json> parse_reference(std::string_view text) {
    if (!trim(text).starts_with("{\"$secret\"")) return std::nullopt;
    auto parsed = codec::parse_json(trim(text), {.max_depth = 2});
    if (!parsed || !is_secret_reference(*parsed)) return std::nullopt;
    return *std::move(parsed);
  }

  // An empty text is "not set" for a secret, and where the schema does not accept one.
  bool is_unset(const View& view, const std::string& pointer) {
    if (pointer.empty()) return false;
    const std::string_view key = std::string_view(pointer).substr(pointer.rfind('/') + 1);
    if (tree_.is_secret(view, key)) return true;
    SchemaValidator validator(tree_);
    return std::ranges::any_of(view, [&](SchemaIndex index) {
      return validator.judge(index, Json("")) == Verdict::wrong;
    });
  }

  std::string in_case_of_schema(const View& view, std::string_view text) const {
    const auto lower = [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    };
    for (const SchemaIndex index : view) {
      const SchemaNode& node = tree_[index];
      if (!node.ignore_case || !node.one_value_of) continue;
      for (const Json& choice : *node.one_value_of) {
        const auto word = choice.as_string();
        if (word && std::ranges::equal(*word, text, {}, lower, lower)) return std::string(*word);
      }
    }
    return std::string(text);
  }

  const SchemaTree& tree_;
  std::vector<FieldError>& errors_;
};

class Defaults {
 public:
  explicit Defaults(const SchemaTree& tree) : tree_(tree) {}

  void apply(const View& view, Json& value, std::size_t depth) {
    if (depth > value_depth_max || (value.is_object() && is_secret_reference(value))) return;
    const View active = with_branches(view, value);
    for (const SchemaIndex index : active) {
      for (const auto& [name, property] : tree_[index].properties) {
        if (!value.is_object() || value.find(name) != nullptr) continue;
        if (const Json* given = default_of(tree_.in_place(property))) value.set(name, *given);
      }
    }
    if (value.is_object()) {
      for (const JsonMember& member : value.members()) {
        apply(tree_.member(active, member.name), *value.find(member.name), depth + 1);
      }
      return;
    }
    View items;
    for (const SchemaIndex index : active) {
      if (tree_[index].items != no_schema) items.push_back(tree_[index].items);
    }
    items = tree_.in_place(items);
    for (Json& item : value.items()) apply(items, item, depth + 1);
  }

 private:
  const Json* default_of(const View& view) const {
    for (const SchemaIndex index : view) {
      if (tree_[index].default_value) return &*tree_[index].default_value;
    }
    return nullptr;
  }

  View with_branches(const View& view, const Json& value) const {
    View active = view;
    for (const SchemaIndex index : view) {
      const SchemaNode& node = tree_[index];
      if (node.condition == no_schema) continue;
      SchemaValidator validator(tree_);
      switch (validator.judge(node.condition, value)) {
        case Verdict::right:
          active.push_back(node.consequence);
          break;
        case Verdict::wrong:
          active.push_back(node.alternative);
          break;
        case Verdict::unknown:
          break;
      }
    }
    return tree_.in_place(active);
  }

  const SchemaTree& tree_;
};

Json mask_value(const SchemaTree& tree, const View& view, std::string_view key, const Json& value,
                std::size_t depth) {
  if (value.is_object() && is_secret_reference(value)) return value;
  if (tree.is_secret(view, key)) return std::string(mask);
  if (depth > value_depth_max) return std::string(mask);
  if (value.is_object()) {
    Json object = Json::object();
    for (const JsonMember& member : value.members()) {
      object.set(member.name, mask_value(tree, tree.member(view, member.name), member.name,
                                         member.value, depth + 1));
    }
    return object;
  }
  if (value.is_array()) {
    View items;
    for (const SchemaIndex index : view) {
      if (tree[index].items != no_schema) items.push_back(tree[index].items);
    }
    items = tree.in_place(items);
    Json list = Json::array();
    for (const Json& item : value.items()) {
      list.push_back(mask_value(tree, items, "", item, depth + 1));
    }
    return list;
  }
  if (const auto text = value.as_string()) return mask_passwords(*text);
  return value;
}

}  // namespace

Json convert_values(const SchemaTree& tree, const Json& instance, std::vector<FieldError>& errors) {
  return Converter(tree, errors)
      .convert(tree.in_place(SchemaIndex{0}), instance, "", 0)
      .value_or(instance);
}

void apply_defaults(const SchemaTree& tree, Json& instance) {
  Defaults(tree).apply(tree.in_place(SchemaIndex{0}), instance, 0);
}

Json mask_secrets(const SchemaTree& tree, const Json& instance) {
  return mask_value(tree, tree.in_place(SchemaIndex{0}), "", instance, 0);
}

}  // namespace plakar::config
