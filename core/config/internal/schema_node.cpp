#include "core/config/internal/schema_node.h"

#include <algorithm>
#include <cmath>

#include "core/config/masking.h"

namespace plakar::config {

using codec::Json;
using codec::JsonMember;
using codec::JsonType;

std::vector<SchemaIndex> SchemaTree::in_place(const std::vector<SchemaIndex>& indices) const {
  std::vector<SchemaIndex> found;
  const auto add = [&](SchemaIndex index) {
    if (index != no_schema && std::ranges::find(found, index) == found.end()) {
      found.push_back(index);
    }
  };
  std::ranges::for_each(indices, add);
  for (std::size_t i = 0; i < found.size(); ++i) {
    const SchemaNode& node = nodes[found[i]];
    add(node.ref);
    std::ranges::for_each(node.all_of, add);
  }
  return found;
}

std::vector<SchemaIndex> SchemaTree::in_place(SchemaIndex index) const {
  return in_place(std::vector<SchemaIndex>{index});
}

std::vector<SchemaIndex> SchemaTree::member(const std::vector<SchemaIndex>& view,
                                            std::string_view name) const {
  std::vector<SchemaIndex> found;
  for (const SchemaIndex index : view) {
    const SchemaNode& node = nodes[index];
    bool matched = false;
    if (const SchemaIndex property = node.find_property(name); property != no_schema) {
      found.push_back(property);
      matched = true;
    }
    for (const auto& [pattern, schema] : node.pattern_properties) {
      if (!pattern.matches(name)) continue;
      found.push_back(schema);
      matched = true;
    }
    if (!matched && node.additional_properties != no_schema) {
      found.push_back(node.additional_properties);
    }
  }
  return in_place(found);
}

std::uint8_t SchemaTree::types(const std::vector<SchemaIndex>& view) const {
  std::uint8_t types = type_any;
  for (const SchemaIndex index : view) types &= nodes[index].types;
  return types;
}

bool SchemaTree::is_secret(const std::vector<SchemaIndex>& view, std::string_view key) const {
  const bool marked =
      std::ranges::any_of(view, [&](SchemaIndex index) { return nodes[index].secret; });
  return marked || (!marks_secrets && is_secret_field(key));
}

bool is_whole(const Json& number) {
  if (number.type() == JsonType::integer) return true;
  const double value = *number.as_double();
  return std::isfinite(value) && value == std::floor(value);
}

int compare_numbers(const Json& a, const Json& b) {
  if (a.type() == JsonType::integer && b.type() == JsonType::integer) {
    const auto x = a.as_int64();
    const auto y = b.as_int64();
    if (x && y) return *x < *y ? -1 : *x > *y ? 1 : 0;
    if (x) return -1;  // The other one is beyond 2^63-1.
    if (y) return 1;
    return *a.as_uint64() < *b.as_uint64() ? -1 : *a.as_uint64() > *b.as_uint64() ? 1 : 0;
  }
  const double x = *a.as_double();
  const double y = *b.as_double();
  return x < y ? -1 : x > y ? 1 : 0;
}

// Recursion is bounded by the depth of both, which the reader of JSON limits.
bool same_json(const Json& a, const Json& b) {
  const auto is_number = [](const Json& value) {
    return value.type() == JsonType::integer || value.type() == JsonType::number;
  };
  if (is_number(a) && is_number(b)) return compare_numbers(a, b) == 0;
  if (a.type() != b.type() || a.size() != b.size()) return false;
  if (a.is_array()) {
    return std::ranges::equal(a.items(), b.items(), same_json);
  }
  if (a.is_object()) {
    return std::ranges::all_of(a.members(), [&](const JsonMember& member) {
      const Json* other = b.find(member.name);
      return other != nullptr && same_json(member.value, *other);
    });
  }
  return a == b;
}

std::string pointer_segment(std::string_view name) {
  std::string segment = "/";
  for (const char c : name) {
    if (c == '~') {
      segment += "~0";
    } else if (c == '/') {
      segment += "~1";
    } else {
      segment += c;
    }
  }
  return segment;
}

}  // namespace plakar::config
