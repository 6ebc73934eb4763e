// Between texts and typed values, as a schema says.
#pragma once

#include <string>
#include <vector>

#include "core/codec/json.h"
#include "core/config/internal/schema_node.h"
#include "core/config/schema.h"

namespace plakar::config {

// The instance with the schema's names and types. What cannot be converted stays as it is and
// is found by the check after it; two names for one field are an error here.
codec::Json convert_values(const SchemaTree& tree, const codec::Json& instance,
                           std::vector<FieldError>& errors);

// Adds the defaults of fields that are not there; also those of `then` or `else`, whichever
// applies. Objects that are not there are not made.
void apply_defaults(const SchemaTree& tree, codec::Json& instance);

// Secrets at any depth replaced by the mask.
codec::Json mask_secrets(const SchemaTree& tree, const codec::Json& instance);

}  // namespace plakar::config
