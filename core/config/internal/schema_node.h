// A schema taken apart: one node for each place where a schema can stand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/pattern.h"
#include "core/codec/json.h"

namespace plakar::config {

using SchemaIndex = std::uint32_t;
inline constexpr SchemaIndex no_schema = UINT32_MAX;

// JSON Schema's types as bits; a number without a fraction is an integer too.
enum SchemaType : std::uint8_t {
  type_null = 1,
  type_boolean = 2,
  type_integer = 4,
  type_number = 8,  // includes integers
  type_string = 16,
  type_array = 32,
  type_object = 64,
  type_any = 127,
};

struct SchemaNode {
  std::string pointer;           // where it stands in the schema
  std::optional<bool> constant;  // `true` or `false` instead of an object
  SchemaIndex ref = no_schema;

  // What a value must be.
  std::uint8_t types = type_any;
  std::optional<std::vector<codec::Json>> one_value_of;  // enum, const
  bool has_const = false;
  std::optional<Pattern> pattern;
  std::string pattern_text;
  std::string format;
  std::optional<std::uint64_t> min_length;
  std::optional<std::uint64_t> max_length;
  std::optional<codec::Json> minimum;
  std::optional<codec::Json> maximum;
  std::optional<codec::Json> exclusive_minimum;
  std::optional<codec::Json> exclusive_maximum;
  std::optional<codec::Json> multiple_of;
  SchemaIndex items = no_schema;
  std::optional<std::uint64_t> min_items;
  std::optional<std::uint64_t> max_items;
  bool unique_items = false;

  struct PatternProperty {
    Pattern pattern;
    SchemaIndex schema;
  };
  struct Dependency {
    std::string name;
    std::vector<std::string> required;
  };
  std::vector<std::pair<std::string, SchemaIndex>> properties;
  std::vector<PatternProperty> pattern_properties;
  SchemaIndex additional_properties = no_schema;
  std::vector<std::string> required;
  std::vector<Dependency> dependent_required;

  std::vector<SchemaIndex> all_of;
  std::vector<SchemaIndex> any_of;
  std::vector<SchemaIndex> one_of;
  SchemaIndex negated = no_schema;      // not
  SchemaIndex condition = no_schema;    // if
  SchemaIndex consequence = no_schema;  // then
  SchemaIndex alternative = no_schema;  // else

  // What is said about it.
  std::string title;
  std::string description;
  std::string media_type;
  std::string group;
  std::string placeholder;
  std::optional<codec::Json> default_value;
  std::vector<codec::Json> examples;
  std::vector<std::string> aliases;
  std::optional<std::int64_t> order;
  bool deprecated = false;
  bool read_only = false;
  bool secret = false;
  bool advanced = false;
  bool dynamic_choices = false;
  bool ignore_case = false;

  SchemaIndex find_property(std::string_view name) const noexcept {
    for (const auto& [key, index] : properties) {
      if (key == name) return index;
    }
    return no_schema;
  }
};

struct SchemaTree {
  std::vector<SchemaNode> nodes;  // the first is the root
  bool marks_secrets = false;     // somewhere it says which fields are

  const SchemaNode& operator[](SchemaIndex index) const { return nodes[index]; }

  // The node, what it refers to, and all that must hold with it (`allOf`): the places to look
  // for a field's type, default and properties. Each once.
  std::vector<SchemaIndex> in_place(SchemaIndex index) const;
  std::vector<SchemaIndex> in_place(const std::vector<SchemaIndex>& indices) const;
  // The nodes for the member `name` of an object that `view` describes.
  std::vector<SchemaIndex> member(const std::vector<SchemaIndex>& view,
                                  std::string_view name) const;
  // What types all of them allow.
  std::uint8_t types(const std::vector<SchemaIndex>& view) const;
  bool is_secret(const std::vector<SchemaIndex>& view, std::string_view key) const;
};

// Equality as JSON Schema has it: numbers by value, members in any order.
bool same_json(const codec::Json& a, const codec::Json& b);
// Precondition: both are numbers. Negative, 0 or positive; exact between integers.
int compare_numbers(const codec::Json& a, const codec::Json& b);
// 5, 5.0: whether a number has no fraction.
bool is_whole(const codec::Json& number);

// A segment of an RFC 6901 pointer.
std::string pointer_segment(std::string_view name);

}  // namespace plakar::config
