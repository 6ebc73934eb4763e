#include "core/config/internal/schema_validator.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/text.h"
#include "core/config/internal/nearest_name.h"
#include "core/config/internal/schema_format.h"

namespace plakar::config {
namespace {

using codec::Json;
using codec::JsonMember;
using codec::JsonType;

// Frames of check(): of values within values, times schemas that apply to one value.
constexpr std::size_t recursion_max = 1'000;
constexpr std::size_t listed_names_max = 40;

Verdict both(Verdict a, Verdict b) {
  if (a == Verdict::wrong || b == Verdict::wrong) return Verdict::wrong;
  return a == Verdict::unknown ? a : b;
}

std::uint8_t type_of(const Json& value) {
  switch (value.type()) {
    case JsonType::null:
      return type_null;
    case JsonType::boolean:
      return type_boolean;
    case JsonType::integer:
      return type_integer;
    case JsonType::number:
      return is_whole(value) ? type_integer | type_number : type_number;
    case JsonType::string:
      return type_string;
    case JsonType::array:
      return type_array;
    case JsonType::object:
      return type_object;
  }
  return 0;
}

std::string describe_types(std::uint8_t types) {
  constexpr std::array<std::pair<std::uint8_t, std::string_view>, 7> words = {
      {{type_boolean, "true or false"},
       {type_integer, "a whole number"},
       {type_number, "a number"},
       {type_string, "a text"},
       {type_array, "a list"},
       {type_object, "a group of settings"},
       {type_null, "nothing"}}};
  if ((types & type_number) != 0) types &= static_cast<std::uint8_t>(~type_integer);
  std::string description;
  for (const auto& [type, word] : words) {
    if ((types & type) == 0) continue;
    if (!description.empty()) description += " or ";
    description += word;
  }
  return description;
}

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string plural(std::uint64_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

std::string join(const std::vector<std::string>& names, std::string_view last) {
  std::string joined;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) joined += i + 1 == names.size() ? last : ", ";
    joined += escape(names[i]);
  }
  return joined;
}

// Values that the schema itself names; never those of the instance.
std::string describe_choices(const std::vector<Json>& values) {
  std::vector<std::string> words;
  for (const Json& value : values) {
    const auto text = value.as_string();
    words.push_back(text && !text->empty() ? std::string(*text) : codec::to_json(value));
  }
  if (words.empty()) return "cannot have any value";
  return words.size() == 1 ? "must be " + words[0] : "must be one of " + join(words, ", ");
}

}  // namespace

std::string field_name(std::string_view pointer) {
  std::string name;
  for (std::size_t i = 1; i < pointer.size(); ++i) {
    if (pointer[i] == '/') {
      name += '.';
    } else if (pointer[i] == '~' && i + 1 < pointer.size()) {
      name += pointer[++i] == '0' ? '~' : '/';
    } else {
      name += pointer[i];
    }
  }
  return escape(name);
}

std::vector<std::string> required_only(const SchemaTree& tree, SchemaIndex schema) {
  const SchemaNode& node = tree[schema];
  const bool only = !node.constant && node.ref == no_schema && !node.one_value_of &&
                    node.properties.empty() && node.pattern_properties.empty() &&
                    node.additional_properties == no_schema && node.dependent_required.empty() &&
                    node.all_of.empty() && node.any_of.empty() && node.one_of.empty() &&
                    node.negated == no_schema && node.condition == no_schema &&
                    (node.types & type_object) != 0;
  return only ? node.required : std::vector<std::string>();
}

std::vector<FieldError> SchemaValidator::validate(const Json& instance) {
  Errors errors;
  check(0, instance, "", &errors);
  if (steps_ > schema_steps_max) {
    errors.clear();
    errors.push_back({"", "limit", "there is too much here to check", ""});
  }
  if (errors.size() > field_errors_max) errors.resize(field_errors_max);
  return errors;
}

Verdict SchemaValidator::judge(SchemaIndex schema, const Json& instance) {
  return check(schema, instance, "", nullptr);
}

bool SchemaValidator::spend(std::size_t steps) {
  steps_ += steps;
  return steps_ <= schema_steps_max;
}

Verdict SchemaValidator::fail(Errors* errors, const std::string& pointer, std::string_view keyword,
                              std::string_view reason, std::string suggestion) const {
  if (errors != nullptr && errors->size() <= field_errors_max) {
    const std::string name = field_name(pointer);
    std::string message = name.empty() ? std::string(reason) : name + ": " + std::string(reason);
    errors->push_back({pointer, std::string(keyword), std::move(message), std::move(suggestion)});
  }
  return Verdict::wrong;
}

Verdict SchemaValidator::check(SchemaIndex schema, const Json& value, const std::string& pointer,
                               Errors* errors) {
  if (!spend(1)) return Verdict::unknown;
  if (depth_ >= recursion_max) {
    steps_ = schema_steps_max + 1;
    return Verdict::unknown;
  }
  ++depth_;
  const Verdict verdict = check_node(tree_[schema], value, pointer, errors);
  --depth_;
  return verdict;
}

Verdict SchemaValidator::check_node(const SchemaNode& node, const Json& value,
                                    const std::string& pointer, Errors* errors) {
  if (node.constant) {
    if (*node.constant) return Verdict::right;
    return fail(errors, pointer, "false", "is not allowed here");
  }
  // A field, not the whole: what it stands for is checked when it is known.
  if (!pointer.empty() && value.is_object() && value.find("$secret") != nullptr) {
    if (is_secret_reference(value)) return Verdict::unknown;
    return fail(errors, pointer, "$secret",
                "a reference looks like {\"$secret\": \"provider:path#field\"}");
  }
  if ((node.types & type_of(value)) == 0) {
    return fail(errors, pointer, "type", "must be " + describe_types(node.types));
  }
  Verdict verdict = Verdict::right;
  if (node.one_value_of) {
    const auto same = [&](const Json& allowed) { return same_json(allowed, value); };
    if (!spend(node.one_value_of->size())) return Verdict::unknown;
    if (std::ranges::none_of(*node.one_value_of, same)) {
      std::string suggestion;
      if (const auto text = value.as_string(); text && !node.secret) {
        std::vector<std::string> choices;
        for (const Json& choice : *node.one_value_of) {
          if (const auto word = choice.as_string()) choices.emplace_back(*word);
        }
        suggestion = nearest_name(*text, choices);
      }
      verdict = fail(errors, pointer, node.has_const ? "const" : "enum",
                     describe_choices(*node.one_value_of), std::move(suggestion));
    }
  }
  switch (value.type()) {
    case JsonType::integer:
    case JsonType::number:
      verdict = both(verdict, check_number(node, value, pointer, errors));
      break;
    case JsonType::string:
      verdict = both(verdict, check_text(node, *value.as_string(), pointer, errors));
      break;
    case JsonType::array:
      verdict = both(verdict, check_array(node, value, pointer, errors));
      break;
    case JsonType::object:
      verdict = both(verdict, check_object(node, value, pointer, errors));
      break;
    case JsonType::null:
    case JsonType::boolean:
      break;
  }
  return both(verdict, check_combinations(node, value, pointer, errors));
}

Verdict SchemaValidator::check_number(const SchemaNode& node, const Json& value,
                                      const std::string& pointer, Errors* errors) {
  Verdict verdict = Verdict::right;
  const auto wrong = [&](std::string_view keyword, std::string_view what, const Json& limit) {
    verdict = fail(errors, pointer, keyword, std::string(what) + codec::to_json(limit));
  };
  if (node.minimum && compare_numbers(value, *node.minimum) < 0) {
    wrong("minimum", "must be at least ", *node.minimum);
  }
  if (node.maximum && compare_numbers(value, *node.maximum) > 0) {
    wrong("maximum", "must be at most ", *node.maximum);
  }
  if (node.exclusive_minimum && compare_numbers(value, *node.exclusive_minimum) <= 0) {
    wrong("exclusiveMinimum", "must be more than ", *node.exclusive_minimum);
  }
  if (node.exclusive_maximum && compare_numbers(value, *node.exclusive_maximum) >= 0) {
    wrong("exclusiveMaximum", "must be less than ", *node.exclusive_maximum);
  }
  if (node.multiple_of) {
    const auto whole = value.as_int64();
    const auto unit = node.multiple_of->as_int64();
    bool multiple = false;
    if (whole && unit) {
      multiple = *whole % *unit == 0;
    } else {
      // 0.3 is a multiple of 0.1 to people, although not in binary.
      constexpr double tolerance = 1e-9;
      const double quotient = *value.as_double() / *node.multiple_of->as_double();
      multiple = std::isfinite(quotient) && std::abs(quotient - std::round(quotient)) <=
                                                tolerance * std::max(1.0, std::abs(quotient));
    }
    if (!multiple) wrong("multipleOf", "must be a multiple of ", *node.multiple_of);
  }
  return verdict;
}

Verdict SchemaValidator::check_text(const SchemaNode& node, std::string_view text,
                                    const std::string& pointer, Errors* errors) {
  Verdict verdict = Verdict::right;
  if (node.min_length || node.max_length) {
    const std::size_t length = count_characters(text);
    if (node.min_length && length < *node.min_length) {
      verdict = fail(errors, pointer, "minLength",
                     *node.min_length == 1
                         ? "must not be empty"
                         : "must have at least " + plural(*node.min_length, "character"));
    }
    if (node.max_length && length > *node.max_length) {
      verdict = fail(errors, pointer, "maxLength",
                     "must have at most " + plural(*node.max_length, "character"));
    }
  }
  if (node.pattern) {
    // Linear in the text, but for long texts not cheap.
    constexpr std::size_t bytes_per_step = 64;
    if (!spend(text.size() / bytes_per_step)) return Verdict::unknown;
    if (!node.pattern->matches(text)) {
      std::string reason = "must match " + escape(node.pattern_text);
      if (!node.examples.empty() && node.examples[0].as_string()) {
        reason += ", for example " + escape(*node.examples[0].as_string());
      }
      verdict = fail(errors, pointer, "pattern", reason);
    }
  }
  if (!node.format.empty() && !has_format(text, node.format)) {
    verdict = fail(errors, pointer, "format", "must be " + describe_format(node.format));
  }
  return verdict;
}

Verdict SchemaValidator::check_array(const SchemaNode& node, const Json& value,
                                     const std::string& pointer, Errors* errors) {
  Verdict verdict = Verdict::right;
  const auto items = value.items();
  if (node.min_items && items.size() < *node.min_items) {
    verdict =
        fail(errors, pointer, "minItems", "must have at least " + plural(*node.min_items, "item"));
  }
  if (node.max_items && items.size() > *node.max_items) {
    verdict =
        fail(errors, pointer, "maxItems", "must have at most " + plural(*node.max_items, "item"));
  }
  if (node.unique_items) {
    for (std::size_t i = 1; i < items.size(); ++i) {
      if (!spend(i)) return Verdict::unknown;
      const auto before = items.first(i);
      if (std::ranges::any_of(before,
                              [&](const Json& item) { return same_json(item, items[i]); })) {
        verdict = fail(errors, pointer, "uniqueItems", "must not have the same item twice");
        break;
      }
    }
  }
  if (node.items == no_schema) return verdict;
  for (std::size_t i = 0; i < items.size(); ++i) {
    verdict = both(verdict, check(node.items, items[i], pointer + "/" + std::to_string(i), errors));
  }
  return verdict;
}

Verdict SchemaValidator::check_object(const SchemaNode& node, const Json& value,
                                      const std::string& pointer, Errors* errors) {
  Verdict verdict = Verdict::right;
  const auto require = [&](const std::string& name, std::string_view keyword,
                           const std::string& reason) {
    if (value.find(name) != nullptr) return;
    verdict = fail(errors, pointer + pointer_segment(name), keyword, reason);
  };
  if (!spend(node.required.size() + node.dependent_required.size())) return Verdict::unknown;
  for (const std::string& name : node.required) require(name, "required", "is required");
  for (const auto& [given, names] : node.dependent_required) {
    if (value.find(given) == nullptr) continue;
    for (const std::string& name : names) {
      require(name, "dependentRequired", "is required together with " + escape(given));
    }
  }
  for (const JsonMember& member : value.members()) {
    const std::string at = pointer + pointer_segment(member.name);
    if (!spend(1 + node.properties.size() / 16)) return Verdict::unknown;
    const SchemaIndex property = node.find_property(member.name);
    bool known = property != no_schema;
    if (known) verdict = both(verdict, check(property, member.value, at, errors));
    for (const auto& [pattern, schema] : node.pattern_properties) {
      if (!spend(1)) return Verdict::unknown;
      if (!pattern.matches(member.name)) continue;
      known = true;
      verdict = both(verdict, check(schema, member.value, at, errors));
    }
    if (known || node.additional_properties == no_schema) continue;
    if (tree_[node.additional_properties].constant != false) {
      verdict = both(verdict, check(node.additional_properties, member.value, at, errors));
      continue;
    }
    if (errors == nullptr) return Verdict::wrong;
    std::vector<std::string> names;
    for (const auto& [name, index] : node.properties) names.push_back(name);
    const std::string suggestion = nearest_name(member.name, names);
    verdict =
        fail(errors, at, "additionalProperties", unknown_key_reason(node, suggestion), suggestion);
  }
  return verdict;
}

std::string SchemaValidator::unknown_key_reason(const SchemaNode& node,
                                                std::string_view suggestion) const {
  if (!suggestion.empty()) {
    return "is not known, did you mean " + escape(suggestion) + "?";
  }
  std::vector<std::string> names;
  for (const auto& [name, index] : node.properties) names.push_back(name);
  if (names.empty()) return "is not known";
  if (names.size() > listed_names_max) {
    names.resize(listed_names_max);
    names.emplace_back("...");
  }
  return "is not known; known are " + join(names, ", ");
}

Verdict SchemaValidator::check_combinations(const SchemaNode& node, const Json& value,
                                            const std::string& pointer, Errors* errors) {
  Verdict verdict = Verdict::right;
  if (node.ref != no_schema) verdict = both(verdict, check(node.ref, value, pointer, errors));
  for (const SchemaIndex schema : node.all_of) {
    verdict = both(verdict, check(schema, value, pointer, errors));
  }
  if (!node.any_of.empty()) {
    verdict = both(verdict, check_alternatives(node.any_of, "anyOf", value, pointer, errors));
  }
  if (!node.one_of.empty()) {
    verdict = both(verdict, check_alternatives(node.one_of, "oneOf", value, pointer, errors));
  }
  if (node.negated != no_schema) {
    verdict = both(verdict, check_negation(node, value, pointer, errors));
  }
  if (node.condition == no_schema) return verdict;
  switch (check(node.condition, value, pointer, nullptr)) {
    case Verdict::right:
      if (node.consequence == no_schema) return verdict;
      return both(verdict, check(node.consequence, value, pointer, errors));
    case Verdict::wrong:
      if (node.alternative == no_schema) return verdict;
      return both(verdict, check(node.alternative, value, pointer, errors));
    case Verdict::unknown:
      return both(verdict, Verdict::unknown);
  }
  return verdict;
}

Verdict SchemaValidator::check_alternatives(const std::vector<SchemaIndex>& schemas,
                                            std::string_view keyword, const Json& value,
                                            const std::string& pointer, Errors* errors) {
  std::size_t right = 0;
  std::size_t unknown = 0;
  Errors nearest;
  bool have_nearest = false;
  for (const SchemaIndex schema : schemas) {
    Errors these;
    switch (check(schema, value, pointer, errors == nullptr ? nullptr : &these)) {
      case Verdict::right:
        ++right;
        break;
      case Verdict::unknown:
        ++unknown;
        break;
      case Verdict::wrong:
        if (!have_nearest || these.size() < nearest.size()) nearest = std::move(these);
        have_nearest = true;
        break;
    }
  }
  const bool any = keyword == "anyOf";
  if (any ? right > 0 : right == 1 && unknown == 0) return Verdict::right;
  if (unknown > 0 && right < 2) return Verdict::unknown;
  if (errors == nullptr) return Verdict::wrong;

  // "give a, or b and c": what the alternatives require, where that is all they do.
  std::vector<std::string> forms;
  for (const SchemaIndex schema : schemas) {
    const SchemaNode& node = tree_[schema];
    std::vector<std::string> names = required_only(tree_, schema);
    if (!node.description.empty()) {
      forms.push_back(node.description);
    } else if (!names.empty()) {
      forms.push_back(join(names, " and "));
    }
  }
  if (forms.size() == schemas.size()) {
    std::string reason = right > 1 ? "only one can be given: " : "one of these is required: ";
    for (std::size_t i = 0; i < forms.size(); ++i) {
      if (i > 0) reason += i + 1 == forms.size() ? ", or " : ", ";
      reason += forms[i];
    }
    return fail(errors, pointer, keyword, reason);
  }
  if (right > 1) return fail(errors, pointer, keyword, "fits more than one of its forms");
  // Otherwise what is wrong with the form that it fits best.
  for (FieldError& error : nearest) errors->push_back(std::move(error));
  return Verdict::wrong;
}

Verdict SchemaValidator::check_negation(const SchemaNode& node, const Json& value,
                                        const std::string& pointer, Errors* errors) {
  switch (check(node.negated, value, pointer, nullptr)) {
    case Verdict::wrong:
      return Verdict::right;
    case Verdict::unknown:
      return Verdict::unknown;
    case Verdict::right:
      break;
  }
  if (errors == nullptr) return Verdict::wrong;
  const SchemaNode& negated = tree_[node.negated];
  if (!negated.description.empty()) return fail(errors, pointer, "not", negated.description);
  const std::vector<std::string> names = required_only(tree_, node.negated);
  if (names.size() == 1) {
    return fail(errors, pointer + pointer_segment(names[0]), "not", "is not allowed here");
  }
  if (names.size() > 1) {
    return fail(errors, pointer + pointer_segment(names.back()), "not",
                "cannot be given together with " + join({names.begin(), names.end() - 1}, " and "));
  }
  // not: {anyOf: [{required: [a, b]}, ...]}
  for (const SchemaIndex schema : negated.any_of) {
    const std::vector<std::string> together = required_only(tree_, schema);
    if (together.size() < 2 || check(schema, value, pointer, nullptr) != Verdict::right) continue;
    return fail(
        errors, pointer + pointer_segment(together.back()), "not",
        "cannot be given together with " + join({together.begin(), together.end() - 1}, " and "));
  }
  return fail(errors, pointer, "not", "is not allowed like this");
}

}  // namespace plakar::config
