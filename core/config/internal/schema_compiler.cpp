#include "core/config/internal/schema_compiler.h"

#include <algorithm>
#include <array>
#include <map>
#include <span>

#include "core/base/text.h"
#include "core/config/internal/nearest_name.h"
#include "core/config/schema.h"

namespace plakar::config {
namespace {

using codec::Json;
using codec::JsonMember;
using codec::JsonType;

Error error_at(std::string_view pointer, std::string_view message) {
  const std::string where = pointer.empty() ? "schema" : escape(pointer);
  return Error(Errc::invalid_argument, where + ": " + std::string(message));
}

class Compiler {
 public:
  Result<SchemaTree> compile(const Json& schema) {
    PLK_TRY(add(schema, "", 0));
    PLK_TRY(resolve_references());
    PLK_TRY(check_cycles());
    return std::move(tree_);
  }

 private:
  using Handler = Status (Compiler::*)(SchemaIndex node, const Json& value,
                                       const std::string& pointer);
  struct Keyword {
    std::string_view name;
    Handler handler;
  };
  static std::span<const Keyword> keywords();

  Result<SchemaIndex> add(const Json& schema, const std::string& pointer, std::size_t depth) {
    if (depth > schema_depth_max) return error_at(pointer, "nested too deeply");
    if (tree_.nodes.size() == schema_nodes_max) return error_at(pointer, "the schema is too large");
    const auto index = static_cast<SchemaIndex>(tree_.nodes.size());
    tree_.nodes.emplace_back().pointer = pointer;
    by_pointer_.emplace(pointer, index);
    if (const auto constant = schema.as_bool()) {
      tree_.nodes[index].constant = *constant;
      return index;
    }
    if (!schema.is_object()) return error_at(pointer, "a schema is an object, true or false");
    // The depth of the node, for the handlers that add more.
    depths_.push_back(depth);
    for (const JsonMember& member : schema.members()) {
      const std::string at = pointer + pointer_segment(member.name);
      const auto known = std::ranges::find(keywords(), member.name, &Keyword::name);
      if (known != keywords().end()) {
        PLK_TRY((this->*known->handler)(index, member.value, at));
      } else if (!member.name.starts_with("x-")) {
        return unknown_keyword(member.name, at);
      }
    }
    depths_.pop_back();
    return index;
  }

  static Error unknown_keyword(std::string_view name, std::string_view pointer) {
    std::vector<std::string> names;
    for (const Keyword& keyword : keywords()) names.emplace_back(keyword.name);
    const std::string nearest = nearest_name(name, names);
    return error_at(pointer, nearest.empty() ? "unknown keyword"
                                             : "unknown keyword, did you mean " + nearest + "?");
  }

  // --- values of keywords ---

  Result<SchemaIndex> add_below(const Json& schema, const std::string& pointer) {
    return add(schema, pointer, depths_.back() + 1);
  }

  static Result<std::string> text(const Json& value, const std::string& pointer) {
    const auto text = value.as_string();
    if (!text) return error_at(pointer, "must be a text");
    return std::string(*text);
  }
  static Result<bool> boolean(const Json& value, const std::string& pointer) {
    const auto boolean = value.as_bool();
    if (!boolean) return error_at(pointer, "must be true or false");
    return *boolean;
  }
  static Result<std::uint64_t> size(const Json& value, const std::string& pointer) {
    const auto size = value.as_uint64();
    if (!size) return error_at(pointer, "must be a whole number, 0 or more");
    return *size;
  }
  static Result<Json> number(const Json& value, const std::string& pointer) {
    if (value.type() != JsonType::integer && value.type() != JsonType::number) {
      return error_at(pointer, "must be a number");
    }
    return value;
  }
  static Result<std::vector<std::string>> texts(const Json& value, const std::string& pointer) {
    if (!value.is_array()) return error_at(pointer, "must be a list of texts");
    std::vector<std::string> list;
    for (const Json& item : value.items()) {
      list.push_back(PLK_TRY(text(item, pointer + "/" + std::to_string(list.size()))));
      if (std::ranges::count(list, list.back()) > 1) {
        return error_at(pointer, "names " + escape(list.back()) + " twice");
      }
    }
    return list;
  }
  Result<std::vector<SchemaIndex>> schemas(const Json& value, const std::string& pointer) {
    if (!value.is_array() || value.empty()) {
      return error_at(pointer, "must be a list of schemas, not empty");
    }
    std::vector<SchemaIndex> list;
    for (const Json& item : value.items()) {
      list.push_back(PLK_TRY(add_below(item, pointer + "/" + std::to_string(list.size()))));
    }
    return list;
  }
  Result<Pattern> pattern(std::string_view expression, const std::string& pointer) {
    if (++patterns_ > schema_patterns_max) return error_at(pointer, "too many patterns");
    auto compiled = Pattern::compile(expression);
    if (!compiled) return error_at(pointer, compiled.error().message());
    return compiled;
  }

  // --- keywords: one function each, or one for those of a kind ---

  Status ignore(SchemaIndex, const Json&, const std::string&) { return {}; }

  template <std::string SchemaNode::* member>
  Status set_text(SchemaIndex node, const Json& value, const std::string& pointer) {
    std::string set = PLK_TRY(text(value, pointer));
    tree_.nodes[node].*member = std::move(set);
    return {};
  }
  template <bool SchemaNode::* member>
  Status set_flag(SchemaIndex node, const Json& value, const std::string& pointer) {
    const bool set = PLK_TRY(boolean(value, pointer));
    tree_.nodes[node].*member = set;
    return {};
  }
  template <std::optional<std::uint64_t> SchemaNode::* member>
  Status set_size(SchemaIndex node, const Json& value, const std::string& pointer) {
    const std::uint64_t set = PLK_TRY(size(value, pointer));
    tree_.nodes[node].*member = set;
    return {};
  }
  template <std::optional<Json> SchemaNode::* member>
  Status set_number(SchemaIndex node, const Json& value, const std::string& pointer) {
    Json set = PLK_TRY(number(value, pointer));
    tree_.nodes[node].*member = std::move(set);
    return {};
  }
  template <SchemaIndex SchemaNode::* member>
  Status set_schema(SchemaIndex node, const Json& value, const std::string& pointer) {
    const SchemaIndex set = PLK_TRY(add_below(value, pointer));
    tree_.nodes[node].*member = set;
    return {};
  }
  template <std::vector<SchemaIndex> SchemaNode::* member>
  Status set_schemas(SchemaIndex node, const Json& value, const std::string& pointer) {
    std::vector<SchemaIndex> set = PLK_TRY(schemas(value, pointer));
    tree_.nodes[node].*member = std::move(set);
    return {};
  }
  template <std::vector<std::string> SchemaNode::* member>
  Status set_texts(SchemaIndex node, const Json& value, const std::string& pointer) {
    std::vector<std::string> set = PLK_TRY(texts(value, pointer));
    tree_.nodes[node].*member = std::move(set);
    return {};
  }

  Status set_reference(SchemaIndex node, const Json& value, const std::string& pointer) {
    references_.push_back({node, PLK_TRY(text(value, pointer)), pointer});
    return {};
  }

  Status set_type(SchemaIndex node, const Json& value, const std::string& pointer) {
    std::vector<std::string> names;
    if (value.is_array()) {
      names = PLK_TRY(texts(value, pointer));
    } else {
      names.push_back(PLK_TRY(text(value, pointer)));
    }
    constexpr std::array<std::pair<std::string_view, std::uint8_t>, 7> types = {
        {{"null", type_null},
         {"boolean", type_boolean},
         {"integer", type_integer},
         {"number", type_number | type_integer},
         {"string", type_string},
         {"array", type_array},
         {"object", type_object}}};
    std::uint8_t mask = 0;
    for (const std::string& name : names) {
      const auto type = std::ranges::find(types, name, &decltype(types)::value_type::first);
      if (type == types.end()) return error_at(pointer, "there is no type " + escape(name));
      mask |= type->second;
    }
    if (mask == 0) return error_at(pointer, "must name a type");
    tree_.nodes[node].types = mask;
    return {};
  }

  Status set_enum(SchemaIndex node, const Json& value, const std::string& pointer) {
    if (!value.is_array() || value.empty()) {
      return error_at(pointer, "must be a list of values, not empty");
    }
    return restrict_values(node, std::vector<Json>(value.items().begin(), value.items().end()));
  }
  Status set_const(SchemaIndex node, const Json& value, const std::string&) {
    tree_.nodes[node].has_const = true;
    return restrict_values(node, {value});
  }
  // With both `enum` and `const` only what is in both is left.
  Status restrict_values(SchemaIndex node, std::vector<Json> values) {
    auto& allowed = tree_.nodes[node].one_value_of;
    if (!allowed) {
      allowed = std::move(values);
    } else {
      std::erase_if(*allowed, [&](const Json& value) {
        return std::ranges::none_of(values,
                                    [&](const Json& other) { return same_json(value, other); });
      });
    }
    return {};
  }

  Status set_pattern(SchemaIndex node, const Json& value, const std::string& pointer) {
    std::string expression = PLK_TRY(text(value, pointer));
    tree_.nodes[node].pattern = PLK_TRY(pattern(expression, pointer));
    tree_.nodes[node].pattern_text = std::move(expression);
    return {};
  }

  Status set_multiple_of(SchemaIndex node, const Json& value, const std::string& pointer) {
    PLK_TRY(set_number<&SchemaNode::multiple_of>(node, value, pointer));
    if (compare_numbers(value, Json(0)) <= 0) return error_at(pointer, "must be more than 0");
    return {};
  }

  Status set_properties(SchemaIndex node, const Json& value, const std::string& pointer) {
    if (!value.is_object()) return error_at(pointer, "must be an object of schemas");
    for (const JsonMember& member : value.members()) {
      const SchemaIndex schema =
          PLK_TRY(add_below(member.value, pointer + pointer_segment(member.name)));
      tree_.nodes[node].properties.emplace_back(member.name, schema);
    }
    return check_names(node, pointer);
  }

  // A name or an alias leads to one field.
  Status check_names(SchemaIndex node, const std::string& pointer) const {
    std::vector<std::string_view> names;
    for (const auto& [name, index] : tree_.nodes[node].properties) {
      names.push_back(name);
      for (const std::string& alias : tree_.nodes[index].aliases) names.push_back(alias);
    }
    std::ranges::sort(names);
    const auto twice = std::ranges::adjacent_find(names);
    if (twice == names.end()) return {};
    return error_at(pointer, escape(*twice) + " is the name or alias of two fields");
  }

  Status set_pattern_properties(SchemaIndex node, const Json& value, const std::string& pointer) {
    if (!value.is_object()) return error_at(pointer, "must be an object of schemas");
    for (const JsonMember& member : value.members()) {
      const std::string at = pointer + pointer_segment(member.name);
      Pattern compiled = PLK_TRY(pattern(member.name, at));
      const SchemaIndex schema = PLK_TRY(add_below(member.value, at));
      tree_.nodes[node].pattern_properties.push_back({std::move(compiled), schema});
    }
    return {};
  }

  Status set_dependencies(SchemaIndex node, const Json& value, const std::string& pointer) {
    if (!value.is_object()) return error_at(pointer, "must be an object of lists");
    for (const JsonMember& member : value.members()) {
      std::vector<std::string> names =
          PLK_TRY(texts(member.value, pointer + pointer_segment(member.name)));
      tree_.nodes[node].dependent_required.push_back({member.name, std::move(names)});
    }
    return {};
  }

  // They are schemas only when something refers to them, but are compiled in any case.
  Status add_definitions(SchemaIndex, const Json& value, const std::string& pointer) {
    if (!value.is_object()) return error_at(pointer, "must be an object of schemas");
    for (const JsonMember& member : value.members()) {
      PLK_TRY(add_below(member.value, pointer + pointer_segment(member.name)));
    }
    return {};
  }

  Status set_default(SchemaIndex node, const Json& value, const std::string&) {
    tree_.nodes[node].default_value = value;
    return {};
  }

  Status set_examples(SchemaIndex node, const Json& value, const std::string& pointer) {
    if (!value.is_array()) return error_at(pointer, "must be a list");
    tree_.nodes[node].examples.assign(value.items().begin(), value.items().end());
    return {};
  }

  Status set_secret(SchemaIndex node, const Json& value, const std::string& pointer) {
    const bool secret = PLK_TRY(boolean(value, pointer));
    tree_.nodes[node].secret |= secret;
    tree_.marks_secrets |= secret;
    return {};
  }

  Status set_order(SchemaIndex node, const Json& value, const std::string& pointer) {
    const auto order = value.as_int64();
    if (!order) return error_at(pointer, "must be a whole number");
    tree_.nodes[node].order = *order;
    return {};
  }

  Status set_choices(SchemaIndex node, const Json& value, const std::string& pointer) {
    if (value.as_string() != "dynamic") return error_at(pointer, "must be \"dynamic\"");
    tree_.nodes[node].dynamic_choices = true;
    return {};
  }

  Status check_text(SchemaIndex, const Json& value, const std::string& pointer) {
    PLK_TRY(text(value, pointer));
    return {};
  }

  // --- references ---

  struct Reference {
    SchemaIndex from;
    std::string target;
    std::string pointer;
  };

  Status resolve_references() {
    for (const Reference& reference : references_) {
      if (!reference.target.starts_with('#')) {
        return error_at(reference.pointer, "only references within the schema (\"#/...\") work");
      }
      const auto target = by_pointer_.find(decode_fragment(reference.target.substr(1)));
      if (target == by_pointer_.end()) {
        return error_at(reference.pointer, escape(reference.target) + " does not lead to a schema");
      }
      tree_.nodes[reference.from].ref = target->second;
    }
    return {};
  }

  static std::string decode_fragment(std::string_view fragment) {
    const auto digit = [](char c) {
      if (c >= '0' && c <= '9') return c - '0';
      if (c >= 'a' && c <= 'f') return c - 'a' + 10;
      if (c >= 'A' && c <= 'F') return c - 'A' + 10;
      return -1;
    };
    std::string decoded;
    for (std::size_t i = 0; i < fragment.size(); ++i) {
      const bool escaped = fragment[i] == '%' && i + 2 < fragment.size() &&
                           digit(fragment[i + 1]) >= 0 && digit(fragment[i + 2]) >= 0;
      if (!escaped) {
        decoded += fragment[i];
        continue;
      }
      decoded += static_cast<char>(digit(fragment[i + 1]) * 16 + digit(fragment[i + 2]));
      i += 2;
    }
    return decoded;
  }

  // A schema that applies itself to the same value, by whatever way, never ends. Also bounds
  // the length of such ways, and with them the recursion of the validator.
  Status check_cycles() const {
    enum class Mark : unsigned char { unseen, open, done };
    struct Visit {
      SchemaIndex node;
      std::vector<SchemaIndex> next;
    };
    std::vector<Mark> marks(tree_.nodes.size(), Mark::unseen);
    std::vector<std::size_t> lengths(tree_.nodes.size(), 1);
    for (SchemaIndex start = 0; start < tree_.nodes.size(); ++start) {
      if (marks[start] != Mark::unseen) continue;
      std::vector<Visit> path;
      path.push_back({start, in_place_edges(start)});
      marks[start] = Mark::open;
      while (!path.empty()) {
        Visit& visit = path.back();
        if (visit.next.empty()) {
          const SchemaIndex finished = visit.node;
          marks[finished] = Mark::done;
          path.pop_back();
          if (lengths[finished] > schema_depth_max) {
            return error_at(tree_.nodes[finished].pointer, "nested too deeply");
          }
          if (!path.empty()) {
            std::size_t& length = lengths[path.back().node];
            length = std::max(length, lengths[finished] + 1);
          }
          continue;
        }
        const SchemaIndex next = visit.next.back();
        visit.next.pop_back();
        if (marks[next] == Mark::open) {
          return error_at(tree_.nodes[next].pointer, "refers to itself");
        }
        if (marks[next] == Mark::done) {
          std::size_t& length = lengths[visit.node];
          length = std::max(length, lengths[next] + 1);
          continue;
        }
        marks[next] = Mark::open;
        path.push_back({next, in_place_edges(next)});
      }
    }
    return {};
  }

  std::vector<SchemaIndex> in_place_edges(SchemaIndex index) const {
    const SchemaNode& node = tree_.nodes[index];
    std::vector<SchemaIndex> edges = {node.ref, node.negated, node.condition, node.consequence,
                                      node.alternative};
    edges.insert(edges.end(), node.all_of.begin(), node.all_of.end());
    edges.insert(edges.end(), node.any_of.begin(), node.any_of.end());
    edges.insert(edges.end(), node.one_of.begin(), node.one_of.end());
    std::erase(edges, no_schema);
    return edges;
  }

  SchemaTree tree_;
  std::map<std::string, SchemaIndex> by_pointer_;
  std::vector<Reference> references_;
  std::vector<std::size_t> depths_;
  std::size_t patterns_ = 0;
};

std::span<const Compiler::Keyword> Compiler::keywords() {
  using C = Compiler;
  using N = SchemaNode;
  static constexpr auto all = std::to_array<Keyword>({
      {"$schema", &C::check_text},
      {"$id", &C::check_text},
      {"$comment", &C::check_text},
      {"$ref", &C::set_reference},
      {"$defs", &C::add_definitions},
      {"definitions", &C::add_definitions},
      {"type", &C::set_type},
      {"enum", &C::set_enum},
      {"const", &C::set_const},
      {"pattern", &C::set_pattern},
      {"format", &C::set_text<&N::format>},
      {"minLength", &C::set_size<&N::min_length>},
      {"maxLength", &C::set_size<&N::max_length>},
      {"minimum", &C::set_number<&N::minimum>},
      {"maximum", &C::set_number<&N::maximum>},
      {"exclusiveMinimum", &C::set_number<&N::exclusive_minimum>},
      {"exclusiveMaximum", &C::set_number<&N::exclusive_maximum>},
      {"multipleOf", &C::set_multiple_of},
      {"items", &C::set_schema<&N::items>},
      {"minItems", &C::set_size<&N::min_items>},
      {"maxItems", &C::set_size<&N::max_items>},
      {"uniqueItems", &C::set_flag<&N::unique_items>},
      {"properties", &C::set_properties},
      {"patternProperties", &C::set_pattern_properties},
      {"additionalProperties", &C::set_schema<&N::additional_properties>},
      {"required", &C::set_texts<&N::required>},
      {"dependentRequired", &C::set_dependencies},
      {"allOf", &C::set_schemas<&N::all_of>},
      {"anyOf", &C::set_schemas<&N::any_of>},
      {"oneOf", &C::set_schemas<&N::one_of>},
      {"not", &C::set_schema<&N::negated>},
      {"if", &C::set_schema<&N::condition>},
      {"then", &C::set_schema<&N::consequence>},
      {"else", &C::set_schema<&N::alternative>},
      {"title", &C::set_text<&N::title>},
      {"description", &C::set_text<&N::description>},
      {"default", &C::set_default},
      {"examples", &C::set_examples},
      {"deprecated", &C::set_flag<&N::deprecated>},
      {"readOnly", &C::set_flag<&N::read_only>},
      {"writeOnly", &C::set_secret},
      {"contentMediaType", &C::set_text<&N::media_type>},
      {"contentEncoding", &C::check_text},
      {"x-secret", &C::set_secret},
      {"x-order", &C::set_order},
      {"x-group", &C::set_text<&N::group>},
      {"x-advanced", &C::set_flag<&N::advanced>},
      {"x-placeholder", &C::set_text<&N::placeholder>},
      {"x-choices", &C::set_choices},
      {"x-aliases", &C::set_texts<&N::aliases>},
      {"x-ignore-case", &C::set_flag<&N::ignore_case>},
  });
  return all;
}

}  // namespace

Result<SchemaTree> compile_schema(const Json& schema) { return Compiler().compile(schema); }

}  // namespace plakar::config
