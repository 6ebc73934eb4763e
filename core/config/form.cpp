#include "core/config/form.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/config/internal/schema_node.h"
#include "core/config/internal/schema_validator.h"

namespace plakar::config {
namespace {

using codec::Json;
using codec::JsonMember;
using codec::JsonType;
using View = std::vector<SchemaIndex>;

// "secret_access_key" is "Secret Access Key".
std::string label_of(std::string_view key) {
  std::string label;
  bool begins_word = true;
  for (const char c : key) {
    if (c == '_' || c == '-') {
      label += ' ';
      begins_word = true;
      continue;
    }
    label += begins_word && c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
    begins_word = false;
  }
  return label;
}

Json text_list(const std::vector<std::string>& texts) {
  Json list = Json::array();
  for (const std::string& text : texts) list.push_back(text);
  return list;
}

// {"properties": {"mode": {"const": "y"}}}: a condition that a form can watch.
std::optional<Json> simple_condition(const SchemaTree& tree, SchemaIndex index) {
  const SchemaNode& node = tree[index];
  if (node.properties.size() != 1) return std::nullopt;
  const auto& [field, property] = node.properties[0];
  const bool only_required =
      std::ranges::all_of(node.required, [&](const std::string& name) { return name == field; });
  if (!only_required || node.ref != no_schema || !node.all_of.empty() || !node.any_of.empty() ||
      !node.one_of.empty() || node.negated != no_schema || !tree[property].one_value_of) {
    return std::nullopt;
  }
  Json values = Json::array();
  for (const Json& value : *tree[property].one_value_of) values.push_back(value);
  return Json::object({{"field", field}, {"equals", values}});
}

class Form {
 public:
  explicit Form(const SchemaTree& tree) : tree_(tree), top_(tree.in_place(SchemaIndex{0})) {}

  Json describe() const {
    std::vector<Name> names;
    for (const SchemaIndex index : top_) {
      for (const auto& [name, property] : tree_[index].properties) add_name(names, name);
    }
    for (const SchemaIndex index : top_) {
      for (const SchemaIndex branch : {tree_[index].consequence, tree_[index].alternative}) {
        if (branch == no_schema) continue;
        for (const auto& [name, property] : tree_[branch].properties) add_name(names, name);
      }
    }
    std::ranges::sort(names, {}, &Name::place);
    Json fields = Json::array();
    for (const Name& name : names) fields.push_back(describe_field(name.text));
    Json rules = Json::array();
    for (const SchemaIndex index : top_) add_rules(rules, tree_[index]);
    return Json::object({{"fields", std::move(fields)}, {"rules", std::move(rules)}});
  }

 private:
  struct Name {
    std::string text;
    std::pair<std::int64_t, std::size_t> place;  // x-order, then as found
  };

  void add_name(std::vector<Name>& names, const std::string& text) const {
    if (std::ranges::count(names, text, &Name::text) > 0) return;
    std::int64_t order = std::numeric_limits<std::int64_t>::max();
    for (const SchemaIndex index : view_of(text)) order = tree_[index].order.value_or(order);
    names.push_back({text, {order, names.size()}});
  }

  // The nodes of a field; those of a branch for one that only a branch describes.
  View view_of(const std::string& name) const {
    View view;
    for (const SchemaIndex index : top_) {
      const SchemaIndex property = tree_[index].find_property(name);
      if (property != no_schema) view.push_back(property);
    }
    const auto says_nothing = [&](SchemaIndex index) { return tree_[index].constant == true; };
    if (!std::ranges::all_of(view, says_nothing)) return tree_.in_place(view);
    for (const SchemaIndex index : top_) {
      for (const SchemaIndex branch : {tree_[index].consequence, tree_[index].alternative}) {
        if (branch == no_schema) continue;
        const SchemaIndex property = tree_[branch].find_property(name);
        if (property != no_schema) view.push_back(property);
      }
    }
    return tree_.in_place(view);
  }

  Json describe_field(const std::string& name) const {
    const View view = view_of(name);
    const bool secret = tree_.is_secret(view, name);
    const auto first_text = [&](std::string SchemaNode::* member) {
      for (const SchemaIndex index : view) {
        if (!(tree_[index].*member).empty()) return tree_[index].*member;
      }
      return std::string();
    };
    const auto any = [&](bool SchemaNode::* member) {
      return std::ranges::any_of(view, [&](SchemaIndex index) { return tree_[index].*member; });
    };
    const auto required = [&](SchemaIndex index) {
      return std::ranges::count(tree_[index].required, name) > 0;
    };
    const std::string title = first_text(&SchemaNode::title);
    const std::string group = first_text(&SchemaNode::group);
    const bool advanced = any(&SchemaNode::advanced);

    Json field = Json::object({{"key", name},
                               {"label", title.empty() ? label_of(name) : title},
                               {"kind", kind_of(name, view, secret)},
                               {"required", std::ranges::any_of(top_, required)},
                               {"secret", secret},
                               {"hidden", name == "location"},
                               {"group", !group.empty() ? group
                                         : advanced     ? "advanced"
                                                        : "main"},
                               {"advanced", advanced},
                               {"deprecated", any(&SchemaNode::deprecated)}});
    const auto set_text = [&](std::string_view key, std::string text) {
      if (!text.empty()) field.set(key, std::move(text));
    };
    set_text("description", first_text(&SchemaNode::description));
    set_text("placeholder", first_text(&SchemaNode::placeholder));
    set_text("pattern", first_text(&SchemaNode::pattern_text));
    set_text("format", first_text(&SchemaNode::format));
    if (any(&SchemaNode::dynamic_choices)) field.set("dynamic_choices", true);
    for (const SchemaIndex index : view) add_limits(field, tree_[index], secret);
    add_conditions(field, name);
    return field;
  }

  static void add_limits(Json& field, const SchemaNode& node, bool secret) {
    const auto set = [&](std::string_view key, const auto& value) {
      if (value && field.find(key) == nullptr) field.set(key, Json(*value));
    };
    if (!secret) {
      set("default", node.default_value);
      if (!node.examples.empty() && field.find("examples") == nullptr) {
        Json& examples = field.set("examples", Json::array());
        for (const Json& example : node.examples) examples.push_back(example);
      }
    }
    if (node.one_value_of && field.find("enum") == nullptr) {
      Json& choices = field.set("enum", Json::array());
      for (const Json& choice : *node.one_value_of) choices.push_back(choice);
    }
    set("minimum", node.minimum);
    set("maximum", node.maximum);
    set("min_length", node.min_length);
    set("max_length", node.max_length);
  }

  std::string_view kind_of(std::string_view name, const View& view, bool secret) const {
    const std::uint8_t types = tree_.types(view);
    std::string_view media_type;
    for (const SchemaIndex index : view) {
      if (tree_[index].one_value_of) return "enum";
      if (!tree_[index].media_type.empty()) media_type = tree_[index].media_type;
    }
    if ((types & type_string) != 0) {
      if (media_type == "application/x-pem-file") return "pem";
      if (media_type == "application/json") return "json";
      if (media_type == "application/yaml") return "yaml";
      if (media_type.starts_with("text/")) return "text";
      // Schemas from elsewhere say no media type.
      const bool pem = secret && (name.find("private_key") != name.npos || name.ends_with("_data"));
      return pem && !name.ends_with("_ttl") ? "pem" : "string";
    }
    if ((types & type_number) != 0) return "number";
    if ((types & type_integer) != 0) return "integer";
    if ((types & type_boolean) != 0) return "boolean";
    if ((types & type_array) == 0) return "json";
    for (const SchemaIndex index : view) {
      if (tree_[index].items == no_schema) continue;
      const View items = tree_.in_place(tree_[index].items);
      if ((tree_.types(items) & (type_array | type_object)) == 0) return "list";
    }
    return "json";
  }

  void add_conditions(Json& field, const std::string& name) const {
    bool in_main = false;
    for (const SchemaIndex index : top_) {
      const SchemaIndex property = tree_[index].find_property(name);
      in_main |= property != no_schema && tree_[property].constant != true;
    }
    for (const SchemaIndex index : top_) {
      const SchemaNode& node = tree_[index];
      if (node.condition == no_schema || node.consequence == no_schema) continue;
      const auto condition = simple_condition(tree_, node.condition);
      if (!condition) continue;
      const SchemaNode& consequence = tree_[node.consequence];
      if (std::ranges::count(consequence.required, name) > 0) {
        if (field.find("required_when") == nullptr) field.set("required_when", Json::array());
        field.find("required_when")->push_back(*condition);
      }
      if (!in_main && consequence.find_property(name) != no_schema) {
        field.set("visible_when", *condition);
      }
    }
  }

  // --- rules ---

  void add_rules(Json& rules, const SchemaNode& node) const {
    for (const auto& [given, names] : node.dependent_required) {
      std::vector<std::string> fields = {given};
      fields.insert(fields.end(), names.begin(), names.end());
      add_rule(rules, "requires", fields, "");
    }
    if (node.negated != no_schema) {
      add_exclusion(rules, node.negated, "");
      const SchemaNode& negated = tree_[node.negated];
      for (const SchemaIndex schema : negated.any_of) {
        add_exclusion(rules, schema, negated.description);
      }
    }
    add_alternatives(rules, node.any_of, node, true);
    add_alternatives(rules, node.one_of, node, false);
  }

  static Json& add_rule(Json& rules, std::string_view kind, const std::vector<std::string>& fields,
                        const std::string& message) {
    Json rule = Json::object({{"kind", kind}, {"fields", text_list(fields)}});
    if (!message.empty()) rule.set("message", message);
    return rules.push_back(std::move(rule));
  }

  void add_exclusion(Json& rules, SchemaIndex schema, const std::string& message) const {
    const std::vector<std::string> names = required_only(tree_, schema);
    if (names.size() < 2) return;
    const std::string& own = tree_[schema].description;
    add_rule(rules, "not_both", names, own.empty() ? message : own);
  }

  void add_alternatives(Json& rules, const View& schemas, const SchemaNode& node, bool any) const {
    if (schemas.empty()) return;
    Json forms = Json::array();
    std::vector<std::string> fields;
    for (const SchemaIndex schema : schemas) {
      const std::vector<std::string> names = required_only(tree_, schema);
      if (names.empty()) return;
      forms.push_back(text_list(names));
      for (const std::string& name : names) {
        if (std::ranges::count(fields, name) == 0) fields.push_back(name);
      }
    }
    Json rule = Json::object({{"kind", "one_of"}, {"fields", text_list(fields)}});
    rule.set("forms", std::move(forms));
    if (any) rule.set("any", true);
    if (&node != &tree_[0] && !node.description.empty()) rule.set("message", node.description);
    rules.push_back(std::move(rule));
  }

  const SchemaTree& tree_;
  const View top_;
};

}  // namespace

Json form_descriptor(const Schema& schema) { return Form(schema.tree()).describe(); }

}  // namespace plakar::config
