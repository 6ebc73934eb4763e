// Checks an instance against a SchemaTree.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/codec/json.h"
#include "core/config/internal/schema_node.h"
#include "core/config/schema.h"

namespace plakar::config {

// A secret that is only referred to is neither right nor wrong until it is resolved.
enum class Verdict : unsigned char { right, wrong, unknown };

class SchemaValidator {
 public:
  explicit SchemaValidator(const SchemaTree& tree) : tree_(tree) {}

  std::vector<FieldError> validate(const codec::Json& instance);
  // Without messages; for `if`.
  Verdict judge(SchemaIndex schema, const codec::Json& instance);

 private:
  using Errors = std::vector<FieldError>;

  // What is wrong goes to `errors`, which may be null.
  Verdict check(SchemaIndex schema, const codec::Json& value, const std::string& pointer,
                Errors* errors);
  Verdict check_node(const SchemaNode& node, const codec::Json& value, const std::string& pointer,
                     Errors* errors);
  Verdict check_number(const SchemaNode& node, const codec::Json& value, const std::string& pointer,
                       Errors* errors);
  Verdict check_text(const SchemaNode& node, std::string_view text, const std::string& pointer,
                     Errors* errors);
  Verdict check_array(const SchemaNode& node, const codec::Json& value, const std::string& pointer,
                      Errors* errors);
  Verdict check_object(const SchemaNode& node, const codec::Json& value, const std::string& pointer,
                       Errors* errors);
  Verdict check_combinations(const SchemaNode& node, const codec::Json& value,
                             const std::string& pointer, Errors* errors);
  Verdict check_alternatives(const std::vector<SchemaIndex>& schemas, std::string_view keyword,
                             const codec::Json& value, const std::string& pointer, Errors* errors);
  Verdict check_negation(const SchemaNode& node, const codec::Json& value,
                         const std::string& pointer, Errors* errors);

  Verdict fail(Errors* errors, const std::string& pointer, std::string_view keyword,
               std::string_view reason, std::string suggestion = {}) const;
  std::string unknown_key_reason(const SchemaNode& node, std::string_view suggestion) const;
  bool spend(std::size_t steps);

  const SchemaTree& tree_;
  std::size_t steps_ = 0;
  std::size_t depth_ = 0;
};

// "a.b" for "/a/b": how a message names a field.
std::string field_name(std::string_view pointer);

// The names that a schema requires and nothing else, as in {"required": ["a", "b"]}; empty for
// any other schema.
std::vector<std::string> required_only(const SchemaTree& tree, SchemaIndex schema);

}  // namespace plakar::config
