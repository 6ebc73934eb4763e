#include "core/config/schema.h"

#include <algorithm>
#include <utility>

#include "core/config/internal/schema_compiler.h"
#include "core/config/internal/schema_node.h"
#include "core/config/internal/schema_validator.h"
#include "core/config/internal/schema_values.h"

namespace plakar::config {

using codec::Json;
using codec::JsonType;

Result<Schema> Schema::compile(const Json& schema) {
  return Schema(std::make_shared<const SchemaTree>(PLK_TRY(compile_schema(schema))));
}

std::vector<FieldError> Schema::validate(const Json& instance) const {
  return SchemaValidator(*tree_).validate(instance);
}

Schema::Prepared Schema::prepare(const Json& instance) const {
  Prepared prepared;
  prepared.value = convert_values(*tree_, instance, prepared.errors);
  for (FieldError& error : validate(prepared.value)) prepared.errors.push_back(std::move(error));
  apply_defaults(*tree_, prepared.value);
  return prepared;
}

Schema::Prepared Schema::prepare(const Options& options) const {
  Json instance = Json::object();
  for (const Option& option : options) instance.set(option.key, option.value);
  return prepare(instance);
}

bool Schema::is_secret(std::string_view key) const {
  return tree_->is_secret(tree_->member(tree_->in_place(SchemaIndex{0}), key), key);
}

Json Schema::masked(const Json& value) const { return mask_secrets(*tree_, value); }

bool is_secret_reference(const Json& value) {
  if (value.size() != 1) return false;
  const Json* reference = value.find("$secret");
  if (reference == nullptr) return false;
  const auto text = reference->as_string();
  if (!text) return false;
  const std::size_t colon = text->find(':');
  return colon != text->npos && colon > 0 && colon + 1 < text->size() && (*text)[colon + 1] != '#';
}

std::string option_text(const Json& value) {
  if (const auto text = value.as_string()) return std::string(*text);
  if (!value.is_array()) return codec::to_json(value);
  std::string joined;
  for (const Json& item : value.items()) {
    if (item.is_array() || item.is_object()) return codec::to_json(value);
    if (!joined.empty()) joined += ',';
    joined += option_text(item);
  }
  return joined;
}

}  // namespace plakar::config
